"""Statements on the keys of requests: a key stands for one request, for a day."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

from sqlalchemy import func, select

from tests.making import NOW, add_token, new_user
from tokenry.domain.idempotency import KEPT_SECONDS, KeyedRequest
from tokenry.storage.database import DELETED_MAX, Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.idempotency import (
    Given,
    claim_key,
    delete_expired_keys,
    get_given,
    store_given,
)
from tokenry.storage.schema import idempotency_keys

SECOND = timedelta(seconds=1)
KEPT = timedelta(seconds=KEPT_SECONDS)
REQUEST = KeyedRequest("k", b"\1" * 32)
OTHER = KeyedRequest("k", b"\2" * 32)


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(idempotency_keys)).scalar_one()


def test_key_stands_for_the_first_request(database: Database, user_id: int) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert claim_key(connection, REQUEST, user_id=user_id, now=NOW)
        store_given(connection, "k", user_id=user_id, token_id=token.id, preview="pat_first0000000")
        assert not claim_key(connection, OTHER, user_id=user_id, now=NOW)
        assert get_given(connection, "k", user_id=user_id) == Given(REQUEST.digest, token.id, "pat_first0000000")
        store_given(connection, "k", user_id=user_id, token_id=token.id, preview="pat_second000000")
        assert get_given(connection, "k", user_id=user_id) == Given(REQUEST.digest, token.id, "pat_second000000")


def test_key_is_the_users_own(database: Database, user_id: int) -> None:
    other_id = new_user(database, "bob")
    with database.write() as connection:
        assert [claim_key(connection, REQUEST, user_id=owner, now=NOW) for owner in (user_id, other_id)] == [True, True]


def test_key_stands_for_its_request_for_a_day(database: Database, user_id: int) -> None:
    with database.write() as connection:
        claimed = [
            claim_key(connection, request, user_id=user_id, now=now)
            for request, now in ((REQUEST, NOW), (OTHER, NOW + KEPT - SECOND), (OTHER, NOW + KEPT), (OTHER, NOW + KEPT))
        ]
        found = connection.execute(select(idempotency_keys.c.request)).scalar_one()
    assert (claimed, found) == ([True, False, True, False], OTHER.digest)


def test_keys_that_expired_are_deleted_a_bounded_number_at_a_time(database: Database, user_id: int) -> None:
    with database.write() as connection:
        for number in range(DELETED_MAX + 2):
            claim_key(connection, KeyedRequest(f"k{number}", bytes(32)), user_id=user_id, now=NOW)
        assert delete_expired_keys(connection, NOW + KEPT - SECOND) == 0
        claim_key(connection, KeyedRequest("new", bytes(32)), user_id=user_id, now=NOW + KEPT)
        assert [delete_expired_keys(connection, NOW + KEPT) for _ in range(3)] == [DELETED_MAX, 2, 0]
    assert count(database) == 1


def test_of_two_that_claim_a_key_at_once_the_second_finds_what_the_first_stored(
    database: Database, user_id: int
) -> None:
    with database.write() as connection:
        token = add_token(connection, user_id)
    other = Database(database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    together = Barrier(2)

    def claim(source: Database, key: str) -> bool:
        together.wait(timeout=10)
        with source.write() as connection:
            if claim_key(connection, KeyedRequest(key, bytes(32)), user_id=user_id, now=NOW):
                store_given(connection, key, user_id=user_id, token_id=token.id, preview=token.preview)
                return True
            return get_given(connection, key, user_id=user_id) != Given(bytes(32), token.id, token.preview)

    with ThreadPoolExecutor(2) as pool:
        claims = [sum(pool.map(claim, (database, other), (key, key))) for key in "abcdefghij"]
    other.close()
    assert claims == [1] * 10


def test_claim_that_is_rolled_back_leaves_the_key_free(database: Database, user_id: int) -> None:
    with suppress(RuntimeError), database.write() as connection:
        claim_key(connection, REQUEST, user_id=user_id, now=NOW)
        raise RuntimeError
    assert count(database) == 0


def test_deletion_passes_over_keys_that_another_transaction_holds(database: Database, user_id: int) -> None:
    """Only PostgreSQL has two writers at once."""
    with database.write() as connection:
        claim_key(connection, REQUEST, user_id=user_id, now=NOW)
    if database.is_sqlite:
        return
    with database.write() as first, database.write() as second:
        assert delete_expired_keys(first, NOW + KEPT) == 1
        assert delete_expired_keys(second, NOW + KEPT) == 0
