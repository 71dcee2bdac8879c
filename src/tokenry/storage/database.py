"""One database, SQLite or PostgreSQL: connections, transactions, and what each engine needs to keep its promises.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`: an acknowledged write survives
`kill -9` and a power cut. A write transaction takes the write lock at its start, so it never fails half way for having
read too early. Whatever a transaction waits for, its caller's deadline (`deadline.py`) comes after it.
"""

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event, make_url, update
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tokenry.domain.errors import SetupError, TooSlow, Unavailable
from tokenry.printable import first_line
from tokenry.storage.changes import begin_changes, watch
from tokenry.storage.deadline import seconds_left
from tokenry.storage.epoch import Epoch, EpochFile
from tokenry.storage.schema import installation
from tokenry.storage.texts import refuse_unstorable
from tokenry.storage.trust import exposure

READERS_MAX = 8
WRITERS_MAX = 4
"""Threads of each process that read, and those that change something, for the management API (`api/threads.py`)."""
POOL_CONNECTIONS_MAX = READERS_MAX + WRITERS_MAX + 2
"""One for each of them, one to note uses by, one for the probe: nobody waits for another one's."""
STEPS = 20_000
"""Of SQLite's, from one look at the clock to the next: some milliseconds."""
_POSTGRES_CANCELLED = "57014"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# SQLSTATE: a transaction that may not write, as on a standby; class XX, damaged data or a defect of the server's.
_READ_ONLY = "25006"
_CORRUPTED = "XX"


class Database:
    """A pool of connections to one database. `read()` and `write()` are the only ways to one, but for a migration's."""

    def __init__(self, url: URL, *, timeout: float) -> None:
        """`timeout` is how many seconds a change waits for others, and reading may take for a caller in a hurry."""
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._timeout = timeout
        self._writers, self._trial = threading.Lock(), threading.Lock()
        self._failure: str | None = None
        """Why the last write failed; None if it did not."""
        self.engine = create_engine(
            url,
            hide_parameters=True,  # a parameter may be a label or a digest; neither belongs in a log
            pool_size=POOL_CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=timeout,
            pool_pre_ping=not self.is_sqlite,
            connect_args={} if self.is_sqlite else _connection_limits(url, timeout),
        )
        watch(self.engine)
        refuse_unstorable(self.engine)
        event.listen(self.engine, "before_cursor_execute", _refuse_when_late)
        event.listen(self.engine, "connect", _prepare_sqlite if self.is_sqlite else _prepare_postgres)
        if self.is_sqlite:
            event.listen(self.engine, "begin", self._begin_sqlite)
            event.listen(self.engine, "reset", _reset_sqlite)
        else:
            event.listen(self.engine, "handle_error", _hide_rows)

    @property
    def address(self) -> str:
        """Where it is, for people: without its driver, which nobody has set, and its password."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads one state of the database. Raises Unavailable, TooSlow."""
        seconds = min(self._timeout, _require_time())
        with _refusing_when_unavailable(reads=True), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction, self._reading_ends_after(connection, seconds):
                yield connection
                transaction.rollback()  # so that nothing is ever changed where nobody looks for changes

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends and rolls back when it raises. Raises Unavailable.

        When this returns, no process remembers anything that the transaction has changed. When it raises, nothing
        is changed, unless the commit itself failed or could not be told to everybody.
        """
        with self._write() as connection:
            yield connection

    def write_again(self) -> None:
        """If the last write failed, write something that changes nothing, all the way. Raises Unavailable.

        One caller at a time; others hear of the last failure at once.
        """
        reason = self._failure
        if reason is None:
            return
        if not self._trial.acquire(blocking=False):
            raise Unavailable(reason)
        try:
            with self._write(tells=True) as connection:
                connection.execute(update(installation).values(id=installation.c.id))
        finally:
            self._trial.release()

    @contextmanager
    def _write(self, *, tells: bool = False) -> Iterator[Connection]:
        """`tells` goes through the epoch file also when there is nothing to tell."""
        with (
            self._noting_failure(),
            _refusing_when_unavailable(reads=False),
            self._turn(),
            self.engine.connect().execution_options(tokenry_writes=True) as connection,
            connection.begin() as transaction,
        ):
            changes = begin_changes(connection)
            self._limit_postgres(connection, min(self._timeout, _require_time()), _require_time())
            yield connection
            _require_time()  # whoever asked has been told by now that nothing was done
            if (changes or tells) and self.is_sqlite:
                epoch = EpochFile(self._epoch_path, min(self._timeout, _require_time()))
                with epoch.change(changes.changed.told, changes.created.told):
                    transaction.commit()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except Unavailable as refusal:
            self._failure = refusal.reason
            raise
        self._failure = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for this process's other changes: SQLite takes one at a time, and queueing is cheaper than polling."""
        if not self.is_sqlite:
            yield
            return
        if not self._writers.acquire(timeout=min(self._timeout, _require_time())):
            raise Unavailable("other changes of this process take too long")
        try:
            yield
        finally:
            self._writers.release()

    def _begin_sqlite(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("tokenry_writes", False)
        if writes:
            milliseconds = int(1000 * min(self._timeout, _require_time()))
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @contextmanager
    def _reading_ends_after(self, connection: Connection, seconds: float) -> Iterator[None]:
        """End what a block reads after so many seconds, in the middle of a statement, for a caller in a hurry."""
        if seconds_left() == math.inf:
            yield
        elif self.is_sqlite:
            until = time.monotonic() + seconds
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            try:
                yield
            finally:
                driver.set_progress_handler(None, 0)
        else:
            self._limit_postgres(connection, seconds, seconds)
            yield

    def _limit_postgres(self, connection: Connection, lock_seconds: float, statement_seconds: float) -> None:
        """Let the server end each wait for a lock and each statement of a transaction, for a caller in a hurry."""
        if not self.is_sqlite and statement_seconds < math.inf:
            locks, statements = (max(1, int(1000 * seconds)) for seconds in (lock_seconds, statement_seconds))
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {locks}; SET LOCAL statement_timeout = {statements}")

    @cached_property
    def epoch(self) -> Epoch:
        """What this process hears of changes by, to remember something; SQLite's only. Raises SetupError.

        It has to be looked after from then on (`verification/follower.py`), or changes wait for it.
        """
        return Epoch(self._epoch_path, self._timeout)

    def exposure(self) -> str | None:
        """What is wrong if other users of the machine can hold up changes; None if they cannot."""
        return exposure(self._epoch_path) if self.is_sqlite else None

    @cached_property
    def _epoch_path(self) -> Path:
        """Beside the database itself, whatever link led there, so that it is the same one for everybody."""
        return Path(f"{Path(str(self.url.database)).resolve()}-epoch")

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
            _require_postgres_drivers()
            return url.set(drivername="postgresql+psycopg")
    raise SetupError(
        "TOKENRY_DATABASE_URL is neither sqlite:///path/to/file nor postgresql://user@host/name: set one of the two."
    )


def _require_postgres_drivers() -> None:
    """Raise SetupError unless both are there: psycopg, and asyncpg for verification. Neither is needed for SQLite."""
    try:
        import asyncpg  # noqa: F401, PLC0415 - an extra
        import psycopg  # noqa: F401, PLC0415 - an extra
    except ImportError as error:  # without its library, libpq, psycopg is there and cannot be imported
        raise SetupError(
            f"{error.name or 'libpq'} is not installed, which PostgreSQL needs: run pip install "
            '"tokenry[server,postgres]".'
        ) from None


def to_seconds(moment: datetime) -> int:
    """A time as it is stored: whole seconds since 1970."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """A stored time as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)


@contextmanager
def _refusing_when_unavailable(*, reads: bool) -> Iterator[None]:
    """Turn a database that cannot do its work into Unavailable; any other database error is a defect and passes.

    Who only `reads` and takes too long over it is told TooSlow. There is no less of a change that could be asked for.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("all connections of this process are in use") from error
    except DBAPIError as error:
        code, state = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
        if code == sqlite3.SQLITE_INTERRUPT or state == _POSTGRES_CANCELLED:
            raise (TooSlow() if reads else Unavailable("it took too long")) from error
        if not _is_unavailable(error, code, state or ""):
            raise
        raise Unavailable(first_line(error.orig or error)) from error


def _is_unavailable(error: DBAPIError, code: int | None, state: str) -> bool:
    if code is not None:
        # What is malformed is a DatabaseError; a statement that is wrong is an OperationalError too.
        return code & 0xFF in _DAMAGED or (isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR)
    return isinstance(error, (OperationalError, InterfaceError)) or state == _READ_ONLY or state[:2] == _CORRUPTED


def _require_time() -> float:
    """How many seconds the caller still waits. Raises Unavailable when that is none."""
    seconds = seconds_left()
    if seconds <= 0:
        raise Unavailable("no time was left for it")
    return seconds


def _refuse_when_late(*_: object) -> None:
    """Begin no statement for a caller that has been told no by now."""
    _require_time()


def _connection_limits(url: URL, timeout: float) -> dict[str, object]:
    """How long connecting may take, and how long the network may swallow what is sent, unless the address says so."""
    limits = {"connect_timeout": math.ceil(timeout), "tcp_user_timeout": math.ceil(1000 * timeout)}
    return {name: value for name, value in limits.items() if name not in url.query}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


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
