"""What several of these tests start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import lay_migrated
from tests.verification.stored import add_stored, add_user
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with one token, seen from a connection of its own."""
    lay_migrated(tmp_path)
    database = Database(database_url(None, tmp_path), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        add_user(connection)
        add_stored(connection)
    yield database
    database.close()
