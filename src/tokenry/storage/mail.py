"""Statements on who is mailed what: each notice once, whoever sends it, and each user at the pace of its kind.

A user who was sent a message waits for the next of its kind, but is told of what is grave at once, a few times: each
alarm moves the time of the next on by an interval, and what is grave goes as long as that is not far in the future. So
somebody who causes alarms without end has one mailed in an interval. What the mail server did not take keeps all of it
waiting, until it is tried again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, Table, and_, or_, select, update

from tokenry.domain.mail import ALARM_INTERVAL, ALARMS_AHEAD, Reader
from tokenry.domain.notices import GRAVE, URGENT, Notice, NoticeKind
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.notices import read_notices
from tokenry.storage.schema import alarms, digests, notices, tokens, unwanted_notices, users
from tokenry.storage.tokens import lives

TOLD_WITHIN = timedelta(days=2)
"""What could not be mailed by then is not news any more."""
PIECE_ROWS_MAX = 500
_REACHABLE = (users.c.email_notifications, users.c.email != "", users.c.disabled_at.is_(None))
_URGENT = notices.c.kind.in_(sorted(URGENT))
_GRAVE = notices.c.kind.in_(sorted(GRAVE))


class Addressee(NamedTuple):
    """A user to be mailed, and where."""

    user_id: int
    account_id: int
    address: str


class Waiting(NamedTuple):
    """Some users to be mailed, and from when on to look for others; None at the end."""

    users: Sequence[Addressee]
    after: datetime | None


def list_waiting(connection: Connection, now: datetime, since: datetime, *, urgent: bool) -> Waiting:
    """List some users who may be mailed now, and to whom something noted since then was not mailed."""
    table = _table(urgent=urgent)
    # Each is looked up by its key: in joins, PostgreSQL reads whole tables.
    address, account_id = (
        _one(select(column).where(users.c.id == notices.c.user_id, *_REACHABLE))
        for column in (users.c.email, users.c.account_id)
    )
    waits = select(table.c.user_id).where(
        table.c.user_id == notices.c.user_id,
        table.c.next_at > to_seconds(now),
        or_(~_GRAVE, ~_has_room(table, now)),
    )
    columns = (notices.c.user_id, account_id.label("account_id"), address.label("address"), notices.c.created_at)
    unmailed = select(*columns).where(
        _to_be_told(now, since, urgent=urgent), address.is_not(None), _one(waits).is_(None)
    )
    rows = connection.execute(unmailed.order_by(notices.c.created_at).limit(PIECE_ROWS_MAX)).all()
    after = None
    if len(rows) == PIECE_ROWS_MAX:
        last = from_seconds(rows[-1].created_at)
        after = last if last > since else since + timedelta(seconds=1)
    return Waiting([*dict.fromkeys(Addressee(*row[:3]) for row in rows)], after)


def find_reader(connection: Connection, user_id: int) -> Reader | None:
    """Find who is mailed; None for one who is mailed nothing."""
    columns = (users.c.id, users.c.account_id, users.c.username, users.c.email, users.c.timezone, users.c.language)
    row = connection.execute(select(*columns).where(users.c.id == user_id, *_REACHABLE)).one_or_none()
    return None if row is None else Reader(*row)


def find_next_at(connection: Connection, user_id: int, *, urgent: bool) -> datetime | None:
    """Find when a user is due the next such message; None if there was none before."""
    table = _table(urgent=urgent)
    seconds = connection.execute(select(table.c.next_at).where(table.c.user_id == user_id)).scalar_one_or_none()
    return None if seconds is None else from_seconds(seconds)


def claim_message(connection: Connection, user_id: int, now: datetime, *, until: datetime, urgent: bool) -> int | None:
    """Be the one who sends a user the next such message, after which others wait; how many failed before.

    None if it is not its time, nor anything grave for which there is room.
    """
    table = _table(urgent=urgent)
    grave = select(notices.c.id).where(
        notices.c.user_id == user_id, _GRAVE, _to_be_told(now, now - TOLD_WITHIN, urgent=urgent)
    )
    claim = insert_into(connection, table).values(user_id=user_id, next_at=to_seconds(until))
    claim = claim.on_conflict_do_update(
        index_elements=[table.c.user_id],
        set_={"next_at": to_seconds(until)},
        where=or_(table.c.next_at <= to_seconds(now), and_(_has_room(table, now), _one(grave).is_not(None))),
    )
    return connection.execute(claim.returning(table.c.failures)).scalar_one_or_none()


def take_notices(connection: Connection, user_id: int, now: datetime, *, urgent: bool) -> Sequence[Notice]:
    """Take what a user was not mailed yet and is still to be told: it counts as mailed from now on."""
    own = update(notices).where(notices.c.user_id == user_id, _to_be_told(now, now - TOLD_WITHIN, urgent=urgent))
    taken = connection.execute(own.values(mailed_at=to_seconds(now)).returning(notices.c.id)).scalars().all()
    return read_notices(connection, taken)


def put_back(connection: Connection, notice_ids: Collection[int]) -> None:
    """Note that notices were not mailed."""
    connection.execute(update(notices).where(notices.c.id.in_(notice_ids)).values(mailed_at=None))


def note_failures(
    connection: Connection, user_id: int, failures: int, *, next_at: datetime | None, urgent: bool
) -> None:
    """Note how often a user could not be mailed; and when to try again, if before the next message is due."""
    table = _table(urgent=urgent)
    values = {"failures": failures} if next_at is None else {"failures": failures, "next_at": to_seconds(next_at)}
    connection.execute(update(table).where(table.c.user_id == user_id).values(values))


def _table(*, urgent: bool) -> Table:
    return alarms if urgent else digests


def _has_room(table: Table, now: datetime) -> ColumnElement[bool]:
    """Whether what is grave may go before its time.

    What is due later than anything may be is from before a clock was set back.
    """
    latest = now + ALARMS_AHEAD
    due = or_(table.c.next_at <= to_seconds(latest), table.c.next_at > to_seconds(latest + ALARM_INTERVAL))
    return and_(table.c.failures == 0, due)


def _to_be_told(now: datetime, since: datetime, *, urgent: bool) -> ColumnElement[bool]:
    """What was not mailed, is news, was not read in the console, is still wanted, and still true."""
    unwanted = select(unwanted_notices.c.kind).where(
        unwanted_notices.c.user_id == notices.c.user_id, unwanted_notices.c.kind == notices.c.kind
    )
    live = select(tokens.c.id).where(tokens.c.id == notices.c.token_id, lives(now))
    return and_(
        _URGENT if urgent else ~_URGENT,
        notices.c.mailed_at.is_(None),
        notices.c.dismissed_at.is_(None),
        notices.c.created_at >= to_seconds(since),
        _one(unwanted).is_(None),
        or_(notices.c.kind != NoticeKind.TOKEN_EXPIRES.value, _one(live).is_not(None)),
    )


def _one(found: Select[Any]) -> ScalarSelect[Any]:
    return found.limit(1).scalar_subquery()
