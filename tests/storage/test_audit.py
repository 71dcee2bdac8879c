"""The audit trail: what an event holds, and that it lives and dies with its transaction."""

from concurrent.futures import ThreadPoolExecutor

from tests.making import NOW
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.events import Event, TokenRevoked, UserCreated, UserDisabled
from tokenry.domain.scopes import EVERYTHING
from tokenry.storage.audit import Entry, list_events, record
from tokenry.storage.database import Database

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
