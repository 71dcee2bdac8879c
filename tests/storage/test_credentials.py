"""The statement of the hot path, as the raw drivers get it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import URL

from tokenry.storage.credentials import Credential, postgres_statement, sqlite_statement
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import migrate


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """A migrated, empty database."""
    database = Database(database_url(None, tmp_path), timeout=TIMEOUT_SECONDS)
    migrate(database)
    database.close()
    return tmp_path / "tokenry.db"


@pytest.fixture
def postgres_address(new_postgres_database: URL) -> str:
    """A migrated, empty database, in asyncpg's words."""
    database = Database(new_postgres_database.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
    migrate(database)
    database.close()
    return new_postgres_database.render_as_string(hide_password=False)


def test_sqlite_answers_with_the_fields_of_a_credential(sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as connection:
        cursor = connection.execute(sqlite_statement(), ("pat_0123456789ab",))
    assert tuple(column[0] for column in cursor.description) == Credential._fields


def test_sqlite_finds_every_row_by_its_key(sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sqlite_statement()}", ("pat_0123456789ab",)).fetchall()
    assert [step[3].split()[0] for step in plan] == ["SEARCH"] * 4


def test_postgres_answers_with_the_fields_of_a_credential(postgres_address: str) -> None:
    async def prepare() -> tuple[str, ...]:
        connection = await asyncpg.connect(postgres_address)
        try:
            statement = await connection.prepare(postgres_statement())
            return tuple(attribute.name for attribute in statement.get_attributes())
        finally:
            await connection.close()

    assert asyncio.run(prepare()) == Credential._fields


def test_postgres_can_find_every_row_by_its_key(postgres_address: str) -> None:
    """In an empty table a scan is cheaper, so the planner is told to leave it where it can."""

    async def explain() -> str:
        connection = await asyncpg.connect(postgres_address)
        try:
            await connection.execute("SET enable_seqscan = off")
            rows = await connection.fetch(f"EXPLAIN {postgres_statement()}", ["pat_0123456789ab"])
            return "\n".join(row[0] for row in rows)
        finally:
            await connection.close()

    assert "Seq Scan" not in asyncio.run(explain())
