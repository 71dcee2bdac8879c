"""Statements on signed texts that count once."""

from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from tokenry.storage.database import to_seconds
from tokenry.storage.schema import seen_assertions


def see_assertion(connection: Connection, digest: bytes, expiry: datetime) -> bool:
    """Note a text, by what tells it from others; whether this was the first time.

    Of two that present it at once, the second waits until the first transaction ends: the primary key sees to it.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(seen_assertions).values(digest=digest, expires_at=to_seconds(expiry))
    noted = statement.on_conflict_do_nothing().returning(seen_assertions.c.digest)
    return connection.execute(noted).first() is not None
