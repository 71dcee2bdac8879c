"""Users: what the audit says of them, and what happens when two want the same."""

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
from tokenry.service.accounts import Accounts
from tokenry.service.installation import begin_installation
from tokenry.service.tokens import Tokens
from tokenry.service.users import Users
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
def users(database: Database, tokens: Tokens, clock: Clock) -> Users:
    return Users(database, lambda: now(clock))


def now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock(), UTC)


def last_event(database: Database) -> audit.Event:
    with database.read() as connection:
        return audit.list_events(connection, limit=1)[0]


def test_new_user_is_recorded_with_who_what_when_and_where(database: Database, users: Users, clock: Clock) -> None:
    actor = Actor(1, EVERYTHING, 0, 1, "admin", 1, "E", "pat_0123456789ab")
    user = users.create_user(Origin("admin", actor, "2001:db8::1"), username="zoe", admin=True)
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


def test_disabled_user_is_recorded_by_name_and_id(database: Database, users: Users) -> None:
    user = users.create_user(OPERATOR, username="zoe")
    users.disable_user(OPERATOR, "zoe")
    event = last_event(database)
    assert (event.action, event.subject, event.details) == ("user.disable", f"user:{user.id}", {"username": "zoe"})


def test_refused_user_leaves_no_event(database: Database, users: Users) -> None:
    before = last_event(database)
    with pytest.raises(Invalid):
        users.create_user(OPERATOR, username="admin")
    assert last_event(database) == before


def test_usernames_that_differ_in_case_are_two(users: Users) -> None:
    users.create_user(OPERATOR, username="Admin")
    assert [user.username for user, _ in users.list_all_users()] == ["Admin", "admin"]


def test_of_two_that_take_a_name_at_once_one_gets_it(database: Database, users: Users) -> None:
    other = Database(database.url)  # as another process has it
    together = Barrier(2)

    def take(source: Database) -> str:
        together.wait(timeout=10)
        try:
            return Users(source, lambda: datetime.now(UTC)).create_user(OPERATOR, username="zoe").username
        except Invalid as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(take, (database, other)))
    other.close()
    assert told == ["Username is already taken", "zoe"]


def test_expired_token_is_not_counted_among_a_users_open_ones(tokens: Tokens, users: Users, clock: Clock) -> None:
    tokens.create_token_for(OPERATOR, "admin", NewToken(expiry=now(clock) + timedelta(minutes=1)))
    before = users.list_all_users()[0][1]
    clock.seconds += 60
    assert (before, users.list_all_users()[0][1]) == (2, 1)
