"""The statement of the hot path, as the raw drivers get it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, update

from tests.conftest import lay_migrated
from tests.making import add_token, new_user
from tokenry.storage.credentials import Credential, postgres_statement, sqlite_statement
from tokenry.storage.database import Database
from tokenry.storage.schema import credentials
from tokenry.wiring import credentials_of

PREVIEW = "pat_0123456789ab"


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """A migrated, empty database."""
    lay_migrated(tmp_path)
    return tmp_path / "tokenry.db"


@pytest.fixture
def postgres_address(migrated_postgres_database: URL) -> str:
    """A migrated, empty database, in libpq's words."""
    return migrated_postgres_database.render_as_string(hide_password=False)


def test_sqlite_answers_with_the_fields_of_a_credential(sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as connection:
        cursor = connection.execute(sqlite_statement(), ("pat_0123456789ab",))
    assert tuple(column[0] for column in cursor.description) == Credential._fields


def test_sqlite_finds_every_row_by_its_key(sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sqlite_statement()}", ("pat_0123456789ab",)).fetchall()
    assert [step[3].split()[0] for step in plan] == ["SEARCH"] * 5


def test_postgres_answers_with_the_fields_of_a_credential_behind_its_own_word(postgres_address: str) -> None:
    statement = postgres_statement().replace("$1", "%s")
    with psycopg.connect(postgres_address) as connection:
        cursor = connection.execute(statement, ([],))
        assert [column.name for column in cursor.description or ()] == ["unfit", *Credential._fields]
        assert cursor.fetchall() == [(False, *(None for _ in Credential._fields))]


def test_postgres_can_find_every_row_by_its_key(postgres_address: str) -> None:
    """Planned for any previews, and with sequential scans as a last resort: none is left if the keys are used."""
    with psycopg.connect(postgres_address) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE look_up (varchar[]) AS {postgres_statement()}")
        plan = connection.execute("EXPLAIN EXECUTE look_up (ARRAY['pat_0123456789ab'])").fetchall()
    steps = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in steps
    assert steps.count("Index") >= len(("credentials", "tokens", "users", "accounts"))


def test_credential_that_opens_something_else_is_not_found(database: Database) -> None:
    """A credential is for a token if nothing else is said of it."""
    user_id = new_user(database)
    with database.write() as connection:
        add_token(connection, user_id, PREVIEW)
    assert asyncio.run(is_found(database))
    with database.write() as connection:
        connection.execute(update(credentials).values(kind="ort"))
    assert not asyncio.run(is_found(database))


async def is_found(database: Database) -> bool:
    looking_up = credentials_of(database)
    try:
        return await looking_up.find(PREVIEW) is not None
    finally:
        await looking_up.close()
