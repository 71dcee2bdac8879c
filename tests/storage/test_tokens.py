"""Statements on tokens: who owns them, when they live, and that a revocation happens once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from tests.making import NOW, add_token, new_user
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import UserKind
from tokenry.domain.secrets import Keyed
from tokenry.domain.tokens import NEVER, Token
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import credentials, tokens
from tokenry.storage.tokens import (
    find_token,
    insert_credential,
    keep_open,
    list_tokens,
    rename_token,
    revoke_others,
    revoke_token,
)
from tokenry.storage.users import set_disabled

SECOND = timedelta(seconds=1)


def page(connection: Connection, user_id: int, request: PageRequest | None = None) -> Page[Token]:
    return list_tokens(connection, user_id=user_id, now=NOW, request=request or PageRequest())


def test_found_token_equals_the_one_stored(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        stored = add_token(connection, user_id, expiry=NOW + SECOND)
    with database.read() as connection:
        assert find_token(connection, stored.id, user_id=user_id, now=NOW) == stored


def test_token_without_label_is_named_after_its_id(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id, label=None)
        found = find_token(connection, token.id, user_id=user_id, now=NOW)
    assert found is not None
    assert (token.label, found.label) == (f"token-{token.id}", f"token-{token.id}")


def test_token_is_live_until_the_second_before_its_expiry(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW)
        assert find_token(connection, token.id, user_id=user_id, now=NOW - SECOND) == token


def test_token_is_gone_at_the_second_of_its_expiry(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW)
        assert find_token(connection, token.id, user_id=user_id, now=NOW) is None


def test_token_of_somebody_else_is_not_found(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert find_token(connection, token.id, user_id=other_id, now=NOW) is None


def test_list_holds_only_the_users_own_live_tokens(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        kept = add_token(connection, user_id)
        add_token(connection, user_id, expiry=NOW)
        add_token(connection, other_id)
        revoke_token(connection, add_token(connection, user_id).id, now=NOW, revoked_by="ada")
        assert page(connection, user_id) == Page((kept,), PageRequest(), 1)


def test_second_page_goes_on_where_the_first_ended(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        ids = [add_token(connection, user_id).id for _ in range(30)]
        second = page(connection, user_id, PageRequest(2, 25))
    assert ([token.id for token in second.rows], second.results, second.pages) == (ids[25:], 30, 2)


def test_page_past_the_end_is_empty_and_still_counts(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        add_token(connection, user_id)
        assert page(connection, user_id, PageRequest(2, 25)) == Page((), PageRequest(2, 25), 1)


def test_renamed_token_has_its_new_label(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert rename_token(connection, token.id, "Straße", user_id=user_id, now=NOW)
        found = find_token(connection, token.id, user_id=user_id, now=NOW)
    assert found is not None
    assert found.label == "Straße"


def test_token_that_is_not_there_cannot_be_renamed(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        revoked = add_token(connection, user_id)
        revoke_token(connection, revoked.id, now=NOW, revoked_by="ada")
        expired = add_token(connection, user_id, expiry=NOW)
        others = add_token(connection, other_id)
        renamed = [
            rename_token(connection, token.id, "new", user_id=user_id, now=NOW) for token in (revoked, expired, others)
        ]
    assert renamed == [False, False, False]


def test_revoked_token_has_no_credential_left(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert revoke_token(connection, token.id, user_id=user_id, now=NOW, revoked_by="ada")
        left = connection.execute(select(credentials.c.preview).where(credentials.c.token_id == token.id)).all()
    assert left == []


def test_token_of_somebody_else_cannot_be_revoked(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert not revoke_token(connection, token.id, user_id=other_id, now=NOW, revoked_by="ada")
        assert keep_open(connection, token.preview, now=NOW) is UserKind.USER


def test_more_others_than_one_statement_names_are_revoked(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.storage.tokens.IDS_MAX", 2)
    user_id = new_user(database)
    with database.write() as connection:
        made = [add_token(connection, user_id).id for _ in range(6)]
        revoked = revoke_others(connection, user_id=user_id, kept=made[3], now=NOW, revoked_by="ada")
        left = connection.execute(select(credentials.c.token_id)).scalars().all()
    assert (revoked, left) == ([*made[:3], *made[4:]], [made[3]])


def test_of_two_that_revoke_at_once_one_is_told_that_it_did(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        ids = [add_token(connection, user_id).id for _ in range(10)]
    other = Database(database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    together = Barrier(2)

    def revoke(source: Database, token_id: int) -> bool:
        together.wait(timeout=10)
        with source.write() as connection:
            return revoke_token(connection, token_id, user_id=user_id, now=NOW, revoked_by="ada")

    with ThreadPoolExecutor(2) as pool:
        told = [tuple(pool.map(revoke, (database, other), (token_id, token_id))) for token_id in ids]
    other.close()
    assert [sum(pair) for pair in told] == [1] * len(ids)


def test_id_is_not_given_out_again_when_its_row_is_gone(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        first = add_token(connection, user_id)
        connection.execute(delete(credentials))
        connection.execute(delete(tokens))
    with database.write() as connection:
        assert add_token(connection, user_id).id > first.id


def test_preview_is_given_out_once(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
    with pytest.raises(IntegrityError), database.write() as connection:
        insert_credential(connection, Keyed(token.preview, bytes(32), 1), token_id=token.id, expiry=NEVER)


def test_token_opens_until_the_second_of_its_expiry(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW)
        assert [keep_open(connection, token.preview, now=now) for now in (NOW - SECOND, NOW)] == [
            UserKind.USER,
            None,
        ]


def test_revoked_token_does_not_open(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        revoke_token(connection, token.id, now=NOW, revoked_by="ada")
        assert keep_open(connection, token.preview, now=NOW) is None


def test_token_of_a_disabled_user_does_not_open(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        set_disabled(connection, user_id, NOW)
        assert keep_open(connection, token.preview, now=NOW) is None


def test_secret_whose_credential_is_gone_does_not_open_though_another_of_its_token_does(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        other = "pat_another00000"
        insert_credential(connection, Keyed(other, bytes(32), 1), token_id=token.id, expiry=NEVER)
        connection.execute(delete(credentials).where(credentials.c.preview == token.preview))
        assert [keep_open(connection, preview, now=NOW) for preview in (token.preview, other)] == [
            None,
            UserKind.USER,
        ]
