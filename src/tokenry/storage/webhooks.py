"""Statements on webhooks. What they are still to be told is in `outbox.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, literal, or_, select, update

from tokenry.domain.filters import Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.webhooks import PAUSE_SECONDS_MAX, Disabling, State, Webhook, pause
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.outbox import BY_HAND
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import outbox, webhooks

LEASE = timedelta(seconds=60)
"""How long a webhook is one worker's, to send to; if that dies, it is anybody's afterwards."""
_COLUMNS = {"id": webhooks.c.id, "url": webhooks.c.url}
_SHOWN = [column for column in webhooks.c if not column.name.startswith("sealed")]


class Recipient(NamedTuple):
    """A webhook, and the keys that sign now, sealed."""

    webhook: Webhook
    sealed: Sequence[bytes]


class Turn(NamedTuple):
    """How often a webhook has failed of late, and whether it rests: then it is sent by hand alone."""

    failures: int
    rests: bool


class Waiting(NamedTuple):
    """For a webhook something waits, the first of it `since` so many seconds; it may be sent if it is `due`.

    What somebody sends by hand is due also while the webhook rests, and comes before all else.
    """

    webhook_id: int
    account_id: int | None
    due: bool
    failures: int | None
    since: int


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
    return _read(connection.execute(insert(webhooks).values(row).returning(*_SHOWN)).one(), now)


def count_webhooks(connection: Connection, account_id: int | None) -> int:
    """Count those of an account, or the operator's."""
    return connection.execute(select(func.count()).where(_of(account_id)).select_from(webhooks)).scalar_one()


def list_webhooks(
    connection: Connection, account_id: int | None, request: PageRequest, filter: Filter, now: datetime
) -> Page[Webhook]:
    """List those of an account, or the operator's."""
    found = filtered(select(webhooks.c.id).where(_of(account_id)), filter, _COLUMNS, {})
    pages = pages_of(found, ordered(select(*_SHOWN), filter, _COLUMNS))
    return page_of(connection, pages, request, lambda row: _read(row, now))


def find_webhook(connection: Connection, webhook_id: int, now: datetime, *, account_id: int | None) -> Webhook | None:
    """Find one of an account's, or of the operator's."""
    own = select(*_SHOWN).where(webhooks.c.id == webhook_id, _of(account_id))
    row = connection.execute(own).one_or_none()
    return None if row is None else _read(row, now)


def claim_webhook(connection: Connection, webhook_id: int, now: datetime, *, account_id: int | None) -> Webhook | None:
    """Find one, which others who claim it wait for. Locked last of all."""
    own = select(*_SHOWN).where(webhooks.c.id == webhook_id, _of(account_id)).with_for_update()
    row = connection.execute(own).one_or_none()
    return None if row is None else _read(row, now)


def set_webhook(connection: Connection, webhook: Webhook) -> None:
    """Store what can be changed of a webhook."""
    values = {
        "url": webhook.url,
        "actions": _write_actions(webhook.actions),
        "disabled_at": None if webhook.disabled is None else to_seconds(webhook.disabled),
        "disabled_for": webhook.disabled_for,
    }
    connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(values))


def disable_webhook(connection: Connection, webhook: Webhook, why: Disabling, now: datetime) -> bool:
    """Disable a webhook if it is still at this address; whether it did."""
    own = (webhooks.c.id == webhook.id, webhooks.c.url == webhook.url, webhooks.c.disabled_at.is_(None))
    disabled = {"disabled_at": to_seconds(now), "disabled_for": why.value}
    return connection.execute(update(webhooks).where(*own).values(disabled)).rowcount > 0


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


def list_waiting(connection: Connection, now: datetime, *, after: int, limit: int) -> Sequence[Waiting]:
    """List the first webhooks behind an id for which something waits. Of each few rows are read, however many wait."""
    pending = select(func.min(outbox.c.webhook_id)).where(outbox.c.state == State.PENDING.value)
    start = pending.where(outbox.c.webhook_id > after).scalar_subquery()
    found = select(start.label("id"), literal(1).label("place")).cte("waiting", recursive=True)
    following = pending.where(outbox.c.webhook_id > found.c.id).correlate(found).scalar_subquery()
    found = found.union_all(select(following, found.c.place + 1).where(found.c.id.is_not(None), found.c.place < limit))
    since = select(func.min(outbox.c.due_at)).where(
        outbox.c.webhook_id == found.c.id, outbox.c.state == State.PENDING.value
    )
    free = and_(webhooks.c.disabled_at.is_(None), _is_free(now)).label("free")
    own = (webhooks.c.account_id, webhooks.c.failures, _rests(now).label("rests"))
    rows = select(found.c.id, *own, since.scalar_subquery().label("since"), free)
    rows = rows.outerjoin(webhooks, webhooks.c.id == found.c.id).where(found.c.id.is_not(None))
    return [
        Waiting(row.id, row.account_id, bool(row.free) and row.since <= until, row.failures, row.since)
        for row in connection.execute(rows)
        for until in (BY_HAND if row.rests else to_seconds(now),)
    ]


def take_turn(connection: Connection, webhook_id: int, now: datetime) -> Turn | None:
    """Be the one who sends to a webhook, for as long as LEASE.

    None if somebody else is, or if it was just deleted.
    """
    free = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None), _is_free(now))
    taken = free.values(busy_until=to_seconds(now + LEASE)).returning(webhooks.c.failures, _rests(now))
    row = connection.execute(taken).one_or_none()
    return None if row is None else Turn(row[0], rests=bool(row[1]))


def find_recipient(connection: Connection, webhook_id: int, now: datetime) -> Recipient | None:
    """Find where a webhook is told now, and by which keys; None if it was just disabled or deleted."""
    enabled = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
    row = connection.execute(enabled).one_or_none()
    if row is None:
        return None
    before = [] if row.before_until is None or row.before_until <= to_seconds(now) else [row.sealed_before]
    return Recipient(_read(row, now), [row.sealed, *before])


def end_turn(connection: Connection, webhook_id: int, *, failures: int | None, now: datetime) -> None:
    """Let others send to a webhook, after a rest if it has failed so often; None if it rests as before."""
    values = {"busy_until": to_seconds(now)}
    if failures is not None:
        rested = now + pause(failures) if failures else now
        values |= {"failures": failures, "resting_until": to_seconds(rested)}
    connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(values))


def _of(account_id: int | None) -> ColumnElement[bool]:
    return webhooks.c.account_id.is_(None) if account_id is None else webhooks.c.account_id == account_id


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Nobody is sending; who seems to be for longer than that can be began before the clock was set back."""
    longest = to_seconds(now + LEASE)
    return or_(webhooks.c.busy_until <= to_seconds(now), webhooks.c.busy_until > longest)


def _rests(now: datetime) -> ColumnElement[bool]:
    """It is left alone after a failure; no longer than that can be."""
    at = to_seconds(now)
    return and_(webhooks.c.resting_until > at, webhooks.c.resting_until <= at + PAUSE_SECONDS_MAX)


def _write_actions(actions: Collection[str]) -> str:
    """As a text in which each stands between two spaces."""
    return f" {' '.join(sorted(actions))} " if actions else ""


def _rests_until(row: Row[Any], now: datetime) -> datetime | None:
    """As `_rests` has it."""
    rests = 0 < row.resting_until - to_seconds(now) <= PAUSE_SECONDS_MAX
    return from_seconds(row.resting_until) if rests else None


def _read(row: Row[Any], now: datetime) -> Webhook:
    return Webhook(
        id=row.id,
        account_id=row.account_id,
        url=row.url,
        actions=frozenset(row.actions.split()),
        created=from_seconds(row.created_at),
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
        previous_until=None if row.before_until is None else from_seconds(row.before_until),
        disabled_for=None if row.disabled_for is None else Disabling(row.disabled_for),
        resting_until=_rests_until(row, now),
    )
