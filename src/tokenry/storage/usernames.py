"""Statements on usernames that somebody had and nobody has: they are not free at once."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, func, insert, select

from tokenry.domain.texts import fold
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import username_reservations as reservations
from tokenry.storage.schema import users

_lower = func.lower(users.c.username)
"""What `fold` makes of a name, in SQL: names are ASCII."""


class Reservation(NamedTuple):
    """Who had a name last, and until when."""

    user_id: int
    freed: datetime


def find_holders(connection: Connection, username: str) -> set[int]:
    """Find who has a name, in whatever case: the ids. Several may have it from before migration 0005."""
    folded = fold(username)
    unfolded = users.c.username_folded.is_(None) & users.c.deleted_at.is_(None) & (_lower == folded)
    return set(connection.execute(select(users.c.id).where((users.c.username_folded == folded) | unfolded)).scalars())


def reserve_username(connection: Connection, user: User, now: datetime) -> None:
    """Reserve the name that a user has just lost.

    Of two who had it in different cases, as there are from before migration 0005, the first may have it back and no
    other: the exact name was never the second one's.
    """
    reserved = find_reservation(connection, user.username)
    owner_id = user.id if reserved is None else reserved.user_id
    forget_reservation(connection, user.username)
    row = {"username_folded": fold(user.username), "user_id": owner_id, "freed_at": to_seconds(now)}
    connection.execute(insert(reservations), row)


def find_reservation(connection: Connection, username: str) -> Reservation | None:
    """Find who had a name last, in whatever case."""
    row = connection.execute(select(reservations).where(reservations.c.username_folded == fold(username))).one_or_none()
    return None if row is None else Reservation(row.user_id, from_seconds(row.freed_at))


def forget_reservation(connection: Connection, username: str) -> None:
    """Delete the reservation of a name."""
    connection.execute(delete(reservations).where(reservations.c.username_folded == fold(username)))


def list_ambiguous(connection: Connection) -> list[str]:
    """List the usernames that are an older user's in another case; since migration 0005 none is made."""
    older = users.alias("older")
    has_older = exists().where(
        older.c.id < users.c.id, older.c.deleted_at.is_(None), func.lower(older.c.username) == _lower
    )
    ambiguous = users.c.username_folded.is_(None) & users.c.deleted_at.is_(None) & has_older
    return list(connection.execute(select(users.c.username).where(ambiguous).order_by(users.c.id)).scalars())
