"""Every change of what verification reads is made known, by name where it can be."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Table, column, delete, insert, select, table, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from tests.conftest import lay_migrated
from tests.making import NOW, add_token
from tokenry.domain.secrets import Keyed
from tokenry.storage.accounts import create_account
from tokenry.storage.changes import execute_naming, execute_unread
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.details import set_metadata
from tokenry.storage.journal import Journal
from tokenry.storage.migration import migrate
from tokenry.storage.rotations import insert_successor
from tokenry.storage.schema import accounts, audit_events, credentials, tokens, users
from tokenry.storage.tokens import rename_token, revoke_token
from tokenry.storage.users import create_user, get_user, set_disabled, set_user

PREVIEW = "pat_0123456789ab"
ALL = None
NAMED = table("credentials", column("preview"), column("pepper_generation"))
"""As a migration would write it."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A SQLite database with a user and its token."""
    lay_migrated(tmp_path)
    database = Database(database_url(None, tmp_path), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        account = create_account(connection, euuid="E", company="c", created=NOW)
        user = create_user(connection, account_id=account.id, username="ada", email="", admin=False, created=NOW)
        add_token(connection, user.id, PREVIEW)
    yield database
    database.close()


class Named:
    """What a block of code made known: [] for nothing, None for everything."""

    def __init__(self, database: Database, journal: str = "changed") -> None:
        self.journal: Journal = getattr(database.epoch, journal)
        self.before = self.journal.word[0]

    def previews(self) -> list[bytes] | None:
        assert self.journal.word[0] % 2 == 0
        return self.journal.named_between(self.before, self.journal.word[0])


def test_revocation_names_its_token(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        assert revoke_token(connection, 1, now=NOW, revoked_by="x")
    assert named.previews() == [PREVIEW.encode()]


def test_creation_and_renaming_change_nothing(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        add_token(connection, 1, "pat_aaaaaaaaaaaa")
        assert rename_token(connection, 1, "y", user_id=1, now=NOW)
        connection.execute(insert(audit_events).values(at=1, actor="a", action="b", subject="c", details="{}"))
    assert named.previews() == []


def test_creation_names_what_it_creates(database: Database) -> None:
    named = Named(database, "created")
    with database.write() as connection:
        add_token(connection, 1, "pat_aaaaaaaaaaaa")
        add_token(connection, 1, "pat_aaaaaaaaaaab")
    previews = named.previews()
    assert previews is not None
    assert sorted(previews) == [b"pat_aaaaaaaaaaaa", b"pat_aaaaaaaaaaab"]


def test_rotation_names_what_it_creates(database: Database) -> None:
    named = Named(database, "created")
    with database.write() as connection:
        insert_successor(connection, Keyed("pat_aaaaaaaaaaaa", b"e" * 32, 1), beside=PREVIEW)
    assert named.previews() == [b"pat_aaaaaaaaaaaa"]


def test_what_creates_no_credential_names_none(database: Database) -> None:
    named = Named(database, "created")
    with database.write() as connection:
        assert revoke_token(connection, 1, now=NOW, revoked_by="x")
        assert set_disabled(connection, 1, NOW)
        connection.execute(delete(credentials))
        connection.execute(insert(audit_events).values(at=1, actor="a", action="b", subject="c", details="{}"))
        connection.execute(select(credentials.c.preview))
    assert named.previews() == []


@pytest.mark.parametrize(
    "statement",
    [
        insert(credentials).values(preview="p", token_id=1, digest=b"d", pepper_generation=1, expires_at=1),
        sqlite.insert(credentials).values(preview="p", token_id=1, digest=b"d", pepper_generation=1, expires_at=1),
        update(credentials).values(preview="p"),
        text("UPDATE credentials SET preview = 'p'"),
        update(NAMED).values(preview="p"),
    ],
    ids=["insert", "upsert", "update", "text", "table by its name"],
)
def test_statement_that_does_not_say_what_it_creates_may_create_anything(database: Database, statement: Any) -> None:
    named = Named(database, "created")
    with database.write() as connection:
        connection.execute(statement)
    assert named.previews() is ALL


def test_what_is_set_of_a_user_names_the_users_tokens_alone(database: Database) -> None:
    """A product's backend may set metadata whenever somebody signs in: all other tokens stay remembered."""
    with database.write() as connection:
        other = create_user(connection, account_id=1, username="bob", email="", admin=False, created=NOW)
        add_token(connection, other.id, "pat_bbbbbbbbbbbb")
    named = Named(database)
    with database.write() as connection:
        assert set_user(connection, replace(get_user(connection, 1), metadata='{"plan":"pro"}'))
    assert named.previews() == [PREVIEW.encode()]
    named = Named(database)
    with database.write() as connection:
        set_metadata(connection, 1, '{"plan":"free"}')
    assert named.previews() == [PREVIEW.encode()]


def test_disabling_a_user_is_a_change_of_everything(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        assert set_disabled(connection, 1, NOW)
    assert named.previews() is ALL


@pytest.mark.parametrize("table", [accounts, credentials, users, NAMED])
def test_change_that_says_nothing_counts_as_one_of_everything(database: Database, table: Table) -> None:
    """Whoever adds a statement on what verification reads cannot forget to make it known."""
    column = next(column for column in table.c if column.name in {"company", "username", "pepper_generation"})
    named = Named(database)
    with database.write() as connection:
        connection.execute(update(table).values({column: column}))
    assert named.previews() is ALL


def test_deletion_counts_too(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        connection.execute(delete(credentials))
    assert named.previews() is ALL


def test_one_unnamed_change_beside_a_named_one_is_one_of_everything(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        assert execute_naming(connection, delete(credentials).where(credentials.c.preview == PREVIEW)) == [PREVIEW]
        set_disabled(connection, 1, NOW)
    assert named.previews() is ALL


def test_change_of_what_verification_does_not_read_names_nothing(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        assert execute_unread(connection, update(users).values(email="ada@example.org")) == 1
    assert named.previews() == []


def test_change_that_is_rolled_back_names_nothing_nor_does_the_next(database: Database) -> None:
    named = Named(database)

    def fail(connection: Connection) -> None:
        revoke_token(connection, 1, now=NOW, revoked_by="x")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.write() as connection:
        fail(connection)
    with database.write() as connection:
        connection.execute(update(tokens).values(description="y"))
    assert named.previews() == []


def test_commit_that_fails_changes_nothing_but_is_made_known(database: Database) -> None:
    """Whether it has happened is for the database to say: nobody may rely on what he remembers."""
    named = Named(database)

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        revoke_token(connection, 1, now=NOW, revoked_by="x")
        add_token(connection, 404, "pat_aaaaaaaaaaaa")

    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write() as connection:
        fail(connection)
    with database.read() as connection:
        assert connection.execute(select(credentials.c.preview)).scalars().all() == [PREVIEW]
    assert named.previews() == [PREVIEW.encode()]
    with database.write() as connection:
        assert revoke_token(connection, 1, now=NOW, revoked_by="x")
    assert named.previews() == [PREVIEW.encode()] * 2


def test_change_through_a_link_to_the_database_is_made_known(database: Database, tmp_path: Path) -> None:
    named = Named(database)
    link = tmp_path / "elsewhere" / "tokens.db"
    link.parent.mkdir()
    link.symlink_to(str(database.url.database))
    linked = Database(database_url(f"sqlite:///{link}", tmp_path), timeout=TIMEOUT_SECONDS)
    with linked.write() as connection:
        assert revoke_token(connection, 1, now=NOW, revoked_by="x")
    linked.close()
    assert named.previews() == [PREVIEW.encode()]


def test_statement_that_is_not_understood_counts_as_a_change_of_everything(database: Database) -> None:
    named = Named(database)
    with database.write() as connection:
        connection.execute(text("UPDATE credentials SET expires_at = 0"))
    assert named.previews() is ALL


def test_row_that_is_inserted_over_another_counts_as_a_change(database: Database) -> None:
    row = {"id": 1, "euuid": "E", "company": "d", "created_at": 1}
    upsert = sqlite.insert(accounts).values(row).on_conflict_do_update(index_elements=["id"], set_={"company": "d"})
    named = Named(database)
    with database.write() as connection:
        connection.execute(upsert)
    assert named.previews() is ALL


def test_migration_is_a_change_of_everything(tmp_path: Path) -> None:
    database = Database(database_url(None, tmp_path / "new"), timeout=TIMEOUT_SECONDS)
    (tmp_path / "new").mkdir()
    changed, created = Named(database), Named(database, "created")
    migrate(database)
    assert changed.previews() is ALL
    assert created.previews() is ALL
    database.close()


def test_transaction_that_reads_changes_nothing(database: Database) -> None:
    named = Named(database)
    with database.read() as connection:
        connection.execute(delete(credentials))
    with database.read() as connection:
        assert connection.execute(select(credentials.c.preview)).scalars().all() == [PREVIEW]
    assert named.previews() == []


def test_postgresql_needs_no_epoch(migrated_postgres_database: URL) -> None:
    database = Database(
        database_url(migrated_postgres_database.render_as_string(hide_password=False), Path()), timeout=TIMEOUT_SECONDS
    )
    with database.write() as connection:
        account = create_account(connection, euuid="E", company="c", created=NOW)
        user = create_user(connection, account_id=account.id, username="ada", email="", admin=False, created=NOW)
        token_id = add_token(connection, user.id, PREVIEW).id
    with database.write() as connection:
        assert revoke_token(connection, token_id, now=NOW, revoked_by="x")
        assert set_disabled(connection, user.id, NOW)
    assert "epoch" not in vars(database)
    database.close()
