"""Migrating a PostgreSQL that is behind a pooler, or is not one to be changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.making import migrate_to
from tests.postgres_servers import DATABASE, PgBouncer, PostgresServer, address_of
from tests.servers import tokenry, wait_until
from tokenry.storage import migration
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


def is_vacuumed(database: Database) -> bool:
    with database.read() as connection:
        return migration._is_vacuumed(connection)


@pytest.mark.long
def test_migration_does_not_wait_for_an_autovacuum_to_end(
    new_primary: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a large table takes minutes; this one is slow by its settings."""
    monkeypatch.setattr(migration, "PATIENCE_SECONDS", 10)
    database = Database(database_url(address_of(new_primary), tmp_path), timeout=TIMEOUT_SECONDS)
    migrate_to(database, "0001")
    rows = "SELECT 1, '', '', repeat('*', 500), n, 1, 2 FROM generate_series(1, 10000) AS n"
    slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0"
    for statement in (
        "INSERT INTO accounts (id, euuid, company, created_at) VALUES (1, 'E', 'c', 1)",
        "INSERT INTO users (id, account_id, username, email, admin, created_at) VALUES (1, 1, 'ada', '', true, 1)",
        f"INSERT INTO tokens (user_id, label, label_folded, scopes, preview, created_at, expires_at) {rows}",
        f"ALTER TABLE tokens SET ({slow}, autovacuum_vacuum_scale_factor = 0)",
        "DELETE FROM tokens WHERE id % 2 = 0",
    ):
        new_primary.ask(statement, database=DATABASE)
    new_primary.configure(autovacuum_naptime="1s")
    wait_until(lambda: is_vacuumed(database), 20)
    migrate(database)
    require_current(database)
    database.close()
