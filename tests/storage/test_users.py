"""Statements on users."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests.making import NOW, add_token
from tokenry.domain.errors import NotFound
from tokenry.domain.paging import PageRequest
from tokenry.domain.profile import Profile
from tokenry.domain.secrets import Keyed
from tokenry.domain.tokens import NEVER
from tokenry.domain.users import User, UserType
from tokenry.storage.accounts import create_account
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import accounts, users
from tokenry.storage.tokens import insert_credential, revoke_token
from tokenry.storage.users import (
    create_user,
    delete_user,
    find_profile,
    find_user,
    find_user_by_id,
    get_user,
    has_other_administrator,
    list_all_users,
    list_users,
    rename_user,
    set_disabled,
    set_profile,
    set_user,
)

SECOND = timedelta(seconds=1)


def add_user(database: Database, username: str, *, account_id: int = 1) -> User:
    with database.write() as connection:
        return create_user(connection, account_id=account_id, username=username, email="a@b", admin=False, created=NOW)


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


def test_user_who_is_gone_is_not_found_by_id(database: Database, ada: User) -> None:
    with database.write() as connection:
        assert get_user(connection, ada.id) == ada
        delete_user(connection, ada, NOW)
        with pytest.raises(NotFound):
            get_user(connection, ada.id)


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
    for username in ("b", "C", "a_b", "a-b", "a.b", "9"):
        add_user(database, username)
    with database.read() as connection:
        listed = [user.username for user, _ in list_all_users(connection, NOW, limit=9)]
        behind = [user.username for user, _ in list_all_users(connection, NOW, after="C", limit=3)]
    assert listed == ["9", "C", "a-b", "a.b", "a_b", "ada", "b"]
    assert behind == ["a-b", "a.b", "a_b"]


def test_token_with_two_secrets_is_one_open_token(database: Database, ada: User) -> None:
    with database.write() as connection:
        token_id = add_token(connection, ada.id).id
        insert_credential(connection, Keyed("pat_two000000000", bytes(32), 1), token_id=token_id, expiry=NEVER)
        assert list_all_users(connection, NOW, limit=9) == [(ada, 1)]


def test_users_are_listed_with_their_open_tokens(database: Database, ada: User) -> None:
    bob = add_user(database, "bob")
    with database.write() as connection:
        revoked, _, _ = (add_token(connection, ada.id).id for _ in range(3))
        revoke_token(connection, revoked, now=NOW, revoked_by="ada")
        assert list_all_users(connection, NOW, limit=9) == [(ada, 2), (bob, 0)]


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
    other = Database(database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
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


# --- of an account ----------------------------------------------------------------------------------------------------


def stored_row(database: Database, user_id: int) -> dict[str, object]:
    with database.read() as connection:
        return dict(connection.execute(select(users).where(users.c.id == user_id)).one()._mapping)


def test_deleted_user_is_found_by_nothing_and_its_row_stays(database: Database, ada: User) -> None:
    with database.write() as connection:
        assert delete_user(connection, ada, NOW)
        assert not delete_user(connection, ada, NOW + SECOND)
        assert find_user_by_id(connection, ada.id) is None
        assert find_profile(connection, ada.id) is None
        assert find_user(connection, f"deleted:{ada.id}:ada") is None
        assert list_users(connection, account_id=1, request=PageRequest()).results == 0
        assert list_all_users(connection, NOW, limit=9) == []
    row = stored_row(database, ada.id)
    assert (row["username"], row["email"], row["disabled_at"]) == (f"deleted:{ada.id}:ada", "", to_seconds(NOW))


def test_name_of_a_deleted_user_is_given_out_again(database: Database, ada: User) -> None:
    for _ in range(2):  # twice, since the names of deleted ones must differ, too
        user = found(database, "ada")
        assert user is not None
        with database.write() as connection:
            delete_user(connection, user, NOW)
        add_user(database, "ada")


def test_what_changes_of_a_user_is_stored(database: Database, ada: User) -> None:
    changed = replace(ada, username="countess", email="c@d", admin=True, child_account_access=True)
    with database.write() as connection:
        assert set_user(connection, changed)
        assert rename_user(connection, ada.id, "countess")
        assert not set_user(connection, replace(changed, id=404))
        assert not rename_user(connection, 404, "nobody")
    assert found(database, "countess") == changed


def test_name_that_is_taken_is_not_stored(database: Database, ada: User) -> None:
    bob = add_user(database, "bob")
    with pytest.raises(IntegrityError), database.write() as connection:
        rename_user(connection, bob.id, "ADA")


def test_profile_is_stored_and_found(database: Database, ada: User) -> None:
    with database.write() as connection:
        before = find_profile(connection, ada.id)
        assert before is not None
        assert before == Profile(ada, "UTC", True, False, "keys_only", ())  # noqa: FBT003 - as in the schema
        after = Profile(replace(ada, email="x@y"), "GMT", False, True, "disabled", ("é", "b"))  # noqa: FBT003
        assert set_profile(connection, ada.id, after)
        assert find_profile(connection, ada.id) == after
        set_profile(connection, ada.id, replace(after, authorized_keys=()))
        assert find_profile(connection, ada.id) == replace(after, authorized_keys=())


def test_other_administrator_is_enabled_of_the_account_and_no_proxy(database: Database, ada: User) -> None:
    with database.write() as connection:
        other = create_account(connection, euuid="F", company="other", created=NOW)
        create_user(connection, account_id=other.id, username="eve", email="", admin=True, created=NOW)
        assert not has_other_administrator(connection, ada)
        boss = create_user(connection, account_id=1, username="boss", email="", admin=True, created=NOW)
        assert has_other_administrator(connection, ada)
        assert not has_other_administrator(connection, boss)
        connection.execute(update(users).where(users.c.id == boss.id).values(proxy=True))
        assert not has_other_administrator(connection, ada)
        connection.execute(update(users).where(users.c.id == boss.id).values(proxy=False))
        set_disabled(connection, boss.id, NOW)
        assert not has_other_administrator(connection, ada)


@pytest.mark.parametrize(
    ("proxy", "parent", "child", "expected"),
    [
        (False, None, False, UserType.DEFAULT),
        (False, None, True, UserType.PARENT),
        (False, 1, False, UserType.CHILD),
        (True, 1, False, UserType.PROXY),
    ],
)
def test_type_of_a_user_is_what_its_account_is_to_others(
    database: Database, ada: User, *, proxy: bool, parent: int | None, child: bool, expected: UserType
) -> None:
    with database.write() as connection:
        own = create_account(connection, euuid="F", company="own", created=NOW)
        connection.execute(update(accounts).where(accounts.c.id == own.id).values(parent_id=parent))
        if child:
            theirs = create_account(connection, euuid="G", company="child", created=NOW)
            connection.execute(update(accounts).where(accounts.c.id == theirs.id).values(parent_id=own.id))
        user = create_user(connection, account_id=own.id, username="bob", email="", admin=False, created=NOW)
        connection.execute(update(users).where(users.c.id == user.id).values(proxy=proxy))
        again = find_user_by_id(connection, user.id)
        assert again is not None
        assert again.type is expected
