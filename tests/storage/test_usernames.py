"""Names that are not free yet, and what the migration makes of the names and labels of before."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from tests.conftest import START
from tests.making import OPERATOR
from tokenry.domain.errors import Invalid
from tokenry.domain.users import UserChange
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.migration import _config, migrate
from tokenry.storage.usernames import find_reservation, list_ambiguous

NAMES = ["ada", "Ada", "bob", "deleted:4:Eve", "ADA", "deleted:6:eve"]
LABELS = ["a\u0308", "Ä", "plain", "Straße"]


@pytest.fixture
def older(engine_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A database of the schema before, with names that differ by case only, on each engine in turn."""
    database = Database(database_url(engine_url, tmp_path), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(text("INSERT INTO accounts (euuid, company, created_at) VALUES ('e', 'c', 1)"))
        for number, name in enumerate(NAMES, 1):
            gone = str(number) if ":" in name else "NULL"
            connection.execute(
                text(
                    "INSERT INTO users (account_id, username, email, admin, created_at, deleted_at) "
                    f"VALUES (1, :name, '', false, 1, {gone})"
                ),
                {"name": name},
            )
        for number, label in enumerate(LABELS):
            connection.execute(
                text(
                    "INSERT INTO tokens (user_id, label, label_folded, scopes, preview, created_at, expires_at) "
                    "VALUES (1, :label, :folded, '*', :preview, 1, 2)"
                ),
                {"label": label, "folded": label.casefold(), "preview": str(number)},
            )
    yield database
    database.close()


def test_migration_merges_nobody_and_tells_of_those_who_share_a_name(older: Database) -> None:
    migrate(older)
    with older.read() as connection:
        rows = connection.execute(text("SELECT username, username_folded FROM users ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [
            ("ada", "ada"),
            ("Ada", None),
            ("bob", "bob"),
            ("deleted:4:Eve", None),
            ("ADA", None),
            ("deleted:6:eve", None),
        ]
        assert list_ambiguous(connection) == ["Ada", "ADA"]


def operate(older: Database) -> Users:
    migrate(older)
    return Users(Transactions(older, lambda: datetime.fromtimestamp(START, UTC)))


def test_name_stays_taken_while_one_of_those_who_share_it_has_it(older: Database) -> None:
    users = operate(older)
    users.update_user(OPERATOR, "ada", UserChange(username="countess"))
    for taken in ("ada", "aDA"):
        with pytest.raises(Invalid, match="already taken"):
            users.create_user(OPERATOR, username=taken)
        with pytest.raises(Invalid, match="already taken"):
            users.update_user(OPERATOR, "bob", UserChange(username=taken))
    users.delete_user(OPERATOR, "Ada")
    users.update_user(OPERATOR, "ADA", UserChange(username="augusta"))
    assert users.create_user(OPERATOR, username="ada").username == "ada"


def test_name_of_one_who_shared_it_is_told_of_until_he_has_it_alone(older: Database) -> None:
    users = operate(older)
    users.update_user(OPERATOR, "ada", UserChange(username="countess"))
    with older.read() as connection:
        assert list_ambiguous(connection) == ["ADA"]
    users.delete_user(OPERATOR, "ADA")
    with older.read() as connection:
        assert list_ambiguous(connection) == []


def test_migration_reserves_the_names_of_who_was_deleted_before(older: Database) -> None:
    migrate(older)
    with older.read() as connection:
        reserved = find_reservation(connection, "EVE")
        assert reserved is not None
        assert (reserved.user_id, reserved.freed.timestamp()) == (6, 6)
        assert find_reservation(connection, "ada") is None


def test_migration_folds_labels_so_that_both_forms_are_found(older: Database) -> None:
    migrate(older)
    with older.read() as connection:
        rows = connection.execute(text("SELECT label, label_folded FROM tokens ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("a\u0308", "ä"),
        ("Ä", "ä"),
        ("plain", "plain"),
        ("Straße", "strasse"),
    ]
