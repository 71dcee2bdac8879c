"""Migrating a PostgreSQL that is behind a pooler, or is not one to be changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_servers import PgBouncer, PostgresServer, address_of
from tests.servers import tokenry
from tests.storage.test_migration import migrate_to
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import migrate, one_at_a_time, require_current


@pytest.fixture
def pooled_database(pooler: PgBouncer, new_database: str, tmp_path: Path) -> Iterator[Database]:
    """An empty database behind the pooler."""
    database = Database(database_url(address_of(pooler, database=new_database), tmp_path), timeout=TIMEOUT_SECONDS)
    yield database
    database.close()


def test_migration_through_a_pooler_leaves_its_sessions_as_they_were(
    pooled_database: Database, pooler: PgBouncer
) -> None:
    migrate_to(pooled_database, "0003")
    with one_at_a_time(pooled_database):
        migrate(pooled_database)
    require_current(pooled_database)
    with pooled_database.engine.connect() as connection:
        for _ in range(pooler.POOL_CONNECTIONS):
            names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            settings = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
            connection.rollback()
            assert settings == ["0", "0", "0"]


def test_standby_is_not_migrated_and_the_command_says_why(
    primary: PostgresServer, standby: PostgresServer, new_database: str, tmp_path: Path
) -> None:
    standby.catch_up_with(primary)
    address = address_of(standby, database=new_database)
    done = tokenry("migrate", "--data-dir", str(tmp_path / "data"), variables={"TOKENRY_DATABASE_URL": address})
    assert (done.returncode, done.stdout) == (1, "")
    assert "the server is in recovery or read-only" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").glob("pepper*"))
