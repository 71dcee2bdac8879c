"""Statements on users."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.tokens import NEVER
from tokenry.domain.users import User
from tokenry.storage.accounts import create_account
from tokenry.storage.database import Database
from tokenry.storage.tokens import insert_credential, insert_token, revoke_token
from tokenry.storage.users import create_user, find_user, list_all_users, set_disabled

NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def add_user(database: Database, username: str, *, account_id: int = 1) -> User:
    with database.write() as connection:
        return create_user(connection, account_id=account_id, username=username, email="a@b", admin=False, created=NOW)


def add_token(database: Database, user: User, preview: str, expiry: datetime = NEVER) -> int:
    """Store a token and what opens it; its id."""
    with database.write() as connection:
        token = insert_token(
            connection,
            user_id=user.id,
            label="l",
            scopes=EVERYTHING,
            preview=preview,
            created=NOW,
            expiry=expiry,
            created_by="ada",
        )
        insert_credential(
            connection, preview=preview, token_id=token.id, digest=bytes(32), pepper_generation=1, expiry=expiry
        )
        return token.id


def found(database: Database, username: str) -> User | None:
    with database.read() as connection:
        return find_user(connection, username)


@pytest.fixture
def ada(database: Database) -> User:
    """The only user of the first account."""
    with database.write() as connection:
        create_account(connection, euuid="E", company="Straße & Söhne", created=NOW)
    return add_user(database, "ada")


def test_found_user_equals_the_one_stored(database: Database, ada: User) -> None:
    assert found(database, "ada") == ada


@pytest.mark.parametrize("username", ["Ada", "ad", "ada ", "%", ""])
def test_name_of_a_user_is_compared_exactly(database: Database, ada: User, username: str) -> None:
    assert found(database, username) is None


def test_name_is_given_out_once(database: Database, ada: User) -> None:
    with pytest.raises(IntegrityError):
        add_user(database, "ada")


def test_user_needs_an_account_that_exists(database: Database, ada: User) -> None:
    with pytest.raises(IntegrityError):
        add_user(database, "bob", account_id=404)


def test_users_are_listed_by_code_point_of_their_names(database: Database, ada: User) -> None:
    for username in ("b", "B", "a_b", "a-b", "a.b", "9"):
        add_user(database, username)
    with database.read() as connection:
        listed = [user.username for user, _ in list_all_users(connection, NOW)]
    assert listed == ["9", "B", "a-b", "a.b", "a_b", "ada", "b"]


def test_token_with_two_secrets_is_one_open_token(database: Database, ada: User) -> None:
    token_id = add_token(database, ada, "pat_one000000000")
    with database.write() as connection:
        insert_credential(
            connection,
            preview="pat_two000000000",
            token_id=token_id,
            digest=bytes(32),
            pepper_generation=1,
            expiry=NEVER,
        )
        assert list_all_users(connection, NOW) == [(ada, 1)]


def test_users_are_listed_with_their_open_tokens(database: Database, ada: User) -> None:
    bob = add_user(database, "bob")
    revoked, _, _ = (add_token(database, ada, f"pat_{number:012}") for number in range(3))
    with database.write() as connection:
        revoke_token(connection, revoked, now=NOW, revoked_by="ada")
        assert list_all_users(connection, NOW) == [(ada, 2), (bob, 0)]


def test_disabling_is_dated_and_undone_by_enabling(database: Database, ada: User) -> None:
    dates = []
    for disabled in (NOW, None):
        with database.write() as connection:
            set_disabled(connection, ada.id, disabled)
        user = found(database, "ada")
        dates.append(user and user.disabled)
    assert dates == [NOW, None]


def test_second_disabling_keeps_the_date_of_the_first(database: Database, ada: User) -> None:
    with database.write() as connection:
        changed = [set_disabled(connection, ada.id, moment) for moment in (NOW, NOW + SECOND)]
    user = found(database, "ada")
    assert user is not None
    assert (changed, user.disabled) == ([True, False], NOW)


def test_of_two_that_disable_at_once_one_is_told_that_it_did(database: Database, ada: User) -> None:
    other = Database(database.url)  # as another process has it
    together = Barrier(2)

    def disable(source: Database) -> bool:
        together.wait(timeout=10)
        with source.write() as connection:
            return set_disabled(connection, ada.id, NOW)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(disable, (database, other)))
    other.close()
    assert told == [False, True]


def test_only_the_user_that_was_named_is_disabled(database: Database, ada: User) -> None:
    bob = add_user(database, "bob")
    with database.write() as connection:
        set_disabled(connection, ada.id, NOW)
    assert found(database, "bob") == bob
