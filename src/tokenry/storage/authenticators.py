"""Statements on the keys of one-time passwords, which are sealed. Each code is taken once: by a row count."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from tokenry.storage.database import to_seconds
from tokenry.storage.schema import authenticators


def find_sealed(connection: Connection, user_id: int) -> bytes | None:
    """Find a user's key, as it is sealed."""
    statement = select(authenticators.c.sealed).where(authenticators.c.user_id == user_id)
    return connection.execute(statement).scalar_one_or_none()


def set_authenticator(connection: Connection, user_id: int, sealed: bytes, *, step: int, now: datetime) -> None:
    """Store the key of a user who is claimed, in place of one that there may be; the code of `step` was taken."""
    values = {"sealed": sealed, "used_step": step, "created_at": to_seconds(now)}
    statement = update(authenticators).where(authenticators.c.user_id == user_id)
    if connection.execute(statement.values(values)).rowcount == 0:
        connection.execute(insert(authenticators).values(user_id=user_id, **values))


def take_step(connection: Connection, user_id: int, sealed: bytes, step: int) -> bool:
    """Take the code of a step; whether it was the first time, and of the same key. None before it is taken later."""
    statement = update(authenticators).where(
        authenticators.c.user_id == user_id, authenticators.c.sealed == sealed, authenticators.c.used_step < step
    )
    return connection.execute(statement.values(used_step=step)).rowcount == 1


def delete_authenticator(connection: Connection, user_id: int) -> bool:
    """Forget a user's key; whether there was one."""
    return connection.execute(delete(authenticators).where(authenticators.c.user_id == user_id)).rowcount == 1
