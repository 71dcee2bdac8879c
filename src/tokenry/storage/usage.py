"""Statements on what tokens are used for: how often they were presented, by day and result."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, bindparam, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from tokenry.domain.usage import DayCount, Result, date_of, last_days
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import account_counts, token_counts, tokens


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
    there = exists().where(tokens.c.id == bindparam("token_id"))
    row = select(*(bindparam(column.name, type_=column.type) for column in token_counts.c)).where(there)
    _add(connection, token_counts, of_tokens, row)
    _add(connection, account_counts, of_accounts)


def list_counts(connection: Connection, token_id: int, now: datetime) -> Sequence[DayCount]:
    """List what became of a token, the first day first."""
    table = token_counts
    return _list(connection, table, select(table).where(table.c.token_id == token_id), now)


def list_account_counts(connection: Connection, account_id: int, now: datetime) -> Sequence[DayCount]:
    """List what became of all tokens of an account, or, for 0, of those that are nobody's; the first day first."""
    table = account_counts
    return _list(connection, table, select(table).where(table.c.account_id == account_id), now)


def delete_old_token_counts(connection: Connection, now: datetime) -> int:
    """Delete some counts of tokens that are of days too long ago, oldest first; how many."""
    return _delete_old(connection, token_counts, now)


def delete_old_account_counts(connection: Connection, now: datetime) -> int:
    """Delete some counts of accounts that are of days too long ago, oldest first; how many."""
    return _delete_old(connection, account_counts, now)


def _add(
    connection: Connection, table: Table, numbers: "Counter[tuple[int, int, str]]", row: Select[Any] | None = None
) -> None:
    """Add numbers to the rows with these keys."""
    names = [column.name for column in table.c]
    # In one order everywhere, so that two workers never wait for each other in a circle.
    rows = [dict(zip(names, (*key, number), strict=True)) for key, number in sorted(numbers.items())]
    if not rows:
        return
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)
    insert = insert if row is None else insert.from_select(names, row)
    upsert = insert.on_conflict_do_update(
        index_elements=[*table.primary_key], set_={"number": table.c.number + insert.excluded.number}
    )
    connection.execute(upsert, rows)


def _list(connection: Connection, table: Table, statement: Select[Any], now: datetime) -> Sequence[DayCount]:
    # What a limit refused may be taken back on the day after.
    kept = statement.where(table.c.day >= last_days(now)[0], table.c.number > 0).order_by(table.c.day, table.c.result)
    return [DayCount(date_of(row.day), Result(row.result), row.number) for row in connection.execute(kept)]


def _delete_old(connection: Connection, table: Table, now: datetime) -> int:
    """By key: PostgreSQL would read the whole table for all of them at once."""
    key = [*table.primary_key]
    old: Select[Any] = select(*key).where(table.c.day < last_days(now)[0]).order_by(table.c.day)
    rows = connection.execute(some_of(old)).mappings().all()
    found = [{f"old_{name}": value for name, value in row.items()} for row in rows]
    if found:
        connection.execute(delete(table).where(*(column == bindparam(f"old_{column.name}") for column in key)), found)
    return len(found)
