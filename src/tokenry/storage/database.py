"""One database, SQLite or PostgreSQL: connections, transactions, and what each engine needs to keep its promises.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`: an acknowledged write survives
`kill -9` and a power cut. A write transaction takes the write lock at its start, so it never fails half way for having
read too early.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tokenry.domain.errors import SetupError, Unavailable
from tokenry.storage.changes import begin_changes, watch
from tokenry.storage.epoch import Epoch
from tokenry.storage.texts import refuse_unstorable

POOL_CONNECTIONS_MAX = 8
"""Connections for each process: as many as its threads for the management API (`api/operation.py`)."""
SQLITE_BUSY_TIMEOUT_MILLISECONDS = 10_000
POOL_TIMEOUT_SECONDS = 10


class Database:
    """A pool of connections to one database. `read()` and `write()` are the only ways to a connection."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        # One writer at a time is SQLite's nature; queueing here is cheaper than polling its lock.
        self._writers: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()
        self.engine = create_engine(
            url,
            hide_parameters=True,  # a parameter may be a label or a digest; neither belongs in a log
            pool_size=POOL_CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=not self.is_sqlite,
        )
        watch(self.engine)
        refuse_unstorable(self.engine)
        event.listen(self.engine, "connect", _prepare_sqlite if self.is_sqlite else _prepare_postgres)
        if self.is_sqlite:
            event.listen(self.engine, "begin", _begin_sqlite)
            event.listen(self.engine, "reset", _reset_sqlite)
        else:
            event.listen(self.engine, "handle_error", _hide_rows)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads one state of the database. Raises Unavailable."""
        with _refusing_when_unavailable(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()  # so that nothing is ever changed where nobody looks for changes

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends and rolls back when it raises. Raises Unavailable.

        When this returns, no process remembers anything that the transaction has changed.
        """
        with (
            _refusing_when_unavailable(),
            self._writers,
            self.engine.connect().execution_options(tokenry_writes=True) as connection,
            connection.begin() as transaction,
        ):
            changes = begin_changes(connection)
            yield connection
            if changes and self.is_sqlite:
                with self.epoch.change(changes.changed.told, changes.created.told):
                    transaction.commit()

    @cached_property
    def epoch(self) -> Epoch:
        """What tells other processes of changes; SQLite's only. Raises SetupError.

        It is beside the database itself, whatever link led there, so that it is the same one for everybody.
        """
        return Epoch(Path(f"{Path(str(self.url.database)).resolve()}-epoch"))

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()
        if "epoch" in self.__dict__:
            self.epoch.close()
            del self.epoch


def database_url(text: str | None, data_directory: Path) -> URL:
    """Turn TOKENRY_DATABASE_URL, or its absence, into a URL with the driver that tokenry uses. Raises SetupError."""
    if text is None:
        return URL.create("sqlite", database=str(data_directory / "tokenry.db"))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("unreadable")
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return url.set(drivername="sqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
    raise SetupError(
        "TOKENRY_DATABASE_URL is neither sqlite:///path/to/file nor postgresql://user@host/name: set one of the two."
    )


def to_seconds(moment: datetime) -> int:
    """A time as it is stored: whole seconds since 1970."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """A stored time as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)


@contextmanager
def _refusing_when_unavailable() -> Iterator[None]:
    """Turn a busy or unreachable database into Unavailable; any other database error is a defect and passes."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        if getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # a statement that is wrong
        raise Unavailable from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_TIMEOUT_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("tokenry_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reset_sqlite(connection: Any, *_: object) -> None:
    """End a transaction whose COMMIT failed, and with it the lock on the database: SQLAlchemy takes it for ended."""
    connection.rollback()


def _hide_rows(context: ExceptionContext) -> None:
    """Cut PostgreSQL's DETAIL, which shows the row, off an error."""
    diagnosis = getattr(context.original_exception, "diag", None)
    if diagnosis is not None and diagnosis.message_primary and context.sqlalchemy_exception is not None:
        context.original_exception.args = context.sqlalchemy_exception.args = (diagnosis.message_primary,)


def _prepare_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("SET timezone = 'UTC'")
    connection.commit()
