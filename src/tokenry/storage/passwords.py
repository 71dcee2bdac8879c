"""Statements on passwords, and on who signs in by one."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from tokenry.domain.texts import fold
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import passwords, users
from tokenry.storage.users import read_user, select_users


class Candidate(NamedTuple):
    """Somebody who may be who signs in, and the hash of the password; None for one who cannot by a password."""

    user: User
    hash: str | None


def find_candidate(connection: Connection, text: str) -> Candidate | None:
    """Find who is meant by a name, in whatever case, or by an address that belongs to one user and no other.

    A name may be somebody else's address: who has a password comes first. A product says which addresses its users
    have, and they take none from those who sign in: without a password they are not meant.
    """
    by_name = or_(users.c.username_folded == fold(text), users.c.username == text)
    by_email = users.c.email.in_({text, text.lower()})
    found = [_find(connection, which) for which in (by_name, by_email)]
    named, addressed = found if text else ([], [])
    for rows in (named, addressed):
        if len(rows) == 1 and rows[0].hash is not None:
            return rows[0]
    rows = named or addressed
    return rows[0] if len(rows) == 1 else None


def find_hash(connection: Connection, user_id: int) -> str | None:
    """Find the hash of a user's password."""
    return connection.execute(select(passwords.c.hash).where(passwords.c.user_id == user_id)).scalar_one_or_none()


def find_changed(connection: Connection, user_id: int) -> datetime | None:
    """Find when a user's password was set."""
    statement = select(passwords.c.changed_at).where(passwords.c.user_id == user_id)
    at = connection.execute(statement).scalar_one_or_none()
    return None if at is None else from_seconds(at)


def set_password(connection: Connection, user_id: int, hash: str, now: datetime) -> None:
    """Store the password of a user who is claimed."""
    values = {"hash": hash, "changed_at": to_seconds(now)}
    statement = update(passwords).where(passwords.c.user_id == user_id)
    if connection.execute(statement.values(values)).rowcount == 0:
        connection.execute(insert(passwords).values(user_id=user_id, **values))


def rehash_password(connection: Connection, user_id: int, *, before: str, after: str) -> bool:
    """Store another hash of the same password; whether it still is the same."""
    statement = update(passwords).where(passwords.c.user_id == user_id, passwords.c.hash == before)
    return connection.execute(statement.values(hash=after)).rowcount == 1


def delete_password(connection: Connection, user_id: int) -> bool:
    """Forget a user's password; whether there was one."""
    return connection.execute(delete(passwords).where(passwords.c.user_id == user_id)).rowcount == 1


def _find(connection: Connection, which: ColumnElement[bool]) -> list[Candidate]:
    statement = (
        select_users()
        .add_columns(passwords.c.hash)
        .outerjoin(passwords, passwords.c.user_id == users.c.id)
        .where(which, or_(users.c.external_id.is_(None), passwords.c.hash.is_not(None)))
        .limit(2)
    )
    return [Candidate(read_user(row), row.hash) for row in connection.execute(statement).all()]
