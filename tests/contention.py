"""What a use case locks when nobody is in its way, read off its statements; and which two can be in each other's."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

import psycopg
from sqlalchemy import BigInteger, Connection, Engine, Table, UniqueConstraint, event

from tokenry.storage.schema import metadata

_WRITES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_LOCKS = re.compile(r"(?s)SELECT.*?\bFROM (\w+).* FOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)(?: OF ([\w, ]+))?\s*$")
_WRITTEN = """
    SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE pid = %s AND mode = 'RowExclusiveLock' AND relkind = 'r'
"""


class Hold(Enum):
    """How a row is held; `KEPT` is what others may do too."""

    ADDED = "inserted, under a key that another may insert too"
    KEPT = "locked FOR KEY SHARE, as what an inserted row refers to is"
    CLAIMED = "updated, deleted or locked alone"


class Lock(NamedTuple):
    """A table of which rows are held, and how."""

    table: str
    hold: Hold


class Watched:
    """What is locked, in this order; which tables were written, as the statements and as the server say."""

    def __init__(self) -> None:
        self.locks: dict[Lock, None] = {}
        self.named: set[str] = set()
        self.written: set[str] = set()


@contextmanager
def watching(engine: Engine, watcher: psycopg.Connection) -> Iterator[Watched]:
    """Watch the transactions of an engine, which end one after the other."""
    watched = Watched()

    def note(_connection: Connection, _cursor: object, text: str, *_: object) -> None:
        if found := _WRITES.match(text):
            watched.named.add(found[2])
        for lock in _locks_of(text):
            if Lock(lock.table, Hold.CLAIMED) not in watched.locks:
                watched.locks[lock] = None

    def ask(connection: Connection) -> None:
        process_id = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        watched.written.update(name for (name,) in watcher.execute(_WRITTEN, (process_id,)))

    listeners: list[tuple[str, Callable[..., None]]] = [("before_cursor_execute", note), ("commit", ask)]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield watched
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def contend(one: tuple[Lock, ...], other: tuple[Lock, ...]) -> bool:
    """Whether one may have to wait for the other: for a row, or for what comes of a key that both insert."""
    return bool(contended(one, other))


def contended(one: tuple[Lock, ...], other: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """What the one may have to wait for the other to let go, in the order in which it is locked."""
    return tuple(
        mine for mine in one if any(mine.table == each.table and _exclude(mine.hold, each.hold) for each in other)
    )


def _exclude(one: Hold, other: Hold) -> bool:
    holds = {one, other}
    return Hold.KEPT not in holds if Hold.ADDED in holds else Hold.CLAIMED in holds


def _has_chosen_key(table: Table) -> bool:
    """Whether there is a key that is not just the next number."""
    counted = [isinstance(column.type, BigInteger) and not column.foreign_keys for column in table.primary_key]
    unique = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    return counted != [True] or bool(unique) or any(index.unique for index in table.indexes)


def _locks_of(text: str) -> Iterator[Lock]:
    if found := _WRITES.match(text):
        verb, name = found.groups()
        if verb != "INSERT INTO":
            yield Lock(name, Hold.CLAIMED)
            return
        table = metadata.tables[name]
        if _has_chosen_key(table):
            yield Lock(name, Hold.ADDED)
        yield from (Lock(key.column.table.name, Hold.KEPT) for key in table.foreign_keys)
    elif found := _LOCKS.match(text):
        first, how, named = found.groups()
        hold = Hold.KEPT if how == "KEY SHARE" else Hold.CLAIMED
        yield from (Lock(table, hold) for table in (named or first).split(", "))
