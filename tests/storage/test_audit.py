"""The audit trail: what an event holds, and that it lives and dies with its transaction."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, insert

from tests.making import NOW, add_token
from tests.oauth_making import client_row
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.audit import Entry
from tokenry.domain.events import (
    AccountDetached,
    ClientDeleted,
    Event,
    PolicySet,
    TokenRevoked,
    UserCreated,
    UserDisabled,
    UserEnabled,
)
from tokenry.domain.filters import All, Comparison, Filter, Operator
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.users import User
from tokenry.storage.accounts import create_account
from tokenry.storage.audit import list_events, list_events_of_account, list_events_of_user, record
from tokenry.storage.database import Database
from tokenry.storage.schema import oauth_clients
from tokenry.storage.users import create_user

ACTOR = Actor(7, EVERYTHING, expires_at=0, user_id=3, username="ada", account_id=1, account_euuid="E", preview="")
DISABLED = UserDisabled(3, "ada")


def recorded(database: Database, origin: Origin, event: Event = DISABLED) -> Entry:
    """Record one event in one transaction and read it in another."""
    with database.write() as connection:
        record(connection, origin=origin, at=NOW, events=[event])
    with database.read() as connection:
        return list_events(connection, limit=1)[0]


def test_event_of_a_token_names_user_token_and_address(database: Database) -> None:
    event = recorded(database, Origin("ada", ACTOR, "203.0.113.9"))
    assert (event.actor, event.actor_user_id, event.actor_token_id, event.address) == ("ada", 3, 7, "203.0.113.9")


def test_event_of_the_operator_has_only_a_name(database: Database) -> None:
    event = recorded(database, Origin("operator:root"))
    assert (event.actor, event.actor_user_id, event.actor_token_id, event.address) == (
        "operator:root",
        None,
        None,
        None,
    )


def test_event_is_dated_to_the_second(database: Database) -> None:
    with database.write() as connection:
        moment = NOW.replace(microsecond=999_999)
        record(connection, origin=Origin("ada"), at=moment, events=[TokenRevoked(1)])
        assert list_events(connection, limit=1)[0].at == NOW


def test_details_may_be_any_text(database: Database) -> None:
    text = 'Straße 🚀 "quoted" \\ \n\x7f'
    entry = recorded(database, Origin("ada"), UserCreated(3, text, admin=True))
    assert entry.details == {"username": text, "admin": True}


def test_event_without_details_has_none(database: Database) -> None:
    assert recorded(database, Origin("ada"), TokenRevoked(1)).details == {}


def test_subject_that_begins_alike_is_another(database: Database) -> None:
    with database.write() as connection:
        events = (TokenRevoked(1), TokenRevoked(12), UserDisabled(1, "ada"))
        record(connection, origin=Origin("ada"), at=NOW, events=events)
        assert [event.subject for event in list_events(connection, limit=9, subject="token:1")] == ["token:1"]


def test_events_of_many_at_once_are_all_kept(database: Database) -> None:
    def change(number: int) -> None:
        with database.write() as connection:
            record(connection, origin=Origin("ada"), at=NOW, events=[TokenRevoked(number)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(40)))
    with database.read() as connection:
        events = list_events(connection, limit=100)
    assert {event.subject for event in events} == {f"token:{number}" for number in range(40)}


def add_family(connection: Connection) -> tuple[User, User]:
    """Two users of two accounts."""
    users = []
    for name in ("ada", "bob"):
        account = create_account(connection, euuid=name, company=name, created=NOW)
        users.append(create_user(connection, account_id=account.id, username=name, email="", admin=False, created=NOW))
    return users[0], users[1]


def subjects(page: Page[Entry]) -> list[str]:
    return [entry.subject for entry in page.rows]


def test_event_is_of_the_account_of_its_subject_whoever_acts(database: Database) -> None:
    with database.write() as connection:
        ada, bob = add_family(connection)
        token = add_token(connection, ada.id)
        client = (
            insert(oauth_clients).values(client_row("app", account_id=ada.account_id)).returning(oauth_clients.c.id)
        )
        client_id = connection.execute(client).scalar_one()
        events: list[Event] = [
            TokenRevoked(token.id),
            UserDisabled(bob.id, "bob"),
            UserDisabled(ada.id, "ada"),
            AccountDetached(ada.account_id, None),
            ClientDeleted(client_id, "app"),
            PolicySet(Policy(), Policy()),
        ]
        record(connection, origin=Origin("operator"), at=NOW, events=events)
        of_ada, of_bob = (
            list_events_of_account(connection, user.account_id, request=PageRequest()) for user in (ada, bob)
        )
    of_account = [f"client:{client_id}", f"account:{ada.account_id}", f"user:{ada.id}", f"token:{token.id}"]
    assert (subjects(of_ada), of_ada.results) == (of_account, 4)
    assert subjects(of_bob) == [f"user:{bob.id}"]


def test_events_of_a_user_are_its_own_and_its_tokens(database: Database) -> None:
    with database.write() as connection:
        ada, _ = add_family(connection)
        token = add_token(connection, ada.id)
        events = (TokenRevoked(token.id), UserDisabled(ada.id, "ada"), AccountDetached(ada.account_id, None))
        record(connection, origin=Origin("operator"), at=NOW, events=events)
        found = list_events_of_user(connection, ada.id, request=PageRequest())
    assert subjects(found) == [f"user:{ada.id}", f"token:{token.id}"]


def test_events_are_filtered_and_ordered(database: Database) -> None:
    with database.write() as connection:
        ada, _ = add_family(connection)
        token = add_token(connection, ada.id)
        events = (TokenRevoked(token.id), UserDisabled(ada.id, "ada"), UserEnabled(ada.id, "ada"))
        record(connection, origin=Origin("operator"), at=NOW, events=events)

        def find(filter: Filter) -> list[str]:
            page = list_events_of_account(connection, ada.account_id, request=PageRequest(), filter=filter)
            return [entry.action for entry in page.rows]

        subject = Comparison("subject", Operator.EQUAL, f"user:{ada.id}")
        assert find(Filter(subject)) == ["user.enable", "user.disable"]
        assert find(Filter(All((subject, Comparison("action", Operator.EQUAL, "user.enable"))))) == ["user.enable"]
        assert find(Filter(Comparison("at", Operator.GREATER, NOW))) == []
        assert find(Filter(order_by="id", limit=2)) == ["token.revoke", "user.disable"]
