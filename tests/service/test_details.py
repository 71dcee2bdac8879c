"""What a user changes of its tokens' details: the audit, and the refusals."""

import threading
from ipaddress import ip_network

import pytest
from sqlalchemy import select, update

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench, begin_before
from tokenry.domain.accounts import Origin
from tokenry.domain.details import NewDetails, State
from tokenry.domain.errors import Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.service.details import TokenDetails
from tokenry.service.rotation import Rotations
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import credentials, users

NETWORKS = (ip_network("203.0.113.0/24"),)


def test_change_is_recorded_with_what_it_was_before(bench: Bench, details: TokenDetails) -> None:
    details.update_details(bench.origin, 1, NewDetails(description="laptop"))
    details.update_details(bench.origin, 1, NewDetails(description="desk", networks=NETWORKS))
    assert bench.events("token:1")[1:] == [
        ("token.update", {"description": {"from": "", "to": "laptop"}}),
        (
            "token.update",
            {"description": {"from": "laptop", "to": "desk"}, "networks": {"from": [], "to": ["203.0.113.0/24"]}},
        ),
    ]


def test_what_changes_nothing_leaves_no_event(bench: Bench, details: TokenDetails) -> None:
    before = details.get_details(bench.actor.user_id, 1)
    assert details.update_details(bench.origin, 1, NewDetails()) == before
    assert details.update_details(bench.origin, 1, NewDetails(description="", networks=())) == before
    assert len(bench.events("token:1")) == 1


def test_makers_and_revokers_are_named(bench: Bench, details: TokenDetails) -> None:
    mine, _ = bench.tokens.create_token(bench.origin, NewToken())
    given, _ = bench.tokens.create_token_for(OPERATOR, "admin", NewToken())
    bench.tokens.revoke_token(bench.origin, given.id)
    bench.tokens.revoke_any_token(OPERATOR, mine.id)
    found = [details.get_details(bench.actor.user_id, token_id) for token_id in (1, mine.id, given.id)]
    assert [one.created_by for one in found] == ["first start", "admin", "operator"]
    assert [one.revocation and one.revocation.by for one in found] == [None, "operator", "admin"]


def test_revoked_token_takes_a_description_and_no_networks(bench: Bench, details: TokenDetails) -> None:
    token, _ = bench.tokens.create_token(bench.origin, NewToken())
    bench.tokens.revoke_token(bench.origin, token.id)
    found = details.update_details(bench.origin, token.id, NewDetails(description="leaked"))
    assert (found.state, found.description) == (State.REVOKED, "leaked")
    with pytest.raises(Invalid) as caught:
        details.update_details(bench.origin, token.id, NewDetails(description="x", networks=NETWORKS))
    assert [fault.field for fault in caught.value.faults] == ["networks"]
    assert details.get_details(bench.actor.user_id, token.id).description == "leaked"


def test_token_of_somebody_else_is_not_found(bench: Bench, details: TokenDetails) -> None:
    bench.users.create_user(OPERATOR, username="ada")
    token, _ = bench.tokens.create_token_for(OPERATOR, "ada", NewToken())
    with pytest.raises(NotFound):
        details.get_details(bench.actor.user_id, token.id)
    with pytest.raises(NotFound):
        details.update_details(bench.origin, token.id, NewDetails(description="mine"))
    assert len(bench.events(f"token:{token.id}")) == 1


def test_token_revoked_since_it_was_verified_changes_nothing(bench: Bench, details: TokenDetails) -> None:
    bench.tokens.revoke_any_token(OPERATOR, 1)
    with pytest.raises(Unauthorized):
        details.update_details(bench.origin, 1, NewDetails(description="late"))
    assert details.get_details(bench.actor.user_id, 1).description == ""


def test_proxy_user_changes_no_details(bench: Bench, details: TokenDetails) -> None:
    with bench.database.write() as connection:
        connection.execute(update(users).values(proxy=True))
    with pytest.raises(Forbidden):
        details.update_details(bench.origin, 1, NewDetails(description="mine"))
    assert details.get_details(bench.actor.user_id, 1).description == ""


def test_secret_made_while_networks_change_opens_from_the_new_ones_only(bench: Bench) -> None:
    """A rotation copies the networks: it has to wait for a change that is not yet final."""
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    rotations = Rotations(Transactions(elsewhere, lambda: NOW), Peppers((bytes(32),)))
    origin = Origin.of(bench.actor._replace(scopes=EVERYTHING))
    rotation = threading.Thread(target=rotations.rotate_token, args=(origin, 1, NewRotation()))
    begin_before(bench.database, "INSERT INTO audit_events", rotation)
    TokenDetails(bench.transactions).update_details(bench.origin, 1, NewDetails(networks=NETWORKS))
    rotation.join()
    elsewhere.close()
    with bench.database.read() as connection:
        kept = connection.execute(select(credentials.c.networks)).scalars().all()
    assert kept == ["203.0.113.0/24"] * 2
