"""Statements on what webhooks are still to be told: put there with the event itself, sent afterwards, in order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Row,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.webhook_events import WebhookTested
from tokenry.domain.webhooks import KEPT_FOR, RETRIED_FOR, Delivery, State, write_body
from tokenry.storage.audit import read_entry
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import Position, filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import Seconds, accounts, audit_events, outbox, webhooks

BY_HAND = 0
"""When what somebody sends once more is due: before all else."""
_COLUMNS = {"id": outbox.c.id, "state": outbox.c.state, "type": outbox.c.action, "subject": outbox.c.subject}
_PENDING = outbox.c.state == State.PENDING.value
_NEWEST_FIRST = (outbox.c.id.desc(),)
_HAPPENED = select(audit_events.c.at).where(audit_events.c.id == outbox.c.event_id).scalar_subquery()
_MESSAGES = select(outbox, _HAPPENED.label("happened_at"))


def _putting() -> Insert:
    """A test is for the webhook that it is of, whatever that is told of otherwise, and for no other."""
    event, now = audit_events.c, bindparam("now", type_=Seconds)
    is_test = event.action == WebhookTested.action
    named = Position(webhooks.c.actions, literal(" ") + event.action + literal(" ")) > 0
    concerned = or_(webhooks.c.account_id.is_(None), webhooks.c.account_id == event.account_id)
    tested = is_test & (event.subject == literal("webhook:") + cast(webhooks.c.id, Text))
    rows = (
        select(webhooks.c.id, event.id, event.action, event.subject, now, now)
        .join_from(audit_events, webhooks, webhooks.c.disabled_at.is_(None) & concerned)
        .where(event.id.in_(bindparam("events", expanding=True)))
        .where(or_(tested, ~is_test & or_(webhooks.c.actions == "", named)))
        .order_by(event.id)
    )
    return insert(outbox).from_select(["webhook_id", "event_id", "action", "subject", "created_at", "due_at"], rows)


_PUT = _putting()


def put_events(connection: Connection, event_ids: Sequence[int], now: datetime) -> None:
    """Let each webhook that an event concerns be told of it: the last thing that is done with the event."""
    if event_ids:
        connection.execute(_PUT, {"events": event_ids, "now": to_seconds(now)})


def find_next(connection: Connection, webhook_id: int, now: datetime, *, by_hand: bool = False) -> Delivery | None:
    """Find what a webhook is told next: nothing while something earlier of the same subject waits to be told again.

    With `by_hand`, of what somebody sends once more alone.
    """
    enabled = select(webhooks.c.id).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None)).exists()
    until = BY_HAND if by_hand else to_seconds(now)
    due = _MESSAGES.where(outbox.c.webhook_id == webhook_id, _PENDING, outbox.c.due_at <= until, enabled)
    row = connection.execute(
        due.where(~_waits_for_earlier(webhook_id)).order_by(outbox.c.due_at, outbox.c.id).limit(1)
    ).one_or_none()
    return None if row is None else _read(row)


def get_body(connection: Connection, delivery: Delivery) -> bytes:
    """Write what the webhook is told."""
    whole = select(audit_events, accounts.c.euuid).outerjoin(accounts, accounts.c.id == audit_events.c.account_id)
    row = connection.execute(whole.where(audit_events.c.id == delivery.event_id)).one()
    return write_body(read_entry(row), row.euuid)


def end_delivery(connection: Connection, delivery_id: int, *, status: int, state: State, now: datetime) -> None:
    """Note that a message was taken, or never will be."""
    values = {
        "state": state.value,
        "attempts": outbox.c.attempts + 1,
        "status": status,
        "error": None,
        "ended_at": to_seconds(now),
    }
    connection.execute(update(outbox).where(outbox.c.id == delivery_id).values(values))


def put_off(
    connection: Connection, delivery: Delivery, *, status: int | None, error: str | None, due: datetime, now: datetime
) -> None:
    """Note that a message was not taken: it and what follows it wait. What is too old by now is told no more."""
    tried = {"attempts": outbox.c.attempts + 1, "status": status, "error": error}
    connection.execute(update(outbox).where(outbox.c.id == delivery.id).values(tried))
    waiting = update(outbox).where(_PENDING)
    old = waiting.where(
        outbox.c.webhook_id == delivery.webhook_id, outbox.c.created_at <= to_seconds(now - RETRIED_FOR)
    )
    connection.execute(old.values(state=State.DEAD.value, ended_at=to_seconds(now)))
    same = waiting.where(outbox.c.subject == delivery.subject, outbox.c.webhook_id + 0 == delivery.webhook_id)
    connection.execute(same.values(due_at=to_seconds(due)))


def is_full(connection: Connection, webhook_id: int, waiting_max: int) -> bool:
    """Whether more waits for a webhook than may."""
    waiting = select(outbox.c.id).where(outbox.c.webhook_id == webhook_id, _PENDING).limit(waiting_max + 1)
    return connection.execute(select(func.count()).select_from(waiting.subquery())).scalar_one() > waiting_max


def give_up(connection: Connection, webhook_id: int, now: datetime) -> int:
    """Note that a webhook is never told what waits for it; how much that is."""
    waiting = update(outbox).where(outbox.c.webhook_id == webhook_id, _PENDING)
    return connection.execute(waiting.values(state=State.DEAD.value, ended_at=to_seconds(now))).rowcount


def list_deliveries(
    connection: Connection, webhook_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Delivery]:
    """List what a webhook was told and is to be told, newest first unless the filter has an order."""
    own = select(outbox.c.id).where(outbox.c.webhook_id == webhook_id)
    found = filtered(own, filter, _COLUMNS, {}, own=_NEWEST_FIRST)
    return page_of(connection, pages_of(found, ordered(_MESSAGES, filter, _COLUMNS, own=_NEWEST_FIRST)), request, _read)


def find_delivery(connection: Connection, delivery_id: int, *, webhook_id: int) -> Delivery | None:
    """Find one of a webhook's."""
    own = _MESSAGES.where(outbox.c.id == delivery_id, outbox.c.webhook_id == webhook_id)
    row = connection.execute(own).one_or_none()
    return None if row is None else _read(row)


def get_delivery(connection: Connection, delivery_id: int) -> Delivery:
    """Read one that is known to be there."""
    return _read(connection.execute(_MESSAGES.where(outbox.c.id == delivery_id)).one())


def send_again(connection: Connection, delivery: Delivery, now: datetime) -> None:
    """Let a message be tried at once, and then as if it had been put here just now, also one that was taken or waits.

    One that has to wait for an earlier one on the same thing is tried after that.
    """
    at = to_seconds(now)
    due = case((_waits_for_earlier(delivery.webhook_id), at), else_=BY_HAND)
    values = {"state": State.PENDING.value, "due_at": due, "created_at": at, "ended_at": None}
    connection.execute(update(outbox).where(outbox.c.id == delivery.id).values(values))


def delete_done(connection: Connection, now: datetime) -> int:
    """Delete some messages that were taken, as long ago as one would be tried; how many. Waits for nobody."""
    until = to_seconds(now - RETRIED_FOR)
    old = select(outbox.c.id).where(outbox.c.state == State.DONE.value, outbox.c.ended_at <= until)
    return _delete(connection, some_of(old.order_by(outbox.c.ended_at)))


def delete_dead(connection: Connection, now: datetime) -> int:
    """Delete some messages that nobody took, some time after; how many. Waits for nobody."""
    old = select(outbox.c.id).where(outbox.c.created_at <= to_seconds(now - KEPT_FOR))
    return _delete(connection, some_of(old.order_by(outbox.c.created_at)))


def _waits_for_earlier(webhook_id: int) -> ColumnElement[bool]:
    earlier = outbox.alias()
    before = select(earlier.c.id).where(
        earlier.c.webhook_id + 0 == webhook_id,  # of one thing little waits: it is found by that
        earlier.c.subject == outbox.c.subject,
        earlier.c.state == State.PENDING.value,
        earlier.c.id < outbox.c.id,
    )
    return before.correlate(outbox).exists()


def _delete(connection: Connection, ids: Any) -> int:
    return connection.execute(delete(outbox).where(outbox.c.id.in_(ids))).rowcount


def _read(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        action=row.action,
        subject=row.subject,
        created=from_seconds(row.happened_at),
        due=from_seconds(max(row.due_at, row.created_at)),
        state=State(row.state),
        attempts=row.attempts,
        status=row.status,
        error=row.error,
    )
