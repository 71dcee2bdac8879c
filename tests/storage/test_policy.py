"""Statements on the policy and on the tokens it concerns."""

from datetime import timedelta

import pytest
from sqlalchemy import URL, select, update

from tests.making import NOW, add_token, new_user
from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.policy_changes import OutlivingUser
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NEVER
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.policy import (
    LongLived,
    claim_policy,
    count_live_tokens,
    find_changers,
    find_kind,
    get_policy,
    lock_long_lived,
    shorten_tokens,
    store_policy,
)
from tokenry.storage.policy_effects import list_outliving_users
from tokenry.storage.schema import credentials, tokens, users
from tokenry.storage.tokens import revoke_token
from tokenry.storage.users import get_user

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def test_new_database_limits_nothing(database: Database) -> None:
    with database.read() as connection:
        assert get_policy(connection) == Policy()


@pytest.mark.parametrize(
    "policy",
    [
        Policy(90 * DAY, expiry_required=True, tokens_per_user_max=5),
        Policy(second_factor=Concerned.ADMINISTRATORS),
        Policy(
            scopes={
                UserKind.USER: Scopes.parse("linodes:read_only"),
                UserKind.PROXY: Scopes.parse("domains:read_write"),
            }
        ),
    ],
)
def test_stored_policy_is_read_again(database: Database, policy: Policy) -> None:
    with database.write() as connection:
        store_policy(connection, Policy(DAY, expiry_required=True))
        store_policy(connection, policy)
    with database.write() as connection:
        assert [read(connection) for read in (get_policy, claim_policy)] == [policy] * 2


@pytest.mark.parametrize(
    ("admin", "proxy", "kind"),
    [
        (False, False, UserKind.USER),
        (True, False, UserKind.ADMIN),
        (False, True, UserKind.PROXY),
        (True, True, UserKind.PROXY),
    ],
)
def test_kind_of_a_user(database: Database, *, admin: bool, proxy: bool, kind: UserKind) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        connection.execute(update(users).values(admin=admin, proxy=proxy))
        assert find_kind(connection, user_id) is kind


def test_only_live_tokens_of_the_user_count(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        add_token(connection, user_id)
        add_token(connection, user_id, expiry=NOW)
        add_token(connection, other_id)
        revoke_token(connection, add_token(connection, user_id).id, now=NOW, revoked_by="ada")
        assert count_live_tokens(connection, user_id, NOW) == 1
        add_token(connection, user_id)
        assert [count_live_tokens(connection, user_id, NOW, limit=limit) for limit in (1, 2, 3)] == [1, 2, 2]


def test_shortenings_count_what_ends_at_once_and_what_sooner(database: Database) -> None:
    user_id, other_id, third_id = (new_user(database, name) for name in ("ada", "bob", "carl"))
    later = NOW + DAY
    with database.write() as connection:
        for expiry in (NEVER, later + SECOND):
            add_token(connection, user_id, expiry=expiry)
        add_token(connection, other_id)
        add_token(connection, third_id, expiry=later)
        found = [list_outliving_users(connection, DAY, now) for now in (later - SECOND, later)]
    assert found == [
        [OutlivingUser("ada", at_once=0, sooner=2), OutlivingUser("bob", at_once=0, sooner=1)],
        [OutlivingUser("ada", at_once=2, sooner=0), OutlivingUser("bob", at_once=1, sooner=0)],
    ]


def test_revoked_expired_and_delegated_tokens_are_not_shortened(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        revoke_token(connection, add_token(connection, user_id).id, now=NOW, revoked_by="ada")
        add_token(connection, user_id, expiry=NOW + 2 * DAY)
        delegated = add_token(connection, user_id)
        connection.execute(update(tokens).where(tokens.c.id == delegated.id).values(delegated_by=user_id))
        assert list_outliving_users(connection, DAY, NOW + 2 * DAY) == []
        assert lock_long_lived(connection, DAY, NOW + 2 * DAY, after=0, limit=10) == []


def test_long_lived_tokens_are_taken_by_id_from_the_last_one_on(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        account_id = get_user(connection, user_id).account_id
        ids = [add_token(connection, user_id, expiry=NEVER).id for _ in range(3)]
        add_token(connection, user_id, expiry=NOW + DAY)
        pieces = [lock_long_lived(connection, DAY, NOW, after=after, limit=2) for after in (0, ids[1], ids[2])]
    assert pieces == [[LongLived(id, account_id, NEVER, NOW + DAY) for id in some] for some in (ids[:2], ids[2:], [])]


def test_shortened_tokens_open_no_longer_than_they_live(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        first, second = (add_token(connection, user_id) for _ in range(2))
        limited = NOW + SECOND  # the grace of a secret that was rotated
        connection.execute(
            update(credentials).where(credentials.c.token_id == second.id).values(expires_at=to_seconds(limited))
        )
        other = add_token(connection, user_id)
        shorten_tokens(connection, [first.id, second.id], DAY)
        ends = [
            {row[0]: row[1] for row in connection.execute(select(id, table.c.expires_at))}
            for table, id in ((tokens, tokens.c.id), (credentials, credentials.c.token_id))
        ]
    end, never = to_seconds(NOW + DAY), to_seconds(NEVER)
    assert ends == [
        {first.id: end, second.id: end, other.id: never},
        {first.id: end, second.id: to_seconds(limited), other.id: never},
    ]


def test_transaction_that_changes_tokens_is_found_until_it_ends(migrated_postgres_database: URL) -> None:
    """And one that reads them is not."""
    database = Database(migrated_postgres_database.set(drivername="postgresql+psycopg"), timeout=TIMEOUT_SECONDS)
    user_id = new_user(database)

    def found() -> int:
        with database.read() as connection:
            return len(find_changers(connection))

    with database.read() as reader:
        reader.execute(select(tokens)).all()
        with database.write() as connection:
            before = found()
            add_token(connection, user_id)
            assert (before, found()) == (0, 1)
        assert found() == 0
    database.close()
