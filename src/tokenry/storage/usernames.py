"""Statements on usernames that somebody had and nobody has: they are not free at once."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from tokenry.domain.texts import fold
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import username_reservations as reservations
from tokenry.storage.schema import users


class Reservation(NamedTuple):
    """Who had a name last, and until when."""

    user_id: int
    freed: datetime


def reserve_username(connection: Connection, user: User, now: datetime) -> None:
    """Write down that a user has its name no more."""
    forget_reservation(connection, user.username)
    row = {"username_folded": fold(user.username), "user_id": user.id, "freed_at": to_seconds(now)}
    connection.execute(insert(reservations), row)


def find_reservation(connection: Connection, username: str) -> Reservation | None:
    """Find who had a name last, in whatever case."""
    row = connection.execute(select(reservations).where(reservations.c.username_folded == fold(username))).one_or_none()
    return None if row is None else Reservation(row.user_id, from_seconds(row.freed_at))


def forget_reservation(connection: Connection, username: str) -> None:
    """Let a name be free, or taken."""
    connection.execute(delete(reservations).where(reservations.c.username_folded == fold(username)))


def list_ambiguous(connection: Connection) -> list[str]:
    """List the usernames that are an older user's in another case; since migration 0005 none is made."""
    ambiguous = users.c.username_folded.is_(None) & users.c.deleted_at.is_(None)
    return list(connection.execute(select(users.c.username).where(ambiguous).order_by(users.c.id)).scalars())
