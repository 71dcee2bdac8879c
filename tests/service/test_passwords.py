"""Passwords: each step makes sure that what it was told is still so; on both engines."""

import pytest
from sqlalchemy import select, update

from tests.making import NOW, OPERATOR, new_user
from tests.service.parts import PEPPERS, Bench, at_once, sessions_of
from tokenry.domain.errors import Unauthorized
from tokenry.domain.paging import PageRequest
from tokenry.domain.secrets import Secret
from tokenry.domain.sessions import Session
from tokenry.domain.users import UserChange
from tokenry.service.links import Links
from tokenry.service.passwords import NOBODY, PasswordProved, Passwords, SigningIn
from tokenry.service.transactions import Transactions
from tokenry.storage import schema
from tokenry.storage.authenticators import set_authenticator
from tokenry.storage.database import Database
from tokenry.storage.passwords import set_password

HASH = "hash"


def passwords_of(database: Database) -> Passwords:
    return Passwords(Transactions(database, lambda: NOW), sessions_of(database))


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """An installation whose administrator has a password."""
    with bench.database.write() as connection:
        set_password(connection, 1, HASH, NOW)
    return bench


def set_up_factor(bench: Bench) -> None:
    with bench.database.write() as connection:
        set_authenticator(connection, 1, b"sealed", step=0, now=NOW)


def who(bench: Bench, text: str = "admin") -> SigningIn:
    return passwords_of(bench.database).find_signing_in(text, "192.0.2.1")


def sign_in(bench: Bench) -> Secret | PasswordProved:
    return passwords_of(bench.database).sign_in(who(bench), address="192.0.2.1", agent=None)


def signed_in(bench: Bench) -> Session:
    secret = sign_in(bench)
    assert isinstance(secret, Secret)
    session = sessions_of(bench.database).find_session(secret.reveal())
    assert session is not None
    return session


def attempts(bench: Bench) -> list[tuple[str, bool]]:
    with bench.database.read() as connection:
        statement = select(schema.logins.c.method, schema.logins.c.succeeded).order_by(schema.logins.c.id)
        return [(row.method, bool(row.succeeded)) for row in connection.execute(statement)]


def test_somebody_is_meant_by_a_name_in_any_case_or_by_an_address_of_their_own(bench: Bench) -> None:
    bench.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.org"))
    for text in ("admin", "ADMIN", "ada@example.org", "Ada@Example.ORG"):
        found = who(bench, text)
        assert (found.user and found.user.id, found.hash) == (1, HASH), text
    for text in ("nobody", "", "\0", "x" * 300):
        assert who(bench, text) == NOBODY
    bench.users.create_user(OPERATOR, username="eve", email="ada@example.org")
    assert who(bench, "ada@example.org") == NOBODY


def name_for_a_product(bench: Bench, username: str) -> None:
    with bench.database.write() as connection:
        connection.execute(update(schema.users).where(schema.users.c.username == username).values(external_id="1"))


def test_address_is_not_taken_by_a_name_that_is_the_same(bench: Bench) -> None:
    bench.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.org"))
    eve = bench.users.create_user(OPERATOR, username="ada@example.org")
    assert who(bench, "ada@example.org").hash == HASH
    with bench.database.write() as connection:
        set_password(connection, eve.id, "other", NOW)
    assert who(bench, "ada@example.org").hash == "other", "a name is nobody else's"


def test_address_is_not_taken_by_a_user_of_a_product(bench: Bench) -> None:
    bench.users.update_user(OPERATOR, "admin", UserChange(email="ada@example.org"))
    eve = bench.users.create_user(OPERATOR, username="eve", email="ada@example.org")
    name_for_a_product(bench, "eve")
    assert (who(bench, "ada@example.org").hash, who(bench, "eve")) == (HASH, NOBODY)
    with bench.database.write() as connection:
        set_password(connection, eve.id, "other", NOW)
    assert (who(bench, "ada@example.org"), who(bench, "eve").hash) == (NOBODY, "other")


def test_who_may_not_sign_in_has_no_hash_to_compare_with(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="other", admin=True)
    assert who(bench, "other").hash is None
    bench.users.disable_user(OPERATOR, "admin")
    assert who(bench).hash is None
    bench.users.enable_user(OPERATOR, "admin")
    with bench.database.write() as connection:
        connection.execute(update(schema.users).where(schema.users.c.id == 1).values(proxy=True))
    assert who(bench).hash is None


def test_address_is_known_after_a_sign_in_from_there(bench: Bench) -> None:
    assert not who(bench).known_address
    passwords_of(bench.database).note_failure(1, address="192.0.2.1")
    assert not who(bench).known_address
    sign_in(bench)
    assert who(bench).known_address
    assert attempts(bench) == [("password", False), ("password", True)]


def test_who_has_a_second_factor_has_no_session_by_the_password(bench: Bench) -> None:
    set_up_factor(bench)
    proved = sign_in(bench)
    assert isinstance(proved, PasswordProved)
    assert (proved.user.id, proved.hash, proved.session_id) == (1, HASH, None)
    assert attempts(bench) == []


def test_password_that_is_another_since_it_was_compared_signs_nobody_in(bench: Bench) -> None:
    before = who(bench)
    with bench.database.write() as connection:
        set_password(connection, 1, "other hash", NOW)
    with pytest.raises(Unauthorized):
        passwords_of(bench.database).sign_in(before, address=None, agent=None)


def test_user_who_was_disabled_since_the_comparison_is_not_signed_in(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="other", admin=True)
    before = who(bench)
    bench.users.disable_user(OPERATOR, "admin")
    with pytest.raises(Unauthorized):
        passwords_of(bench.database).sign_in(before, address=None, agent=None)


def test_hash_is_renewed_at_a_sign_in(bench: Bench) -> None:
    passwords_of(bench.database).sign_in(who(bench), address=None, agent=None, rehashed="more work")
    assert who(bench).hash == "more work"


def test_password_proves_anew_who_is_signed_in(bench: Bench) -> None:
    session = signed_in(bench)
    secret = passwords_of(bench.database).prove(OPERATOR, session, HASH)
    assert isinstance(secret, Secret)
    renewed = sessions_of(bench.database).find_session(secret.reveal())
    assert renewed is not None
    assert renewed.id == session.id


def test_password_is_half_a_proof_for_who_has_a_second_factor_by_now(bench: Bench) -> None:
    session = signed_in(bench)
    set_up_factor(bench)
    proved = passwords_of(bench.database).prove(OPERATOR, session, HASH)
    assert isinstance(proved, PasswordProved)
    assert (proved.user.id, proved.hash, proved.session_id) == (1, HASH, session.id)


def test_password_that_is_another_by_now_and_a_session_that_has_ended_prove_nothing(bench: Bench) -> None:
    session = signed_in(bench)
    with pytest.raises(Unauthorized):
        passwords_of(bench.database).prove(OPERATOR, session, "other hash")
    sessions_of(bench.database).end_session(OPERATOR, session)
    with pytest.raises(Unauthorized):
        passwords_of(bench.database).prove(OPERATOR, session, HASH)


def test_another_password_ends_other_sessions_and_links(bench: Bench) -> None:
    session, other = signed_in(bench), signed_in(bench)
    links = Links(bench.transactions, PEPPERS, sessions_of(bench.database))
    link = links.make_link(OPERATOR, "admin").reveal()
    passwords_of(bench.database).change_password(OPERATOR, session, "new")
    assert [each.id for each in sessions_of(bench.database).list_sessions(session.actor, PageRequest()).rows] == [
        session.id
    ]
    assert links.find_user(link) is None
    assert who(bench).hash == "new"
    recorded = [event for event in bench.events("user:1") if event[0] != "session.begin"]
    assert recorded[-2:] == [("password.set", {"by": "change"}), ("session.end", {"session_id": other.id})]


def test_of_two_browsers_that_change_the_password_at_once_one_is_left(bench: Bench) -> None:
    first, second = signed_in(bench), signed_in(bench)
    told = at_once(
        bench.database,
        lambda database: passwords_of(database).change_password(OPERATOR, first, "of the first"),
        lambda database: passwords_of(database).change_password(OPERATOR, second, "of the second"),
    )
    assert sorted(isinstance(each, Secret) for each in told) == [False, True]
    assert Unauthorized in told
    [left] = sessions_of(bench.database).list_sessions(first.actor, PageRequest()).rows
    assert who(bench).hash == ("of the first" if left.id == first.id else "of the second")


def test_failure_of_nobody_leaves_nothing_that_lasts(bench: Bench) -> None:
    new_user(bench.database)
    passwords_of(bench.database).note_failure_of_nobody()
    assert attempts(bench) == []
    with bench.database.read() as connection:
        [expires] = connection.execute(select(schema.seen_assertions.c.expires_at)).scalars()
    assert expires <= NOW.timestamp()
