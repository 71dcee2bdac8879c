"""One database, SQLite or PostgreSQL: connections, transactions, and what each engine needs to keep its promises.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on` at least: an acknowledged
write survives `kill -9` and a power cut. On SQLite a write transaction takes the write lock at its start, so it never
fails half way for having read too early. Whatever a transaction waits for, its caller's deadline (`deadline.py`) comes
after it.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, ExceptionContext, RootTransaction, create_engine, event, make_url, update
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection

from tokenry.domain.errors import SetupError, TooSlow, Unavailable
from tokenry.printable import first_line
from tokenry.storage.changes import begin_changes
from tokenry.storage.deadline import require_time, seconds_left
from tokenry.storage.epoch import Epoch, EpochFile
from tokenry.storage.failures import Failure, NotPrimary, is_lost, sort_failure
from tokenry.storage.schema import installation
from tokenry.storage.statements import watch
from tokenry.storage.trust import exposure

P = ParamSpec("P")
T = TypeVar("T")

READERS_MAX = 8
WRITERS_MAX = 4
"""Threads of each process that read, and those that write, for the management API (`web/threads.py`)."""
POOL_CONNECTIONS_MAX = READERS_MAX + WRITERS_MAX + 3
"""One for each of those threads, for noting uses, for the probe and for deleting: none waits for another's."""
STEPS = 20_000
"""SQLite's instructions between two looks at the clock: some milliseconds."""
TRIES_MAX = 4
"""How often a change that collides with others is tried."""
PAUSE_SECONDS_MAX = 0.05
"""The longest pause before another try. It is random, so that the same two do not collide again."""
DELETED_MAX = 100
"""Of what expired, rows deleted in one transaction, which others may have to wait for."""
_USED, _WRITES = "tokenry_used", "tokenry_writes"
_PLACES = frozenset({"host", "hostaddr", "port", "service"})


class Database:
    """A pool of connections to one database. `read()` and `write()` are the only ways to one, but for a migration's."""

    def __init__(self, url: URL, *, timeout: float) -> None:
        """`timeout` is how many seconds a change waits for others, and reading may take for a caller in a hurry."""
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._timeout = timeout
        self._writers, self._trial = threading.Lock(), threading.Lock()
        self._failure: Unavailable | None = None
        """How the last write failed; None if it did not."""
        options: dict[str, Any] = {}
        if not self.is_sqlite:
            with _naming_the_extra():
                from tokenry.storage.postgres import connect, hide_rows  # noqa: PLC0415 - of an extra
            options["creator"] = partial(connect, url, timeout)
        self.engine = create_engine(
            url if self.is_sqlite else URL.create(url.drivername),  # which alone is SQLAlchemy's to read
            hide_parameters=True,  # a parameter may be a label or a digest; neither belongs in a log
            pool_size=POOL_CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=timeout,
            **options,
        )
        watch(self.engine)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            # There is an event for it, for which every statement would pay (`statements.py`).
            self.engine.dialect.do_begin = self._begin_sqlite  # type: ignore[method-assign]
            event.listen(self.engine, "reset", _reset_sqlite)
        else:
            event.listen(self.engine, "handle_error", _drop_what_is_lost)
            event.listen(self.engine, "handle_error", hide_rows)

    @property
    def address(self) -> str:
        """Where it is, for people: without its driver, which nobody has set, and without its passwords."""
        places = {name: value for name, value in self.url.query.items() if name in _PLACES}
        return self.url.set(drivername=self.url.get_backend_name(), query=places).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads one state of the database. Raises Unavailable, TooSlow."""
        seconds = min(self._timeout, require_time())
        with (
            self._refusing_when_unavailable(reads=True),
            self._transaction(reads_within=seconds) as (connection, transaction),
            self._reading_ends_after(connection, seconds),
        ):
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
        failure = self._failure
        if failure is None:
            return
        if not self._trial.acquire(blocking=False):
            raise Unavailable(failure.reason, private=failure.private)
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
            self._refusing_when_unavailable(reads=False),
            self._turn(),
            self._transaction() as (connection, transaction),
        ):
            changes = begin_changes(connection)
            yield connection
            require_time()  # the caller has been told by now that nothing was done
            if (changes or tells) and self.is_sqlite:
                epoch = EpochFile(self._epoch_path, min(self._timeout, require_time()))
                with epoch.change(changes.changed.told, changes.created.told):
                    transaction.commit()

    @contextmanager
    def _transaction(self, *, reads_within: float | None = None) -> Iterator[tuple[Connection, RootTransaction]]:
        """Begin a transaction: one that reads within this many seconds, or one that writes."""
        connection, transaction = self._begin(reads_within)
        with connection, transaction:
            yield connection, transaction

    def _begin(self, reads_within: float | None) -> tuple[Connection, RootTransaction]:
        """Begin it on a connection that works: idle ones may be lost, or lead where the primary was."""
        while True:
            require_time()
            connection = self.engine.connect()
            was_used = connection.info.get(_USED, False)
            try:
                transaction = self._begin_on(connection, reads_within)
            except (DBAPIError, NotPrimary) as error:
                if not self.is_sqlite:
                    connection.invalidate()
                connection.close()
                if was_used and not self.is_sqlite and is_lost(error):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            connection.info[_USED] = True
            return connection, transaction

    def _begin_on(self, connection: Connection, reads_within: float | None) -> RootTransaction:
        writes = reads_within is None
        if self.is_sqlite:
            connection.info[_WRITES] = writes
            return connection.begin()
        from tokenry.storage.postgres import begin  # noqa: PLC0415 - of an extra, which is there

        connection.execution_options(isolation_level="READ COMMITTED" if writes else "REPEATABLE READ")
        transaction = connection.begin()
        left = require_time()
        begin(
            connection,
            lock_seconds=min(self._timeout, left),
            statement_seconds=left if reads_within is None or left == math.inf else reads_within,
            was_idle=connection.info.get(_USED, False),
        )
        return transaction

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except Unavailable as refusal:
            self._failure = refusal
            raise
        self._failure = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for this process's other changes: SQLite takes one at a time, and queueing is cheaper than polling."""
        if not self.is_sqlite:
            yield
            return
        if not self._writers.acquire(timeout=min(self._timeout, require_time())):
            raise Unavailable("other changes of this process take too long")
        try:
            yield
        finally:
            self._writers.release()

    def _begin_sqlite(self, dbapi_connection: PoolProxiedConnection) -> None:
        driver: Any = dbapi_connection.driver_connection
        writes = dbapi_connection.info.pop(_WRITES, False)
        if writes:
            milliseconds = int(1000 * min(self._timeout, require_time()))
            driver.execute(f"PRAGMA busy_timeout = {milliseconds}").close()
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    @contextmanager
    def _reading_ends_after(self, connection: Connection, seconds: float) -> Iterator[None]:
        """End a block's reads after this many seconds, in the middle of a statement, for a caller with a deadline."""
        if not self.is_sqlite or seconds_left() == math.inf:
            yield
            return
        until = time.monotonic() + seconds
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    @contextmanager
    def _refusing_when_unavailable(self, *, reads: bool) -> Iterator[None]:
        """Turn a database that cannot do its work into Unavailable; any other database error is a defect and passes.

        Who only `reads` and takes too long over it is told TooSlow: of a change, no less could be asked for.
        """
        try:
            yield
        except PoolTimeoutError as error:
            raise Unavailable("all connections of this process are in use") from error
        except NotPrimary as error:
            raise error.refusal from error
        except DBAPIError as error:
            match sort_failure(error):
                case None:
                    raise
                case Failure.SLOW:
                    raise (TooSlow() if reads else Unavailable("it took too long")) from error
                case failure:
                    raise Unavailable(
                        first_line(error.orig or error),
                        private=failure is Failure.LOST,  # a driver's words on a connection name hosts and users
                        collided=failure is Failure.RETRY,
                        perhaps_done=not self.is_sqlite and _is_unacknowledged(error.orig),
                    ) from error

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
    """Turn the setting, or its absence, into a URL with the driver that tokenry uses. Raises SetupError."""
    if text is None:
        return URL.create("sqlite", database=str(data_directory / "tokenry.db"))
    if text.startswith(("postgres://", "postgresql://", "postgresql+")):
        with _naming_the_extra():
            from tokenry.storage.postgres import read_address  # noqa: PLC0415 - of an extra
        return read_address(text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("unreadable")
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise SetupError(
        "The database URL (--database-url or TOKENRY_DATABASE_URL) is neither sqlite:///path/to/file nor "
        "postgresql://user@host/name: set one of the two."
    )


def retried(use_case: Callable[P, T]) -> Callable[P, T]:
    """Let a use case, which is one change and has no effect outside the database, be done again after a collision.

    Raises Unavailable when others come in its way each time, or no time is left.
    """

    @wraps(use_case)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES_MAX - 1):
            try:
                return use_case(*args, **kwargs)
            except Unavailable as refusal:
                if not refusal.collided:
                    raise
                time.sleep(random.uniform(0, PAUSE_SECONDS_MAX))  # noqa: S311 - no secret is made of it
        return use_case(*args, **kwargs)

    return again


@contextmanager
def _naming_the_extra() -> Iterator[None]:
    """Import what only PostgreSQL needs, whose driver is an extra. Raises SetupError without it."""
    try:
        yield
    except ImportError as error:  # without its library, libpq, psycopg is there and cannot be imported
        if (error.name or "").partition(".")[0] == "tokenry":
            raise
        raise SetupError(
            f"{error.name or 'libpq'} is not installed, and PostgreSQL needs it: run pip install "
            '"tokenry[server,postgres]".'
        ) from None


def _is_unacknowledged(error: BaseException | None) -> bool:
    from tokenry.storage.postgres import Unacknowledged  # noqa: PLC0415 - of an extra, which is there

    return isinstance(error, Unacknowledged)


def to_seconds(moment: datetime) -> int:
    """A time as it is stored: whole seconds since 1970."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """A stored time as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def _drop_what_is_lost(context: ExceptionContext) -> None:
    """Let go of all connections when one is lost: they lead to the same server."""
    error = context.sqlalchemy_exception
    context.is_disconnect |= isinstance(error, DBAPIError) and is_lost(error)


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
