"""Statements on webhooks. What they are still to be told is in `outbox.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.webhooks import PAUSE_SECONDS_MAX, State, Webhook
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import outbox, webhooks

LEASE = timedelta(seconds=60)
"""How long a webhook is one worker's, to send to; if that dies, it is anybody's afterwards."""
OF_ACCOUNT_MAX = 2
"""Of one account's webhooks so many are sent to in a pass: those of others wait for no more than these."""
_COLUMNS = {"id": webhooks.c.id, "url": webhooks.c.url}
_SHOWN = [column for column in webhooks.c if not column.name.startswith("sealed")]


class Recipient(NamedTuple):
    """A webhook, and the keys that sign now, sealed."""

    webhook: Webhook
    sealed: Sequence[bytes]


def create_webhook(
    connection: Connection, *, account_id: int | None, url: str, actions: Collection[str], now: datetime
) -> Webhook:
    """Store a webhook, whose secret is stored next: it is sealed for this id."""
    row = {
        "account_id": account_id,
        "url": url,
        "actions": _write_actions(actions),
        "sealed": b"",
        "created_at": to_seconds(now),
    }
    return _read(connection.execute(insert(webhooks).values(row).returning(*_SHOWN)).one())


def count_webhooks(connection: Connection, account_id: int | None) -> int:
    """Count those of an account, or the operator's."""
    return connection.execute(select(func.count()).where(_of(account_id)).select_from(webhooks)).scalar_one()


def list_webhooks(
    connection: Connection, account_id: int | None, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Webhook]:
    """List those of an account, or the operator's."""
    found = filtered(select(webhooks.c.id).where(_of(account_id)), filter, _COLUMNS, {})
    return page_of(connection, pages_of(found, ordered(select(*_SHOWN), filter, _COLUMNS)), request, _read)


def find_webhook(connection: Connection, webhook_id: int, *, account_id: int | None) -> Webhook | None:
    """Find one of an account's, or of the operator's."""
    own = select(*_SHOWN).where(webhooks.c.id == webhook_id, _of(account_id))
    row = connection.execute(own).one_or_none()
    return None if row is None else _read(row)


def claim_webhook(connection: Connection, webhook_id: int, *, account_id: int | None) -> Webhook | None:
    """Find one, which others who claim it wait for. Locked last of all."""
    own = select(*_SHOWN).where(webhooks.c.id == webhook_id, _of(account_id)).with_for_update()
    row = connection.execute(own).one_or_none()
    return None if row is None else _read(row)


def set_webhook(connection: Connection, webhook: Webhook) -> None:
    """Store what can be changed of a webhook."""
    values = {
        "url": webhook.url,
        "actions": _write_actions(webhook.actions),
        "disabled_at": None if webhook.disabled is None else to_seconds(webhook.disabled),
    }
    connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(values))


def disable_webhook(connection: Connection, webhook_id: int, url: str, now: datetime) -> bool:
    """Disable a webhook if it is still at this address; whether it did."""
    own = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.url == url, webhooks.c.disabled_at.is_(None))
    return connection.execute(own.values(disabled_at=to_seconds(now))).rowcount > 0


def set_key(connection: Connection, webhook_id: int, sealed: bytes, *, before_until: datetime | None) -> None:
    """Store another secret; the one before signs as well until a moment, if there is one."""
    until = None if before_until is None else to_seconds(before_until)
    values = {"sealed": sealed, "sealed_before": None if until is None else webhooks.c.sealed, "before_until": until}
    connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values))


def delete_webhook(connection: Connection, webhook_id: int) -> None:
    """Delete a webhook that is claimed, with what it was to be told.

    What is put in the outbox meanwhile stays there, for nobody, until it is old.
    """
    connection.execute(delete(outbox).where(outbox.c.webhook_id == webhook_id))
    connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


def list_due(connection: Connection, now: datetime, *, limit: int) -> Sequence[int]:
    """List webhooks to which something can be sent, and nobody is sending: who waits longest first, of each a few.

    An account's are no more than OF_ACCOUNT_MAX, and the operator's are as one account's.
    """
    # Of each webhook one row is read, however many wait.
    pending = select(func.min(outbox.c.webhook_id)).where(outbox.c.state == State.PENDING.value)
    first = pending.cte("waiting", recursive=True)
    (id,) = first.c
    after = pending.where(outbox.c.webhook_id > id).correlate(first).scalar_subquery()
    waiting = first.union_all(select(after).where(id.is_not(None)))
    since = select(func.min(outbox.c.due_at)).where(
        outbox.c.webhook_id == webhooks.c.id, outbox.c.state == State.PENDING.value
    )
    free = select(webhooks.c.id, webhooks.c.account_id, since.scalar_subquery().label("since")).join(
        waiting, waiting.c[0] == webhooks.c.id
    )
    found = free.where(webhooks.c.disabled_at.is_(None), _is_free(now)).subquery()
    order = (found.c.since, found.c.id)
    place = func.row_number().over(partition_by=found.c.account_id, order_by=order).label("place")
    due = select(*order, place).where(found.c.since <= to_seconds(now)).subquery()
    few = select(due.c.id).where(due.c.place <= OF_ACCOUNT_MAX).order_by(due.c.since, due.c.id)
    return connection.execute(few.limit(limit)).scalars().all()


def take_turn(connection: Connection, webhook_id: int, now: datetime) -> int | None:
    """Be the one who sends to a webhook, for as long as LEASE; how often it has failed of late.

    None if somebody else is, or if it was just deleted.
    """
    free = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None), _is_free(now))
    taken = free.values(busy_until=to_seconds(now + LEASE)).returning(webhooks.c.failures)
    return connection.execute(taken).scalar_one_or_none()


def find_recipient(connection: Connection, webhook_id: int, now: datetime) -> Recipient | None:
    """Find where a webhook is told now, and by which keys; None if it was just disabled or deleted."""
    enabled = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
    row = connection.execute(enabled).one_or_none()
    if row is None:
        return None
    before = [] if row.before_until is None or row.before_until <= to_seconds(now) else [row.sealed_before]
    return Recipient(_read(row), [row.sealed, *before])


def end_turn(connection: Connection, webhook_id: int, *, failures: int, busy_until: datetime) -> None:
    """Let others send to a webhook, from a moment on; so often it has failed, one time after the other."""
    values = {"busy_until": to_seconds(busy_until), "failures": failures}
    connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values))


def _of(account_id: int | None) -> ColumnElement[bool]:
    return webhooks.c.account_id.is_(None) if account_id is None else webhooks.c.account_id == account_id


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Nobody is sending; who seems to be for longer than that can be began before the clock was set back."""
    longest = to_seconds(now) + max(PAUSE_SECONDS_MAX, LEASE.seconds)
    return or_(webhooks.c.busy_until <= to_seconds(now), webhooks.c.busy_until > longest)


def _write_actions(actions: Collection[str]) -> str:
    """As a text in which each stands between two spaces."""
    return f" {' '.join(sorted(actions))} " if actions else ""


def _read(row: Row[Any]) -> Webhook:
    return Webhook(
        id=row.id,
        account_id=row.account_id,
        url=row.url,
        actions=frozenset(row.actions.split()),
        created=from_seconds(row.created_at),
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
        previous_until=None if row.before_until is None else from_seconds(row.before_until),
    )
