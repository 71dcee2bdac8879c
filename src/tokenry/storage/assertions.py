"""Statements on signed texts that count once."""

from datetime import datetime

from sqlalchemy import BigInteger, Connection, LargeBinary, Select, exists, literal, select, true

from tokenry.storage.database import to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.schema import credentials, seen_assertions


def see_assertion(connection: Connection, digest: bytes, expiry: datetime) -> bool:
    """Note a text, by what tells it from others; whether this was the first time.

    Of two that present it at once, the second waits until the first transaction ends: the primary key sees to it.
    """
    row = select(literal(digest, LargeBinary), literal(to_seconds(expiry), BigInteger))
    return _see(connection, row)


def see_bound_assertion(connection: Connection, preview: str, jkt: str, digest: bytes, expiry: datetime) -> bool:
    """Note one by the key of this thumbprint, if the token of this preview is bound to it; whether it was the first."""
    row = select(literal(digest, LargeBinary), literal(to_seconds(expiry), BigInteger))
    return _see(connection, row.where(exists().where(credentials.c.preview == preview, credentials.c.jkt == jkt)))


def _see(connection: Connection, row: "Select[bytes, int]") -> bool:
    columns = [seen_assertions.c.digest, seen_assertions.c.expires_at]
    insert = insert_into(connection, seen_assertions)
    statement = insert.from_select(columns, row.where(true()))  # SQLite needs some WHERE here
    noted = statement.on_conflict_do_nothing().returning(seen_assertions.c.digest)
    return connection.execute(noted).first() is not None
