"""Bringing a database to the schema of this program, and refusing one that is ahead of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from tokenry.domain.errors import SetupError, TooSlow, Unavailable
from tokenry.storage.database import Database
from tokenry.storage.files import SETUP_SECONDS_MAX

_POSTGRES_LOCK = 0x746F6B656E7279  # "tokenry": one migration at a time


def migrate(database: Database) -> None:
    """Apply every migration that is missing, in one transaction.

    Raises SetupError for a database that cannot be used. Call `refuse_newer` first.
    """
    with _naming_remedies(database), database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{SETUP_SECONDS_MAX}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def refuse_newer(database: Database) -> str | None:
    """Return the database's revision, None for a new one. Raises SetupError if this program does not know it."""
    with _naming_remedies(database), database.read() as connection:
        revision = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SetupError(
            f"The database {database.address} was made by a newer tokenry (schema {revision}): install that version, "
            "or restore a backup made with this one. Nothing was changed."
        )
    return revision


def require_current(database: Database) -> None:
    """Raise SetupError unless the database has exactly this program's schema."""
    if refuse_newer(database) != _head():
        raise SetupError(f"The database {database.address} is older than this program: run `tokenry migrate`.")


def is_current(connection: Connection) -> bool:
    """Whether the database has exactly this program's schema."""
    return _revision(connection) == _head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "tokenry.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


@cache
def _head() -> str | None:
    """Loads every migration, so once: each probe of readiness asks for it."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _naming_remedies(database: Database) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, TooSlow, Unavailable) as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        reason = str(getattr(cause, "orig", cause)).strip().splitlines()[0]
        raise SetupError(
            f"The database {database.address} cannot be used ({reason}): check the path or address, its permissions, "
            "and that it is tokenry's."
        ) from error
