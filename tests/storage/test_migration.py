"""Migrations: the schema they make, and the databases they refuse."""

import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, inspect, text

from tests.making import migrate_to
from tests.servers import wait_until
from tokenry.domain.errors import SetupError
from tokenry.storage import migration
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import is_current, migrate, one_at_a_time, refuse_newer, require_current
from tokenry.storage.schema import metadata


@pytest.fixture
def empty(engine_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, on each engine in turn."""
    database = Database(database_url(engine_url, tmp_path), timeout=TIMEOUT_SECONDS)
    yield database
    database.close()


DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def shape(connection: Connection) -> Mapping[str, object]:
    """Everything an engine says about its tables."""
    inspector = inspect(connection)
    shape: dict[str, object] = {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        shape[table] = (
            [{**column, "type": repr(column["type"])} for column in inspector.get_columns(table)],
            inspector.get_pk_constraint(table),
            sorted(str({**key, "name": None}) for key in inspector.get_foreign_keys(table)),
            sorted(map(str, inspector.get_unique_constraints(table))),
        )
    written = connection.execute(text(DEFINITIONS[connection.dialect.name])).all()
    shape["written"] = {
        name: _spaced_alike(_keys_last(" ".join(sql.split()))) for name, sql in written if "alembic" not in name
    }
    return shape


def _spaced_alike(sql: str) -> str:
    """SQLite keeps a space where a column was added at the end."""
    return sql.replace(" ,", ",").replace(" )", ")")


def _keys_last(sql: str) -> str:
    """Move foreign keys of columns that were added later to where a new table has them; the names stay compared."""
    inline = re.compile(r"(\w+) (\w+) CONSTRAINT (\w+) REFERENCES (\w+) \(id\)(.*) \)$")
    while (moved := inline.sub(r"\1 \2\5, CONSTRAINT \3 FOREIGN KEY(\1) REFERENCES \4 (id) )", sql)) != sql:
        sql = moved
    return sql


@pytest.fixture
def older(new_postgres_database: URL, tmp_path: Path) -> Iterator[Database]:
    """A database of the first schema, on PostgreSQL."""
    url = database_url(new_postgres_database.render_as_string(hide_password=False), tmp_path)
    database = Database(url, timeout=TIMEOUT_SECONDS)
    migrate_to(database, "0001")
    yield database
    database.close()


def waits(database: Database) -> bool:
    """Whether a statement waits for a lock on a table."""
    with database.read() as connection:
        return bool(
            connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted AND database <> 0")).scalar_one()
        )


def set_revision(database: Database, revision: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_migrations_make_the_schema_of_the_program(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_what_the_tables_make_by_themselves(empty: Database) -> None:
    """Collations, names of constraints and AUTOINCREMENT too, which alembic does not compare."""
    with empty.write() as connection:
        metadata.create_all(connection)
        expected = shape(connection)
        metadata.drop_all(connection)
    migrate(empty)
    with empty.read() as connection:
        assert shape(connection) == expected


def test_schema_of_this_program_is_read_from_its_files_once(database: Database) -> None:
    with database.read() as connection:
        assert is_current(connection)
        with patch.object(Path, "glob", side_effect=AssertionError("read again")):
            assert is_current(connection)


def test_schemas_are_those_of_the_migrations_in_their_order() -> None:
    scripts = ScriptDirectory.from_config(migration._config()).walk_revisions()
    assert migration._revisions() == [script.revision for script in scripts][::-1]


def test_migrated_database_is_current(database: Database) -> None:
    require_current(database)
    with database.read() as connection:
        assert is_current(connection)


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO accounts (euuid, company, created_at) VALUES ('e', 'c', 1)"))
        before = shape(connection)
    migrate(database)
    with database.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM accounts")).scalar_one()
        assert (shape(connection), kept) == (before, 1)


def test_new_database_has_no_revision(empty: Database) -> None:
    assert refuse_newer(empty) is None


def test_new_database_has_to_be_migrated_first(empty: Database) -> None:
    with pytest.raises(SetupError, match="run `tokenry migrate`"):
        require_current(empty)


OLD_ACCOUNT = "INSERT INTO accounts (id, euuid, company, created_at) VALUES (3, 'e', 'c', 1)"
OLD_USER = "INSERT INTO users (id, account_id, username, email, admin, created_at) VALUES (5, 3, 'ada', '', false, 1)"
OLD_TOKEN = """
    INSERT INTO tokens (id, user_id, label, label_folded, scopes, preview, created_at, expires_at)
    VALUES (7, 5, 'l', 'l', '*', 'p', 1, 2)
"""
OLD_CLIENT = """
    INSERT INTO oauth_clients (id, client_id, account_id, label, public, redirect_uris, grant_types, scopes,
        authentication, pkce_required, created_at, created_by)
    VALUES (9, 'c', 3, 'l', true, '[]', '', '*', 'none', true, 1, 'a')
"""
OLD_EVENTS = """
    INSERT INTO audit_events (at, actor, action, subject, details)
    SELECT 1, 'a', 'x', subject, '{}' FROM (
        SELECT 'token\\:7' AS subject UNION ALL SELECT 'user\\:5' UNION ALL SELECT 'account\\:3'
        UNION ALL SELECT 'client\\:9' UNION ALL SELECT 'policy' UNION ALL SELECT 'token\\:8'
    ) AS subjects
"""


def test_events_that_were_recorded_before_belong_to_the_account_of_their_subject(empty: Database) -> None:
    migrate_to(empty, "0018")
    with empty.write() as connection:
        for rows in (OLD_ACCOUNT, OLD_USER, OLD_TOKEN, OLD_CLIENT, OLD_EVENTS):
            connection.execute(text(rows))
    migrate(empty)
    with empty.read() as connection:
        filled = connection.execute(text("SELECT subject, account_id, user_id FROM audit_events")).all()
    assert {row.subject: (row.account_id, row.user_id) for row in filled} == {
        "token:7": (3, 5),
        "user:5": (3, 5),
        "account:3": (3, None),
        "client:9": (3, None),
        "policy": (None, None),
        "token:8": (None, None),  # which was deleted since
    }


def test_user_whom_a_service_account_had_disabled_stays_its_own_to_enable(empty: Database) -> None:
    migrate_to(empty, "0022")
    users = """INSERT INTO users (id, account_id, username, email, admin, created_at, disabled_at, service) VALUES
        (1, 3, 'backend', '', false, 1, NULL, true), (2, 3, 'admin', '', true, 1, NULL, false),
        (5, 3, 'ada', '', false, 1, 2, false), (6, 3, 'bob', '', false, 1, 2, false)"""
    events = """INSERT INTO audit_events (at, actor, actor_user_id, action, subject, details) VALUES
        (1, 'admin', 2, 'user.disable', 'user\\:5', '{}'), (2, 'backend', 1, 'user.disable', 'user\\:5', '{}'),
        (1, 'backend', 1, 'user.disable', 'user\\:6', '{}'), (2, 'operator', NULL, 'user.disable', 'user\\:6', '{}')"""
    with empty.write() as connection:
        for rows in (OLD_ACCOUNT, users, events):
            connection.execute(text(rows))
    migrate(empty)
    with empty.read() as connection:
        found = connection.execute(text("SELECT username FROM users WHERE disabled_by_backend")).scalars().all()
    assert found == ["ada"]


def test_database_of_a_newer_program_is_refused(database: Database) -> None:
    set_revision(database, "9999")
    with pytest.raises(SetupError, match="schema 9999"):
        require_current(database)


def test_database_of_a_newer_program_is_left_as_it_was(database: Database) -> None:
    set_revision(database, "9999")
    with database.read() as connection:
        before = shape(connection)
    with pytest.raises(SetupError):
        refuse_newer(database)
    with database.read() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        assert (revision, shape(connection)) == ("9999", before)


def test_migration_that_fails_half_way_leaves_nothing(empty: Database) -> None:
    with empty.write() as connection:
        connection.execute(text("CREATE TABLE installation (other INTEGER)"))  # the last one to be made
    with pytest.raises(SetupError, match="cannot be used"):
        migrate(empty)
    with empty.read() as connection:
        assert inspect(connection).get_table_names() == ["installation"]


def test_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "tokenry.db"
    path.write_text("this is a letter, not a database. " * 50)
    database = Database(database_url(None, tmp_path), timeout=TIMEOUT_SECONDS)
    with pytest.raises(SetupError) as refusal:
        refuse_newer(database)
    database.close()
    assert str(path) in str(refusal.value)


def test_refusal_does_not_show_the_password(tmp_path: Path) -> None:
    database = Database(
        database_url("postgresql://nobody:password@127.0.0.1:1/nothing", tmp_path), timeout=TIMEOUT_SECONDS
    )
    with pytest.raises(SetupError) as refusal:
        refuse_newer(database)
    database.close()
    assert "password@" not in str(refusal.value)


def test_migration_that_waits_in_vain_names_the_remedy_and_holds_up_nobody(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "PATIENCE_SECONDS", 2)
    migrating = threading.Event()

    def look_up_meanwhile() -> int:
        """Whoever queues behind the migration waits no longer than that does."""
        looks = 0
        while not migrating.is_set():
            with older.read() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 900"))
                connection.execute(text("SELECT count(*) FROM tokens"))
            looks += 1
        return looks

    with older.read() as report, ThreadPoolExecutor(1) as pool:
        report.execute(text("SELECT count(*) FROM tokens"))
        looks = pool.submit(look_up_meanwhile)
        with pytest.raises(
            SetupError, match=r"lock timeout\)\. Wait for them.* run `tokenry migrate` again"
        ) as refusal:
            migrate(older)
        migrating.set()
        assert looks.result()
    assert "permissions" not in str(refusal.value)
    migrate(older)
    require_current(older)


def test_migration_locks_tables_in_the_order_of_look_ups(older: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order each try would meet a look-up that holds one table and waits for the next."""
    monkeypatch.setattr(migration, "PATIENCE_SECONDS", 5)
    migrated = threading.Event()

    def look_up() -> None:
        while not migrated.is_set():
            with older.read() as connection:
                connection.execute(text("SELECT FROM credentials NATURAL JOIN tokens, users, accounts"))

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look_up) for _ in range(4)]
        try:
            migrate(older)
        finally:
            migrated.set()
        for look in looks:
            look.result()
    require_current(older)


def test_migration_that_loses_a_deadlock_is_tried_again(older: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report has read `tokens`, and reads `accounts`, which the migration has changed, while that waits for it.

    Who has waited for so long looks for a deadlock, once, and loses it: that is to be the migration.
    """
    monkeypatch.setattr(migration, "LOCK_SECONDS_MAX", 10)
    with older.write() as connection:
        connection.execute(text(f"ALTER DATABASE {older.url.database} SET deadlock_timeout = 2000"))
    older.close()  # it holds for new connections
    with ThreadPoolExecutor(1) as pool:
        with older.read() as report:
            report.execute(text("SET LOCAL deadlock_timeout = 30000"))
            report.execute(text("SELECT count(*) FROM tokens"))
            migrating = pool.submit(migrate, older)
            wait_until(lambda: waits(older), 10)
            report.execute(text("SELECT count(*) FROM accounts"))
        migrating.result(30)
    require_current(older)


def test_who_waits_for_another_to_set_up_in_vain_names_the_remedy(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "SETUP_SECONDS_MAX", 0.2)
    waiting = one_at_a_time(older)
    with one_at_a_time(older), pytest.raises(SetupError, match="Another process has been setting up or migrating"):
        waiting.__enter__()
    with one_at_a_time(older):
        pass  # and its turn comes when it asks again
