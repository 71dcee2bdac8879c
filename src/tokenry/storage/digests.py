"""Statements on who is mailed what: each notice once, and each user once a day, whoever sends it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tokenry.domain.mail import Reader
from tokenry.domain.notices import Notice
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.notices import read_notices
from tokenry.storage.schema import digests, notices, users

TOLD_WITHIN = timedelta(days=2)
"""What could not be mailed by then is not news any more."""
PIECE_ROWS_MAX = 500


class Waiting(NamedTuple):
    """Users with something that was not mailed, some of them, and from when on to look for others; None at the end."""

    user_ids: Sequence[int]
    after: datetime | None


def list_waiting(connection: Connection, since: datetime) -> Waiting:
    """List some users to whom something noted since then was not mailed."""
    unmailed = select(notices.c.user_id, notices.c.created_at).where(
        notices.c.mailed_at.is_(None), notices.c.created_at >= to_seconds(since)
    )
    rows = connection.execute(unmailed.order_by(notices.c.created_at).limit(PIECE_ROWS_MAX)).all()
    after = None
    if len(rows) == PIECE_ROWS_MAX:
        last = from_seconds(rows[-1].created_at)
        after = last if last > since else since + timedelta(seconds=1)
    return Waiting([*dict.fromkeys(row.user_id for row in rows)], after)


def claim_digest(connection: Connection, user_id: int, now: datetime, *, until: datetime) -> Reader | None:
    """Be the one who mails a user, until a moment; None for who is mailed nothing, or was, or is by somebody else."""
    wanted = (users.c.email_notifications, users.c.email != "", users.c.disabled_at.is_(None))
    columns = (users.c.id, users.c.username, users.c.email, users.c.timezone, users.c.language)
    row = connection.execute(select(*columns).where(users.c.id == user_id, *wanted)).one_or_none()
    if row is None:
        return None
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    claim = insert(digests).values(user_id=user_id, next_at=to_seconds(until))
    claim = claim.on_conflict_do_update(
        index_elements=[digests.c.user_id],
        set_={"next_at": to_seconds(until)},
        where=digests.c.next_at <= to_seconds(now),
    )
    if connection.execute(claim.returning(digests.c.user_id)).first() is None:
        return None
    return Reader(*row)


def take_notices(connection: Connection, user_id: int, now: datetime) -> Sequence[Notice]:
    """Take what a user was not mailed yet: it counts as mailed from now on."""
    own = update(notices).where(notices.c.user_id == user_id, notices.c.mailed_at.is_(None))
    taken = connection.execute(own.values(mailed_at=to_seconds(now)).returning(notices.c.id)).scalars().all()
    return read_notices(connection, taken)


def end_digest(connection: Connection, user_id: int, next_at: datetime) -> None:
    """Note that a user was mailed."""
    own = update(digests).where(digests.c.user_id == user_id)
    connection.execute(own.values(next_at=to_seconds(next_at), failures=0))


def put_back(connection: Connection, user_id: int, notice_ids: Collection[int], next_at: datetime) -> int:
    """Note that a user could not be mailed: it is tried again; how often that was so."""
    connection.execute(update(notices).where(notices.c.id.in_(notice_ids)).values(mailed_at=None))
    own = update(digests).where(digests.c.user_id == user_id)
    changed = own.values(next_at=to_seconds(next_at), failures=digests.c.failures + 1)
    return connection.execute(changed.returning(digests.c.failures)).scalar() or 0


def give_up(connection: Connection, user_ids: Collection[int], now: datetime) -> None:
    """Note that these users are mailed nothing of what there is."""
    waiting = update(notices).where(notices.c.user_id.in_(user_ids), notices.c.mailed_at.is_(None))
    connection.execute(waiting.values(mailed_at=to_seconds(now)))
