"""Bringing a database to the schema of this program, and refusing one that is ahead of it.

SQLite takes all migrations that are missing in one transaction, and so does a PostgreSQL that is new. On one that is in
use each is a transaction of its own. It waits for a lock only briefly, since later statements queue behind it,
and is tried again. Its indexes are built before it, outside any transaction (`indexes.py`).

Alembic is imported only to migrate: it takes as long as all else that most commands do.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, column, func, inspect, select, table, text
from sqlalchemy.exc import DBAPIError

from tokenry.domain.errors import SetupError, TooSlow, Unavailable
from tokenry.printable import first_line
from tokenry.storage.database import Database
from tokenry.storage.failures import NotPrimary, is_held_up
from tokenry.storage.files import SETUP_SECONDS_MAX

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script

    from tokenry.storage.indexes import NewIndex

LOCK_SECONDS_MAX = 0.5
"""How long a migration waits for a lock while others queue behind it: less than verification waits."""
VACUUM_SECONDS_MAX = 2.0
"""The same beside an autovacuum, which PostgreSQL cancels for a lock awaited for a second (`deadlock_timeout`)."""
PATIENCE_SECONDS = 60.0
"""How long it is tried again; and how long an index waits for transactions under way, which holds nobody up."""
_PAUSE_SECONDS = 0.1
_POSTGRES_LOCK = 0x746F6B656E7279  # "tokenry": one migration at a time
_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_VERSION = table("alembic_version", column("version_num"))


def migrate(database: Database) -> None:
    """Apply every migration that is missing; one that fails has changed nothing. Raises SetupError.

    Call `refuse_newer` first, and both within `one_at_a_time`.
    """
    with _naming_remedies(database):
        with database.read() as connection:
            revision = _revision(connection)
        if revision == head_revision():
            return
        if database.is_sqlite or revision is None:
            _upgrade(database, "head")
            return
        for script in _missing(revision):
            for index in getattr(script.module, "INDEXES", ()):
                _patiently(database, partial(_build, database, index))
            _patiently(database, partial(_upgrade, database, script.revision))


@contextmanager
def one_at_a_time(database: Database) -> Iterator[None]:
    """Let one process at a time set a database up, whatever its host; others wait. Raises SetupError.

    On SQLite those of one data directory have waited for each other already (`files.py`).
    """
    if database.is_sqlite:
        yield
        return
    with ExitStack() as held:
        with _naming_remedies(database):
            _await_turn(held.enter_context(database.engine.connect()))
        yield


def refuse_newer(database: Database) -> str | None:
    """Return the database's revision, None for a new one. Raises SetupError if this program does not know it."""
    with _naming_remedies(database), database.read() as connection:
        revision = _revision(connection)
    if revision is not None and revision not in _revisions():
        raise SetupError(
            f"The database {database.address} was made by a newer tokenry (schema {revision}): install that version, "
            "or restore a backup made with this one. Nothing was changed."
        )
    return revision


def require_current(database: Database) -> None:
    """Raise SetupError unless the database has exactly this program's schema."""
    revision = refuse_newer(database)
    if revision != head_revision():
        state = "is empty, or " if revision is None else "is "
        raise SetupError(f"The database {database.address} {state}older than this program: run `tokenry migrate`.")


def head_revision() -> str:
    """This program's schema."""
    return _revisions()[-1]


def is_current(connection: Connection) -> bool:
    """Whether the database has exactly this program's schema."""
    return _revision(connection) == head_revision()


@cache
def _revisions() -> list[str]:
    """The schemas that this program knows, the oldest first, by the names of their files."""
    return sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def _await_turn(connection: Connection) -> None:
    """Take the lock, for as long as the connection is open.

    Neither who has it nor who waits for it keeps a snapshot, since an index that is being built waits for all
    older ones: the wait is a loop of short looks.
    """
    connection.execution_options(isolation_level="READ COMMITTED")
    until = time.monotonic() + SETUP_SECONDS_MAX
    while True:
        if connection.execute(select(func.pg_try_advisory_xact_lock(_POSTGRES_LOCK))).scalar_one():
            # The last statement, as a SELECT would keep its snapshot until the next one.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            return
        connection.rollback()
        if time.monotonic() >= until:
            raise SetupError(
                "Another process has been setting up or migrating this database for a long time: wait for it or end "
                "it, and start again."
            )
        time.sleep(_PAUSE_SECONDS)


def _missing(revision: str) -> "list[Script]":
    """The migrations from a revision on, the oldest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return [*ScriptDirectory.from_config(_config()).iterate_revisions("head", revision)][::-1]


def _upgrade(database: Database, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    with database.write() as connection:
        if not database.is_sqlite:
            seconds = VACUUM_SECONDS_MAX if _is_vacuumed(connection) else LOCK_SECONDS_MAX
            connection.execute(text(f"SET LOCAL lock_timeout = {int(1000 * seconds)}"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _is_vacuumed(connection: Connection) -> bool:
    """Whether an autovacuum, which is no user's, has locked a table of this database."""
    statement = text(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'relation' AND "
        "mode = 'ShareUpdateExclusiveLock' AND granted AND datname = current_database() AND usesysid IS NULL)"
    )
    return bool(connection.execute(statement).scalar_one())


def _build(database: Database, index: "NewIndex") -> None:
    from tokenry.storage.indexes import build_index  # noqa: PLC0415 - it imports Alembic
    from tokenry.storage.postgres import is_pooled  # noqa: PLC0415 - what it imports is an extra

    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        driver: Any = connection.connection.driver_connection
        if not is_pooled(driver):  # there others would get the session, and the next statement another one
            connection.detach()  # closed afterwards: nobody else gets a connection with these settings
            connection.execute(text(f"SET lock_timeout = {int(1000 * PATIENCE_SECONDS)}"))
            connection.execute(text("SET statement_timeout = 0"))
        build_index(connection, index)


def _patiently(database: Database, change: Callable[[], None]) -> None:
    """Change something, again and again while others hold it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            change()
        except (DBAPIError, Unavailable) as error:
            if not is_held_up(_cause(error)):
                raise
            if time.monotonic() >= until:
                raise SetupError(
                    f"The database {database.address} is not migrated yet: other transactions, perhaps a backup or a "
                    f"report, held locks on it for {PATIENCE_SECONDS:.0f} seconds ({_reason(error)}). Wait for them, "
                    "or end them (pg_stat_activity shows the oldest), and run `tokenry migrate` again."
                ) from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _reason(error: Exception) -> str:
    cause = _cause(error) or error
    return first_line(getattr(cause, "orig", None) or cause)


def _cause(error: Exception) -> BaseException | None:
    return error.__cause__ if isinstance(error, (TooSlow, Unavailable)) else error


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", "tokenry.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none()


@contextmanager
def _naming_remedies(database: Database) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, NotPrimary, TooSlow, Unavailable) as error:
        checks = "path, its permissions, and that it is tokenry's"
        if not database.is_sqlite:
            checks = "address, what its role may do, and that it is tokenry's; `tokenry doctor` asks each server"
        raise SetupError(
            f"The database {database.address} cannot be used ({_reason(error)}): check the {checks}."
        ) from error
