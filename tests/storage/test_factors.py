"""Statements on second factors: what is taken once is taken once, by whoever is first."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.making import NOW, new_user
from tokenry.domain.passkeys import PasskeyKey
from tokenry.storage import authenticators, passkeys, recovery_codes
from tokenry.storage.database import Database
from tokenry.storage.users import find_user_by_id

KEY = PasskeyKey(b"id", b"public", 3)


def test_code_of_a_step_is_taken_once_and_none_before_it(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        authenticators.set_authenticator(connection, user_id, b"sealed", step=5, now=NOW)
        taken = [authenticators.take_step(connection, user_id, b"sealed", step) for step in (5, 6, 6, 4, 8, 7)]
        assert taken == [False, True, False, False, True, False]
        assert not authenticators.take_step(connection, user_id, b"another", 9)
        assert not authenticators.take_step(connection, user_id + 1, b"sealed", 9)


def test_key_replaces_the_one_before(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        for sealed in (b"first", b"second"):
            authenticators.set_authenticator(connection, user_id, sealed, step=5, now=NOW)
        assert authenticators.find_sealed(connection, user_id) == b"second"
        assert authenticators.delete_authenticator(connection, user_id)
        assert not authenticators.delete_authenticator(connection, user_id)
        assert authenticators.find_sealed(connection, user_id) is None


def test_recovery_code_is_used_once_by_its_own_user(database: Database) -> None:
    ada, bob = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        recovery_codes.replace_codes(connection, ada, [b"a" * 32, b"b" * 32], pepper_generation=1)
        assert not recovery_codes.use_code(connection, bob, [b"a" * 32])
        assert recovery_codes.use_code(connection, ada, [b"c" * 32, b"a" * 32])
        assert not recovery_codes.use_code(connection, ada, [b"a" * 32])
        assert recovery_codes.count_codes(connection, ada) == 1
        recovery_codes.replace_codes(connection, ada, [b"d" * 32], pepper_generation=1)
        assert not recovery_codes.use_code(connection, ada, [b"b" * 32])
        assert recovery_codes.delete_codes_of(connection, ada) == 1


def test_passkey_is_one_users_and_its_count_is_compared(database: Database) -> None:
    ada, bob = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        id = passkeys.insert_passkey(connection, ada, KEY, label="phone", now=NOW)
        assert passkeys.use_passkey(connection, id, before=3, after=9, now=NOW)
        assert not passkeys.use_passkey(connection, id, before=3, after=10, now=NOW)
        found = passkeys.find_by_credential(connection, b"id")
        assert found is not None
        assert (found.passkey.user_id, found.passkey.used, found.key.sign_count) == (ada, NOW, 9)
        assert passkeys.find_by_credential(connection, b"other") is None
        assert not passkeys.rename_passkey(connection, id, "mine", user_id=bob)
        assert passkeys.rename_passkey(connection, id, "old phone", user_id=ada)
        assert [each.label for each in passkeys.list_passkeys(connection, ada)] == ["old phone"]
        assert not passkeys.delete_passkey(connection, id, user_id=bob)
        assert passkeys.find_passkey(connection, id, user_id=bob) is None
        assert passkeys.list_credential_ids(connection, ada) == [b"id"]
        assert passkeys.delete_passkey(connection, id, user_id=ada)
        assert passkeys.count_passkeys(connection, ada) == 0


def test_passkey_is_nobody_elses(database: Database) -> None:
    ada, bob = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        passkeys.insert_passkey(connection, ada, KEY, label="phone", now=NOW)
    with pytest.raises(IntegrityError), database.write() as connection:
        passkeys.insert_passkey(connection, bob, KEY, label="phone", now=NOW)


def test_user_with_an_app_or_a_passkey_has_a_second_factor(database: Database) -> None:
    ada, bob = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        passkeys.insert_passkey(connection, ada, KEY, label="phone", now=NOW)
        for user_id, has in ((ada, True), (bob, False)):
            user = find_user_by_id(connection, user_id)
            assert user is not None
            assert user.second_factor is has
        passkeys.delete_passkeys_of(connection, ada)
        authenticators.set_authenticator(connection, bob, b"sealed", step=5, now=NOW)
        found = [find_user_by_id(connection, user_id) for user_id in (ada, bob)]
    assert [user is not None and user.second_factor for user in found] == [False, True]
