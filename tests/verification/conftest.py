"""What several of these tests start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verification.stored import NOW, add_token
from tokenry.storage.accounts import create_account
from tokenry.storage.database import Database, database_url
from tokenry.storage.migration import migrate
from tokenry.storage.users import create_user


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with one token, seen from a connection of its own."""
    database = Database(database_url(None, tmp_path))
    migrate(database)
    with database.write() as connection:
        account = create_account(connection, euuid="E", company="c", created=NOW)
        create_user(connection, account_id=account.id, username="ada", email="", admin=False, created=NOW)
        add_token(connection)
    yield database
    database.close()
