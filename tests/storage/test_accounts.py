"""Statements on accounts."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from tokenry.storage.accounts import create_account, find_first_account
from tokenry.storage.database import Database

NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_first_account_is_the_oldest(database: Database) -> None:
    with database.write() as connection:
        first = create_account(connection, euuid="Z", company="Zuse", created=NOW)
        create_account(connection, euuid="A", company="Analytical", created=NOW - SECOND)
        assert find_first_account(connection) == first


def test_identity_of_an_account_is_its_own(database: Database) -> None:
    with database.write() as connection:
        create_account(connection, euuid="E", company="one", created=NOW)
    with pytest.raises(IntegrityError), database.write() as connection:
        create_account(connection, euuid="E", company="another", created=NOW)
