"""Indexes that a migration adds to a PostgreSQL in use: beside others' writing, also after an interruption."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, text

from tests.making import migrate_to
from tests.servers import TOKENRY, environment, wait_until
from tokenry.domain.errors import SetupError
from tokenry.settings import Settings
from tokenry.storage import migration
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import migrate, one_at_a_time, require_current
from tokenry.wiring import prepare

NAME = "ix_rotations_previous"


@pytest.fixture
def older(new_postgres_database: URL, tmp_path: Path) -> Iterator[Database]:
    """A database of the schema before the index, in which somebody may write."""
    url = database_url(new_postgres_database.render_as_string(hide_password=False), tmp_path)
    database = Database(url, timeout=TIMEOUT_SECONDS)
    migrate_to(database, "0003")
    yield database
    database.close()


def write(connection: Connection) -> None:
    """Take what any change of the table takes."""
    connection.execute(text("DELETE FROM rotations"))


def is_valid(database: Database) -> bool | None:
    """Whether the index is one to search by; None if it is not there."""
    with database.read() as connection:
        statement = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
        return connection.execute(statement, {"name": NAME}).scalar()


def is_waited_for(database: Database) -> bool:
    """Whether the building of an index waits for a transaction."""
    with database.read() as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX%'"
        return bool(connection.execute(text(waiting)).scalar_one())


def test_others_write_while_an_index_waits_to_be_built(older: Database) -> None:
    building = threading.Thread(target=migrate, args=[older])
    with older.write() as writer:
        write(writer)
        building.start()
        wait_until(lambda: is_waited_for(older), 10)
        with older.write() as other:
            other.execute(text("SET LOCAL lock_timeout = 1000"))
            write(other)
    building.join(30)
    require_current(older)
    assert is_valid(older)


def test_index_that_an_interrupted_build_has_left_is_built_again(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "PATIENCE_SECONDS", 0.2)
    with older.write() as writer:
        write(writer)
        with pytest.raises(SetupError, match="not migrated yet"):
            migrate(older)
    left = is_valid(older)
    monkeypatch.undo()
    migrate(older)
    assert (left, is_valid(older)) == (False, True)


def test_index_whose_builder_was_killed_is_there_after_the_next_start(older: Database, tmp_path: Path) -> None:
    """The server goes on with it meanwhile, or not: the next start finds it, or builds it anew."""
    address = older.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [TOKENRY, "migrate", "--data-dir", str(tmp_path / "data")]
    builder = subprocess.Popen(command, env=environment(TOKENRY_DATABASE_URL=address))
    with older.write() as writer:
        write(writer)
        wait_until(lambda: is_waited_for(older), 30)
        builder.kill()
        builder.wait()
    prepare(Settings(data_dir=tmp_path / "data", database_url=address))
    assert is_valid(older)


def test_index_does_not_wait_for_who_waits_to_migrate_next(older: Database) -> None:
    done = threading.Event()

    def migrate_next() -> None:
        with one_at_a_time(older):
            done.set()

    waiting = threading.Thread(target=migrate_next)
    with one_at_a_time(older):
        waiting.start()
        assert not done.wait(0.3)
        migrate(older)
        assert not done.is_set()
    waiting.join(10)
    assert done.is_set()
