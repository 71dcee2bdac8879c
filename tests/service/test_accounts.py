"""Users: what the audit says of them, and what happens when two want the same."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from tests.conftest import Clock
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Invalid
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.service.accounts import Accounts, new_euuid
from tokenry.service.installation import begin_installation
from tokenry.service.tokens import Tokens
from tokenry.storage import audit
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database

OPERATOR = Origin("operator")


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    """The token use cases of an installation that began."""
    tokens = Tokens(database, Peppers((bytes(32),)), default_catalogue(), lambda: now(clock))
    begin_installation(database, Accounts(database, lambda: now(clock)), tokens, lambda secret: None)
    return tokens


@pytest.fixture
def accounts(database: Database, tokens: Tokens, clock: Clock) -> Accounts:
    return Accounts(database, lambda: now(clock))


def now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock(), UTC)


def last_event(database: Database) -> audit.Event:
    with database.read() as connection:
        return audit.list_events(connection, limit=1)[0]


def test_identity_of_an_account_is_in_the_form_of_the_wire_format() -> None:
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16}", new_euuid())


def test_no_two_accounts_have_the_same_identity() -> None:
    assert len({new_euuid() for _ in range(1000)}) == 1000


def test_new_user_is_recorded_with_who_what_when_and_where(
    database: Database, accounts: Accounts, clock: Clock
) -> None:
    actor = Actor(1, EVERYTHING, 0, 1, "admin", 1, "E", "pat_0123456789ab")
    user = accounts.create_user(Origin("admin", actor, "2001:db8::1"), username="zoe", admin=True)
    assert last_event(database) == audit.Event(
        id=4,
        at=now(clock),
        actor="admin",
        actor_user_id=1,
        actor_token_id=1,
        address="2001:db8::1",
        action="user.create",
        subject=f"user:{user.id}",
        details={"username": "zoe", "admin": True},
    )


def test_disabled_user_is_recorded_by_name_and_id(database: Database, accounts: Accounts) -> None:
    user = accounts.create_user(OPERATOR, username="zoe")
    accounts.disable_user(OPERATOR, "zoe")
    event = last_event(database)
    assert (event.action, event.subject, event.details) == ("user.disable", f"user:{user.id}", {"username": "zoe"})


def test_refused_user_leaves_no_event(database: Database, accounts: Accounts) -> None:
    before = last_event(database)
    with pytest.raises(Invalid):
        accounts.create_user(OPERATOR, username="admin")
    assert last_event(database) == before


def test_usernames_that_differ_in_case_are_two(accounts: Accounts) -> None:
    accounts.create_user(OPERATOR, username="Admin")
    assert [user.username for user, _ in accounts.list_users()] == ["Admin", "admin"]


def test_of_two_that_take_a_name_at_once_one_gets_it(database: Database, accounts: Accounts) -> None:
    other = Database(database.url)  # as another process has it
    together = Barrier(2)

    def take(source: Database) -> str:
        together.wait(timeout=10)
        try:
            return Accounts(source, lambda: datetime.now(UTC)).create_user(OPERATOR, username="zoe").username
        except Invalid as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(take, (database, other)))
    other.close()
    assert told == ["Username is already taken", "zoe"]


def test_expired_token_is_not_counted_among_a_users_open_ones(tokens: Tokens, accounts: Accounts, clock: Clock) -> None:
    tokens.create_token_for(OPERATOR, "admin", NewToken(expiry=now(clock) + timedelta(minutes=1)))
    before = accounts.list_users()[0][1]
    clock.seconds += 60
    assert (before, accounts.list_users()[0][1]) == (2, 1)
