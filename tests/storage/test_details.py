"""Statements on what is known of a token beyond the wire format."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from sqlalchemy import Connection, insert, select

from tests.making import NOW, add_token, new_user
from tokenry.domain.details import Details, Revocation, Selection, Several, State, Use
from tokenry.domain.filters import EVERY_ROW, Comparison, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.details import find_details, list_details, store_details
from tokenry.storage.schema import credentials, disabled_tokens, token_starts, token_uses
from tokenry.storage.tokens import insert_credential, revoke_token

SECOND = timedelta(seconds=1)
NETWORKS = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))


def found(connection: Connection, token_id: int, *, user_id: int, now: datetime = NOW) -> Details:
    details = find_details(connection, token_id, user_id=user_id, now=now)
    assert details is not None
    return details


def test_new_token_has_its_maker_and_no_history(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert found(connection, token.id, user_id=user_id) == Details(
            token=token,
            username="ada",
            state=State.ACTIVE,
            description="",
            networks=(),
            requests_per_minute=0,
            created_by="ada",
            last_use=None,
            revocation=None,
        )


def test_token_is_expired_from_the_second_of_its_expiry(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id, expiry=NOW)
        states = [found(connection, token.id, user_id=user_id, now=now).state for now in (NOW - SECOND, NOW)]
    assert states == [State.ACTIVE, State.EXPIRED]


def test_revoked_token_says_when_and_by_whom_and_opens_nothing(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        revoke_token(connection, token.id, now=NOW, revoked_by="bob")
        details = found(connection, token.id, user_id=user_id, now=NOW + SECOND)
    assert (details.state, details.revocation, details.networks) == (State.REVOKED, Revocation(NOW, "bob"), None)


def test_token_of_somebody_else_is_not_found(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        token = add_token(connection, user_id)
        assert find_details(connection, token.id, user_id=other_id, now=NOW) is None


def test_newest_use_is_shown(database: Database) -> None:
    user_id = new_user(database)
    use = {"used_at": to_seconds(NOW), "address": "203.0.113.9", "agent": "curl/8"}
    with database.write() as connection:
        token = add_token(connection, user_id)
        connection.execute(insert(token_uses).values(token_id=token.id, **use))
        assert found(connection, token.id, user_id=user_id).last_use == Use(NOW, "203.0.113.9", "curl/8")


def test_description_and_networks_are_kept(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token, other = add_token(connection, user_id), add_token(connection, user_id)
        assert store_details(connection, token.id, {"description": "Straße\n\U0001f511"})
        assert store_details(connection, token.id, {"networks": NETWORKS})
        details, untouched = (found(connection, id_, user_id=user_id) for id_ in (token.id, other.id))
    assert (details.description, details.networks) == ("Straße\n\U0001f511", NETWORKS)
    assert (untouched.description, untouched.networks) == ("", ())


def test_networks_are_stored_separated_by_spaces_for_every_secret_of_the_token(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        insert_credential(connection, Keyed("pat_rotated", bytes(32), 1), token_id=token.id, expiry=NOW)
        store_details(connection, token.id, {"networks": NETWORKS})
        stored = connection.execute(select(credentials.c.networks)).scalars().all()
    assert stored == ["203.0.113.0/24 2001:db8::/32"] * 2


def test_revoked_token_takes_no_networks(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        token = add_token(connection, user_id)
        revoke_token(connection, token.id, now=NOW, revoked_by="ada")
        assert not store_details(connection, token.id, {"networks": NETWORKS})


def listed(connection: Connection, user_id: int, selection: Selection, filter: Filter = EVERY_ROW) -> list[int]:
    """The ids of the tokens that are found."""
    page = list_details(connection, user_id=user_id, now=NOW, request=PageRequest(), filter=filter, selection=selection)
    assert page.results == len(page.rows)
    return [details.token.id for details in page.rows]


def use(connection: Connection, token_id: int, at: datetime) -> None:
    connection.execute(insert(token_uses).values(token_id=token_id, used_at=to_seconds(at)))


def test_list_is_of_one_state_or_of_all(database: Database) -> None:
    user_id, other_id = new_user(database), new_user(database, "bob")
    with database.write() as connection:
        active, pending, off = (add_token(connection, user_id).id for _ in range(3))
        connection.execute(insert(token_starts).values(token_id=pending, not_before=to_seconds(NOW + SECOND)))
        connection.execute(insert(token_starts).values(token_id=active, not_before=to_seconds(NOW)))
        connection.execute(insert(disabled_tokens).values(token_id=off, disabled_at=to_seconds(NOW), disabled_by="bob"))
        expired = add_token(connection, user_id, expiry=NOW).id
        revoked, both = add_token(connection, user_id).id, add_token(connection, user_id, expiry=NOW).id
        for token_id in (revoked, both):
            revoke_token(connection, token_id, now=NOW, revoked_by="ada")
        add_token(connection, other_id)
        found = [listed(connection, user_id, Selection(state)) for state in (*State, Several.NOT_ENDED, None)]
    assert found == [
        [active],
        [pending],
        [off],
        [expired],
        [revoked, both],
        [active, pending, off],
        [active, pending, off, expired, revoked, both],
    ]


def test_bounds_are_exact_to_the_second(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        ids = [add_token(connection, user_id, expiry=NOW + number * SECOND).id for number in (1, 2, 3)]
        for number, token_id in enumerate(ids):
            use(connection, token_id, NOW - number * SECOND)
        assert listed(connection, user_id, Selection(expires_before=NOW + 2 * SECOND)) == ids[:1]
        assert listed(connection, user_id, Selection(expires_after=NOW + 2 * SECOND)) == ids[2:]
        assert listed(connection, user_id, Selection(last_used_before=NOW - SECOND)) == ids[2:]
        assert listed(connection, user_id, Selection(last_used_after=NOW - SECOND)) == ids[:1]


def test_token_that_was_never_used_was_last_used_before_any_moment(database: Database) -> None:
    user_id = new_user(database)
    first = datetime(1, 1, 1, tzinfo=UTC)
    with database.write() as connection:
        used, unused = add_token(connection, user_id).id, add_token(connection, user_id).id
        use(connection, used, NOW)
        assert listed(connection, user_id, Selection(last_used_before=first)) == [unused]
        assert listed(connection, user_id, Selection(last_used_after=first)) == [used]
        assert listed(connection, user_id, Selection(), Filter(order_by="last_used")) == [unused, used]
        assert listed(connection, user_id, Selection(), Filter(order_by="last_used", descending=True)) == [used, unused]


def test_filter_and_selection_both_hold(database: Database) -> None:
    user_id = new_user(database)
    with database.write() as connection:
        ids = [add_token(connection, user_id, label=label).id for label in ("a", "a", "b")]
        use(connection, ids[0], NOW)
        condition = Comparison("label", Operator.EQUAL, "a")
        assert listed(connection, user_id, Selection(last_used_before=NOW), Filter(condition)) == [ids[1]]
