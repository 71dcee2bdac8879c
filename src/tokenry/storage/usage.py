"""Statements on what tokens are used for: how often they were presented, by day and result."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, exists, select

from tokenry.domain.usage import DayCount, Result, date_of, last_days
from tokenry.storage.inserts import insert_into
from tokenry.storage.pruning import delete_by_key
from tokenry.storage.schema import account_counts, asked_scopes, revoked_uses, token_counts, tokens, watched_refusals


class Asked(NamedTuple):
    """That a scope was asked for of a token that was accepted, last on this day."""

    token_id: int
    scope: str
    day: int


class Count(NamedTuple):
    """How often something became of a token on a day, by the day's number. 0 for a token that is not told apart.

    The account is 0 where nobody knows whose the token is.
    """

    token_id: int
    account_id: int
    day: int
    result: str
    number: int


def add_counts(connection: Connection, counts: Sequence[Count]) -> None:
    """Add to what is counted of tokens, and of accounts. A token that is not there is left out (`storage/uses.py`)."""
    of_tokens: Counter[tuple[int, int, str]] = Counter()
    of_accounts: Counter[tuple[int, int, str]] = Counter()
    for count in counts:
        of_accounts[count.account_id, count.day, count.result] += count.number
        if count.token_id:
            of_tokens[count.token_id, count.day, count.result] += count.number
    _add(connection, token_counts, of_tokens)
    _add(connection, account_counts, of_accounts)


def store_asked(connection: Connection, rows: Sequence[Asked]) -> None:
    """Store on which day scopes were last asked for."""
    table, given = asked_scopes, [row._asdict() for row in rows]
    upsert_rows(connection, table, given, lambda new: {"day": new.day}, lambda new: table.c.day < new.day)


def list_asked(connection: Connection, token_id: int, now: datetime, days: int) -> Mapping[str, date]:
    """List which scopes a token was asked for in the last days, each with the last of them."""
    table = asked_scopes
    found = select(table.c.scope, table.c.day).where(table.c.token_id == token_id)
    rows = connection.execute(found.where(table.c.day >= last_days(now, days)[0])).all()
    return {row.scope: date_of(row.day) for row in rows}


def find_first_day(connection: Connection, account_id: int) -> date | None:
    """Find the first day that is counted of an account."""
    table = account_counts
    first = select(table.c.day).where(table.c.account_id == account_id).order_by(table.c.day).limit(1)
    day = connection.execute(first).scalar()
    return None if day is None else date_of(day)


def list_counts(connection: Connection, token_id: int, now: datetime) -> Sequence[DayCount]:
    """List what became of a token, the first day first."""
    table = token_counts
    own = select(table).where(table.c.token_id == token_id, table.c.day >= last_days(now)[0])
    # What a limit refused may be taken back on the day after.
    kept = own.where(table.c.number > 0).order_by(table.c.day, table.c.result)
    return [DayCount(date_of(row.day), Result(row.result), row.number) for row in connection.execute(kept)]


def upsert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, object]],
    change: Callable[[Any], Mapping[str, Any]],
    where: Callable[[Any], ColumnElement[bool] | None] = lambda _: None,
) -> None:
    """Insert rows; those that are there are changed by the new ones. Of tokens that are not there none is inserted.

    They are in one order everywhere, so that two workers never wait for each other in a circle.
    """
    if not rows:
        return
    insert = insert_into(connection, table)
    if "token_id" in table.c:
        row = select(*(bindparam(column.name, type_=column.type) for column in table.c))
        there = exists().where(tokens.c.id == bindparam("token_id"))
        insert = insert.from_select([column.name for column in table.c], row.where(there))
    upsert = insert.on_conflict_do_update(
        index_elements=[*table.primary_key], set_=change(insert.excluded), where=where(insert.excluded)
    )
    connection.execute(upsert, rows)


def _add(connection: Connection, table: Table, numbers: "Counter[tuple[int, int, str]]") -> None:
    """Add numbers to the rows with these keys."""
    names = [column.name for column in table.c]
    rows = [dict(zip(names, (*key, number), strict=True)) for key, number in sorted(numbers.items())]
    upsert_rows(connection, table, rows, lambda new: {"number": table.c.number + new.number})


def _delete_old(table: Table, connection: Connection, now: datetime) -> int:
    """Delete some rows of days too long ago, oldest first; how many."""
    return delete_by_key(connection, table, table.c.day < last_days(now)[0], order=table.c.day)


_WITH_DAYS = (token_counts, account_counts, asked_scopes, watched_refusals, revoked_uses)
OLD_DAYS: Sequence[Callable[[Connection, datetime], int]] = tuple(partial(_delete_old, table) for table in _WITH_DAYS)
"""What deletes some of each kind of row whose day is too long ago."""
