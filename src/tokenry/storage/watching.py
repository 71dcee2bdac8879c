"""Statements on tokens that are watched whether they could be kept to fewer scopes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from tokenry.domain.scopes import Scopes, stored_scopes
from tokenry.domain.usage import Watch, WouldBeRefusal, date_of, last_days
from tokenry.storage.changes import name_these
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import credentials, tokens, watched_refusals, watched_tokens
from tokenry.storage.usage import upsert_rows


class WouldBe(NamedTuple):
    """How often a token that is watched would have been refused on a day for want of a scope; when and where last."""

    token_id: int
    day: int
    scope: str
    number: int
    last_at: int
    address: str | None


def add_would_be_refusals(connection: Connection, rows: Sequence[WouldBe]) -> None:
    """Add to what is counted of tokens that are watched."""
    upsert_rows(
        connection,
        watched_refusals,
        [row._asdict() for row in rows],
        lambda new: {
            "number": watched_refusals.c.number + new.number,
            "last_at": new.last_at,
            "address": new.address,
        },
    )


def find_watch(connection: Connection, token_id: int, now: datetime) -> Watch | None:
    """Find to which scopes a token is watched, with the refusals that would have been."""
    found = select(tokens.c.watched, watched_tokens.c.began_at, watched_tokens.c.began_by)
    found = found.join(watched_tokens, watched_tokens.c.token_id == tokens.c.id).where(tokens.c.id == token_id)
    row = connection.execute(found).one_or_none()
    if row is None or row.watched is None:
        return None
    table = watched_refusals
    refusals = select(table).where(table.c.token_id == token_id, table.c.day >= last_days(now)[0])
    return Watch(
        token_id,
        stored_scopes(row.watched),
        from_seconds(row.began_at),
        row.began_by,
        [
            WouldBeRefusal(date_of(each.day), each.scope, each.number, from_seconds(each.last_at), each.address)
            for each in connection.execute(refusals.order_by(table.c.day.desc(), table.c.scope.desc()))
        ],
    )


def watch_token(connection: Connection, token_id: int, scopes: Scopes, *, now: datetime, by: str) -> None:
    """Watch a token that is locked from now on, to these scopes."""
    _forget(connection, token_id)
    connection.execute(watched_tokens.insert().values(token_id=token_id, began_at=to_seconds(now), began_by=by))
    _set(connection, token_id, watched=str(scopes))


def narrow_token(connection: Connection, token_id: int, scopes: Scopes) -> None:
    """Keep a token that is locked to fewer scopes."""
    _forget(connection, token_id)
    _set(connection, token_id, watched=None, scopes=str(scopes))


def unwatch_token(connection: Connection, token_id: int) -> None:
    """Watch a token that is locked no more, and forget what came of it."""
    _forget(connection, token_id)
    _set(connection, token_id, watched=None)


def _forget(connection: Connection, token_id: int) -> None:
    for table in (watched_refusals, watched_tokens):
        connection.execute(delete(table).where(table.c.token_id == token_id))


def _set(connection: Connection, token_id: int, **values: str | None) -> None:
    """Verification reads both: it hears of the change.

    Once in a transaction: PostgreSQL checks the keys of a row anew that is updated a second time, and would wait for
    whoever has claimed the user that a token was delegated by.
    """
    name_these(connection, credentials.c.token_id == token_id)
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(values))
