"""Look-ups in SQLite: as new as the last commit of anybody."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.making import NOW
from tests.verification.stored import PREVIEW, STORED, path_of
from tokenry.domain.errors import Unavailable
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.tokens import revoke_token
from tokenry.storage.users import set_disabled
from tokenry.verification.sqlite import SqliteCredentials


def test_found_credential_tells_all_that_is_stored(database: Database) -> None:
    async def find() -> Credential | None:
        credentials = SqliteCredentials(path_of(database))
        try:
            return await credentials.find(PREVIEW)
        finally:
            await credentials.close()

    assert asyncio.run(find()) == STORED


@pytest.mark.parametrize("preview", ["", "pat_0123456789aB", "pat_0123456789a_", "pat_%", "' OR 1=1 --"])
def test_preview_is_compared_exactly(database: Database, preview: str) -> None:
    async def find() -> Credential | None:
        credentials = SqliteCredentials(path_of(database))
        try:
            return await credentials.find(preview)
        finally:
            await credentials.close()

    assert asyncio.run(find()) is None


def test_revocation_by_another_connection_is_seen_by_the_next_look_up(database: Database) -> None:
    async def find_around_a_revocation() -> list[Credential | None]:
        credentials = SqliteCredentials(path_of(database))
        answers = [await credentials.find(PREVIEW)]
        with database.write() as connection:
            revoke_token(connection, 1, now=NOW, revoked_by="ada")
        answers.append(await credentials.find(PREVIEW))
        await credentials.close()
        return answers

    assert asyncio.run(find_around_a_revocation()) == [STORED, None]


def test_disabling_by_another_connection_is_seen_by_the_next_look_up(database: Database) -> None:
    async def find_around_a_disabling() -> list[int | None]:
        credentials = SqliteCredentials(path_of(database))
        answers = [await credentials.find(PREVIEW)]
        with database.write() as connection:
            set_disabled(connection, 1, NOW)
        answers.append(await credentials.find(PREVIEW))
        await credentials.close()
        return [answer.disabled_at for answer in answers if answer is not None]

    assert asyncio.run(find_around_a_disabling()) == [None, to_seconds(NOW)]


def test_look_up_does_not_wait_for_a_writer(database: Database) -> None:
    async def find_during_a_write() -> Credential | None:
        credentials = SqliteCredentials(path_of(database))
        with database.write() as connection:
            revoke_token(connection, 1, now=NOW, revoked_by="ada")
            found = await credentials.find(PREVIEW)
        await credentials.close()
        return found

    assert asyncio.run(find_during_a_write()) == STORED


def test_closed_look_up_opens_again(database: Database) -> None:
    async def find_after_closing() -> Credential | None:
        credentials = SqliteCredentials(path_of(database))
        await credentials.find(PREVIEW)
        await credentials.close()
        found = await credentials.find(PREVIEW)
        await credentials.close()
        return found

    assert asyncio.run(find_after_closing()) == STORED


def test_closing_before_any_look_up_is_fine(tmp_path: Path) -> None:
    asyncio.run(SqliteCredentials(str(tmp_path / "none.db")).close())
    assert list(tmp_path.iterdir()) == []


def test_look_up_cannot_write(database: Database) -> None:
    async def write() -> None:
        credentials = SqliteCredentials(path_of(database))
        await credentials.find(PREVIEW)
        try:
            credentials._connect().execute("DELETE FROM credentials")
        finally:
            await credentials.close()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        asyncio.run(write())


@pytest.mark.parametrize("content", [None, b"", b"this is a letter, not a database. " * 50])
def test_database_that_is_none_is_unavailable(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "directory" / "tokenry.db"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)

    async def find() -> None:
        credentials = SqliteCredentials(str(path))
        try:
            await credentials.find(PREVIEW)
        finally:
            await credentials.close()

    with pytest.raises(Unavailable):
        asyncio.run(find())
