"""What tests of statements start from."""

import pytest

from tests.making import new_user
from tokenry.storage.database import Database


@pytest.fixture
def user_id(database: Database) -> int:
    """The id of a user."""
    return new_user(database)
