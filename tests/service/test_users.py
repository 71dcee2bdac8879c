"""Users: what the audit says of them, and what happens when two want the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex
from threading import Barrier

import pytest

from tests.conftest import Clock
from tests.making import OPERATOR
from tests.service.parts import at_once, open_tokens_of
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.audit import Entry
from tokenry.domain.details import NewDetails
from tokenry.domain.errors import Forbidden, Invalid, NotFound, Unauthorized, Unavailable, UsernameReserved
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import PageRequest
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.domain.users import GrantsChange, NewUser, UserChange
from tokenry.service.account_users import AccountUsers
from tokenry.service.accounts import Accounts
from tokenry.service.details import TokenDetails
from tokenry.service.installation import begin_installation
from tokenry.service.rotation import Rotations
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import audit, usernames
from tokenry.storage.accounts import create_account
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.users import create_user

PEPPERS = Peppers((bytes(32),))


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    """The token use cases of an installation that began."""
    transactions = Transactions(database, lambda: now(clock))
    tokens = Tokens(transactions, PEPPERS, default_catalogue())
    begin_installation(transactions, Accounts(transactions), tokens, lambda secret: None)
    return tokens


@pytest.fixture
def users(database: Database, tokens: Tokens, clock: Clock) -> Users:
    return Users(Transactions(database, lambda: now(clock)))


def now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock(), UTC)


def last_event(database: Database) -> Entry:
    with database.read() as connection:
        return audit.list_events(connection, limit=1)[0]


def test_new_user_is_recorded_with_who_what_when_and_where(database: Database, users: Users, clock: Clock) -> None:
    actor = Actor(1, EVERYTHING, 0, 1, "admin", 1, "E", "pat_0123456789ab")
    user = users.create_user(Origin("admin", actor, "2001:db8::1"), username="zoe", admin=True)
    assert last_event(database) == Entry(
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


def test_of_two_that_take_a_name_at_once_one_gets_it(database: Database, users: Users) -> None:
    other = Database(database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    together = Barrier(2)

    def take(source: Database) -> str:
        together.wait(timeout=10)
        try:
            return Users(at_work(source)).create_user(OPERATOR, username="zoe").username
        except Invalid as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(take, (database, other)))
    other.close()
    assert told == ["Username is already taken", "zoe"]


def test_expired_token_is_not_counted_among_a_users_open_ones(tokens: Tokens, users: Users, clock: Clock) -> None:
    tokens.create_token_for(OPERATOR, "admin", NewToken(expiry=now(clock) + timedelta(minutes=1)))
    ((_, before),) = users.list_users()
    clock.seconds += 60
    ((_, after),) = users.list_users()
    assert (before, after) == (2, 1)


def test_all_users_are_read_in_pieces(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.service.users.BATCH", 2)
    for username in ("zoe", "bob", "carl"):
        users.create_user(OPERATOR, username=username)
    assert [user.username for user, _ in users.list_users()] == ["admin", "bob", "carl", "zoe"]
    assert [user.username for user, _ in users.list_users("bob")] == ["carl", "zoe"]


# --- an account's administrators --------------------------------------------------------------------------------------


def actor_for(tokens: Tokens, username: str, user_id: int) -> Actor:
    """Somebody who acts with a new token of scope `*`."""
    token, secret = tokens.create_token_for(OPERATOR, username, NewToken())
    return Actor(token.id, EVERYTHING, 0, user_id, username, 1, "E", secret.preview)


def test_every_change_of_a_user_is_recorded(database: Database, tokens: Tokens, users: Users, clock: Clock) -> None:
    actor = actor_for(tokens, "admin", 1)
    origin = Origin.of(actor)
    team = AccountUsers(Transactions(database, lambda: now(clock)))
    ada = team.create_user(origin, NewUser("ada", "a@b"))
    team.update_user(origin, "ada", UserChange(username="countess", restricted=True))
    team.update_user(origin, "countess", UserChange(email="a@b"))
    team.update_grants(origin, "countess", GrantsChange(child_account_access=True))
    team.delete_user(origin, "countess")
    with database.read() as connection:
        events = audit.list_events(connection, limit=20, subject=f"user:{ada.id}")
    assert [(event.action, event.details) for event in reversed(events)] == [
        ("user.create", {"username": "ada", "admin": False}),
        ("user.update", {"username": {"from": "ada", "to": "countess"}}),
        ("user.update", {"child_account_access": {"from": False, "to": True}}),
        ("user.delete", {"username": "countess"}),
    ]
    assert {(event.actor, event.actor_token_id) for event in events} == {("admin", actor.token_id)}


@pytest.mark.parametrize("closing", ["revoked", "disabled"])
def test_token_closed_since_it_was_verified_manages_nobody(
    database: Database, tokens: Tokens, users: Users, clock: Clock, closing: str
) -> None:
    actor = actor_for(tokens, "admin", 1)
    users.create_user(OPERATOR, username="boss", admin=True)
    if closing == "disabled":
        users.disable_user(OPERATOR, "admin")
    else:
        tokens.revoke_any_token(OPERATOR, actor.token_id)
    team = AccountUsers(Transactions(database, lambda: now(clock)))
    for act in (
        lambda: team.create_user(Origin.of(actor), NewUser("ada", "a@b")),
        lambda: team.update_user(Origin.of(actor), "boss", UserChange(restricted=True)),
        lambda: team.update_grants(Origin.of(actor), "boss", GrantsChange(child_account_access=True)),
        lambda: team.delete_user(Origin.of(actor), "boss"),
    ):
        with pytest.raises(Unauthorized):
            act()


def test_users_of_other_accounts_are_not_there(database: Database, tokens: Tokens, clock: Clock) -> None:
    with database.write() as connection:
        other = create_account(connection, euuid="F", company="other", created=now(clock))
        create_user(connection, account_id=other.id, username="eve", email="", admin=False, created=now(clock))
    team, actor = AccountUsers(Transactions(database, lambda: now(clock))), actor_for(tokens, "admin", 1)
    assert [user.username for user in team.list_users(actor, PageRequest()).rows] == ["admin"]
    for act in (
        lambda: team.get_user(actor, "eve"),
        lambda: team.update_user(Origin.of(actor), "eve", UserChange(restricted=False)),
        lambda: team.update_grants(Origin.of(actor), "eve", GrantsChange(child_account_access=True)),
        lambda: team.delete_user(Origin.of(actor), "eve"),
    ):
        with pytest.raises(NotFound):
            act()


def test_operator_does_not_disable_the_last_administrator(database: Database, users: Users) -> None:
    before = last_event(database)
    with pytest.raises(Invalid, match="last administrator"):
        users.disable_user(OPERATOR, "admin")
    assert last_event(database) == before


def test_operator_deletes_a_user_and_all_its_tokens(database: Database, tokens: Tokens, users: Users) -> None:
    ada = users.create_user(OPERATOR, username="ada")
    tokens.create_token_for(OPERATOR, "ada", NewToken())
    users.delete_user(OPERATOR, "ada")
    assert (last_event(database).action, last_event(database).subject) == ("user.delete", f"user:{ada.id}")
    assert open_tokens_of(database, ada.id) == 0
    with pytest.raises(NotFound):
        users.delete_user(OPERATOR, "ada")


def test_operator_does_not_delete_the_last_administrator(database: Database, users: Users) -> None:
    before = last_event(database)
    with pytest.raises(Invalid, match="last administrator"):
        users.delete_user(OPERATOR, "admin")
    assert last_event(database) == before


def test_no_user_is_made_under_a_name_that_is_reserved(database: Database, users: Users, clock: Clock) -> None:
    users.create_user(OPERATOR, username="ada")
    users.delete_user(OPERATOR, "ada")
    year, transactions = timedelta(days=365), Transactions(database, lambda: now(clock))
    with pytest.raises(UsernameReserved):
        Users(transactions, year).create_user(OPERATOR, username="Ada")
    with pytest.raises(UsernameReserved):
        Accounts(transactions, year).create_account(OPERATOR, company="Theirs", admin="ada")
    assert [account.company for account in Accounts(transactions).list_accounts()] == ["tokenry"]
    assert users.create_user(OPERATOR, username="Ada").username == "Ada"


def test_name_that_differs_by_case_only_leads_nobody_to_the_reserved_one(
    database: Database, users: Users, clock: Clock
) -> None:
    """As before names were one in any case: `deleted` was somebody's, and another one is called `Deleted`."""
    first = users.create_user(OPERATOR, username="deleted")
    users.delete_user(OPERATOR, "deleted")
    users.create_user(OPERATOR, username="Deleted")
    with database.write() as connection:
        usernames.reserve_username(connection, first, now(clock))
    careful = Users(Transactions(database, lambda: now(clock)), timedelta(days=365))
    with pytest.raises(UsernameReserved):
        careful.update_user(OPERATOR, "Deleted", UserChange(username="deleted"))
    careful.update_user(OPERATOR, "Deleted", UserChange(username="Undel"))
    with pytest.raises(UsernameReserved):
        careful.update_user(OPERATOR, "Undel", UserChange(username="deleted"))


REMOVALS: dict[str, Callable[[AccountUsers, Actor, str], object]] = {
    "demote": lambda team, actor, other: team.update_user(Origin.of(actor), other, UserChange(restricted=True)),
    "delete": lambda team, actor, other: team.delete_user(Origin.of(actor), other),
}


@pytest.mark.parametrize("removal", REMOVALS)
def test_of_two_administrators_who_remove_each_other_one_stays(
    database: Database, tokens: Tokens, users: Users, clock: Clock, removal: str
) -> None:
    boss = users.create_user(OPERATOR, username="boss", admin=True)
    actors = {"boss": actor_for(tokens, "admin", 1), "admin": actor_for(tokens, "boss", boss.id)}

    def remove(other: str, source: Database) -> object:
        return REMOVALS[removal](AccountUsers(Transactions(source, lambda: now(clock))), actors[other], other)

    told = at_once(database, *(partial(remove, other) for other in actors))
    assert sum(answer in (Forbidden, Unauthorized) for answer in told) == 1
    assert sum(user.admin for user, _ in users.list_users()) == 1


DOINGS: dict[str, Callable[[Database, Actor], object]] = {
    "makes": lambda source, actor: tokens_on(source).create_token(Origin.of(actor), NewToken()),
    "renames": lambda source, actor: tokens_on(source).rename_token(Origin.of(actor), actor.token_id, "x"),
    "revokes": lambda source, actor: tokens_on(source).revoke_token(Origin.of(actor), actor.token_id),
    "rotates": lambda source, actor: Rotations(at_work(source), PEPPERS).rotate_token(
        Origin.of(actor), actor.token_id, NewRotation()
    ),
    "describes": lambda source, actor: TokenDetails(at_work(source)).update_details(
        Origin.of(actor), actor.token_id, NewDetails(description=token_hex())
    ),
    "repeats": lambda source, actor: tokens_on(source).create_token(
        Origin.of(actor), NewToken(), KeyedRequest("key", bytes(32))
    ),
}


def at_work(source: Database) -> Transactions:
    return Transactions(source, lambda: datetime.now(UTC))


def tokens_on(source: Database) -> Tokens:
    return Tokens(at_work(source), PEPPERS, default_catalogue())


@pytest.mark.parametrize("doing", DOINGS)
def test_user_that_is_deleted_while_it_does_something_leaves_no_token(
    database: Database, tokens: Tokens, users: Users, clock: Clock, doing: str
) -> None:
    """Neither waits for the other in vain, which would be Unavailable."""
    acting = actor_for(tokens, "admin", 1)
    for _ in range(5):
        ada = users.create_user(OPERATOR, username="ada")
        hers = actor_for(tokens, "ada", ada.id)

        def act(source: Database, actor: Actor = hers) -> object:
            return [DOINGS[doing](source, actor) for _ in range(3)]

        def end(source: Database) -> object:
            AccountUsers(Transactions(source, lambda: now(clock))).delete_user(Origin.of(acting), "ada")
            return "deleted"

        told = at_once(database, act, end)
        assert told[1] == "deleted"
        assert told[0] is not Unavailable
        assert open_tokens_of(database, ada.id) == 0
