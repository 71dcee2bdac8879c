"""Disabling a token and enabling it again: what opens meanwhile, who may, and what else happens to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench, at_once, decide
from tokenry.domain.accounts import Origin
from tokenry.domain.checks import Denial
from tokenry.domain.details import LIVE_TOKENS, NewDetails, Selection, State
from tokenry.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import PageRequest
from tokenry.domain.rotation import NewRotation
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.tokens import NewToken, Token
from tokenry.service.details import TokenDetails
from tokenry.service.inventory import Inventory
from tokenry.service.leaks import Leaks
from tokenry.service.policy import Policies
from tokenry.service.rotation import Rotations
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.policy import count_live_tokens
from tokenry.storage.rotations import activate_used

PEPPERS = Peppers((bytes(32),))
OFF, ON = NewDetails(disabled=True), NewDetails(disabled=False)
HOUR = timedelta(hours=1)
Made = tuple[Token, Secret]


@pytest.fixture
def inventory(bench: Bench) -> Inventory:
    return Inventory(bench.transactions)


@pytest.fixture
def made(bench: Bench) -> Made:
    return bench.tokens.create_token(bench.origin, NewToken(expiry=NOW + HOUR))


def denials(bench: Bench, *secrets: Secret, after: float = 0) -> list[Denial | None]:
    return [decide(bench.database, secret, after).denial for secret in secrets]


def test_each_secret_is_refused_and_then_opens_as_long_as_it_would_have(
    bench: Bench, details: TokenDetails, made: Made
) -> None:
    token, old = made
    rotation = NewRotation(grace_seconds=60, on_first_use=False)
    _, new = Rotations(bench.transactions, PEPPERS).rotate_token(bench.origin, token.id, rotation)
    off = details.update_details(bench.origin, token.id, OFF)
    assert (off.state, off.disabled and off.disabled.by) == (State.DISABLED, "admin")
    assert denials(bench, old, new) == [Denial.CLOSED] * 2
    on = details.update_details(bench.origin, token.id, ON)
    assert (on.state, on.disabled) == (State.ACTIVE, None)
    assert denials(bench, old, new, after=59) == [None, None]
    assert denials(bench, old, new, after=60) == [Denial.EXPIRED, None]
    assert denials(bench, new, after=3600) == [Denial.EXPIRED]
    assert [action for action, _ in bench.events(f"token:{token.id}")][2:] == ["token.disable", "token.enable"]


def test_what_is_so_already_leaves_no_event(bench: Bench, details: TokenDetails, made: Made) -> None:
    token, _ = made
    details.update_details(bench.origin, token.id, ON)
    details.update_details(bench.origin, token.id, OFF)
    details.update_details(bench.origin, token.id, NewDetails(description="x", disabled=True))
    assert [action for action, _ in bench.events(f"token:{token.id}")] == [
        "token.create",
        "token.disable",
        "token.update",
    ]


def test_token_that_is_disabled_enables_nothing(bench: Bench, details: TokenDetails, inventory: Inventory) -> None:
    details.update_details(bench.origin, 1, OFF)  # its own
    with pytest.raises(Unauthorized):
        details.update_details(bench.origin, 1, ON)
    with pytest.raises(Unauthorized):
        inventory.turn_tokens(bench.origin, [1], disabled=False)
    assert inventory.turn_any_token(OPERATOR, 1, disabled=False)
    details.update_details(bench.origin, 1, NewDetails(description="open"))


def test_user_does_not_enable_what_somebody_else_disabled(
    bench: Bench, details: TokenDetails, inventory: Inventory, made: Made
) -> None:
    token, secret = made
    assert inventory.turn_any_token(OPERATOR, token.id, disabled=True)
    with pytest.raises(Conflict) as caught:
        details.update_details(bench.origin, token.id, NewDetails(description="x", disabled=False))
    assert caught.value.faults[0].reason == "Was disabled by operator, and cannot be enabled with the user's own tokens"
    found = details.get_details(1, token.id)
    assert (found.state, found.description) == (State.DISABLED, "")
    assert inventory.turn_tokens(bench.origin, [token.id, 99], disabled=False) == [(token.id, True), (99, False)]
    assert denials(bench, secret) == [None]


def test_inventory_is_for_administrators_and_what_is_live(bench: Bench, inventory: Inventory, made: Made) -> None:
    token, _ = made
    user = bench.users.create_user(OPERATOR, username="ada")
    given, _ = bench.tokens.create_token_for(OPERATOR, "ada", NewToken())
    ada = Origin.of(bench.actor._replace(user_id=user.id, token_id=given.id, preview=given.preview))
    with pytest.raises(Forbidden):
        inventory.turn_tokens(ada, [token.id], disabled=True)
    later = Inventory(Transactions(bench.database, lambda: NOW + HOUR))
    assert later.turn_tokens(bench.origin, [token.id, given.id], disabled=True) == [(token.id, False), (given.id, True)]
    for token_id in (token.id, 99):
        with pytest.raises(NotFound):
            later.turn_any_token(OPERATOR, token_id, disabled=True)


def test_token_that_ended_is_neither_disabled_nor_enabled(bench: Bench, details: TokenDetails, made: Made) -> None:
    token, _ = made
    details.update_details(bench.origin, token.id, OFF)
    later = TokenDetails(Transactions(bench.database, lambda: NOW + HOUR))
    assert later.get_details(1, token.id).state is State.EXPIRED
    with pytest.raises(Invalid):
        later.update_details(bench.origin, token.id, ON)
    bench.tokens.revoke_any_token(OPERATOR, token.id)
    assert details.get_details(1, token.id).state is State.REVOKED
    with pytest.raises(Invalid):
        details.update_details(bench.origin, token.id, ON)
    assert not Inventory(bench.transactions).turn_tokens(bench.origin, [token.id], disabled=False)[0][1]


def test_no_secret_is_given_out_that_would_open_nothing(bench: Bench, details: TokenDetails) -> None:
    request = KeyedRequest("key", bytes(32))
    token, _ = bench.tokens.create_token(bench.origin, NewToken(), request)
    details.update_details(bench.origin, token.id, OFF)
    with pytest.raises(Conflict, match="enable it first"):
        Rotations(bench.transactions, PEPPERS).rotate_token(bench.origin, token.id, NewRotation())
    with pytest.raises(Conflict, match="enable it first"):
        bench.tokens.create_token(bench.origin, NewToken(), request)
    details.update_details(bench.origin, token.id, ON)
    _, again = bench.tokens.create_token(bench.origin, NewToken(), request)
    assert denials(bench, again) == [None]


def test_leak_of_a_token_that_is_disabled_revokes_it(bench: Bench, details: TokenDetails, made: Made) -> None:
    token, secret = made
    details.update_details(bench.origin, token.id, OFF)
    assert Leaks(bench.transactions, PEPPERS).revoke_reported([secret.reveal()], None) == 1
    assert details.get_details(1, token.id).state is State.REVOKED


def test_grace_that_begins_while_a_token_is_disabled_ends_in_time(
    bench: Bench, details: TokenDetails, made: Made
) -> None:
    """A use is written down some time after it was seen."""
    token, old = made
    rotated, new = Rotations(bench.transactions, PEPPERS).rotate_token(bench.origin, token.id, NewRotation(60))
    details.update_details(bench.origin, token.id, OFF)
    with bench.database.write() as connection:
        assert activate_used(connection, rotated.preview, to_seconds(NOW))
    assert denials(bench, old, new, after=60) == [Denial.CLOSED] * 2
    details.update_details(bench.origin, token.id, ON)
    assert denials(bench, old, new, after=60) == [Denial.EXPIRED, None]


def test_policy_shortens_a_token_that_is_disabled(bench: Bench, details: TokenDetails, made: Made) -> None:
    token, secret = made
    details.update_details(bench.origin, token.id, OFF)
    policies, minute = Policies(bench.transactions), timedelta(minutes=1)
    policies.set_policy(OPERATOR, lambda policy: replace(policy, lifetime_max=minute))
    assert [done.sooner for done in policies.enforce(OPERATOR, shorten_to=minute)] == [2]
    assert denials(bench, secret) == [Denial.CLOSED]
    details.update_details(bench.origin, token.id, ON)
    assert denials(bench, secret, after=59) == [None]
    assert denials(bench, secret, after=60) == [Denial.EXPIRED]


def test_lists_tell_it_from_the_others_and_it_counts_as_one_that_lives(
    bench: Bench, details: TokenDetails, made: Made
) -> None:
    token, _ = made
    details.update_details(bench.origin, token.id, OFF)
    page = PageRequest()
    listed = [
        [each.token.id for each in details.list_details(1, page, selection=selection).rows]
        for selection in (LIVE_TOKENS, Selection(State.DISABLED), Selection(None))
    ]
    assert listed == [[1], [token.id], [1, token.id]]
    assert [each.id for each in bench.tokens.list_tokens(1, page).rows] == [1, token.id]
    with bench.database.read() as connection:
        assert count_live_tokens(connection, 1, NOW) == 2


def test_of_two_who_disable_it_at_once_one_does(bench: Bench, made: Made) -> None:
    token, secret = made

    def act(database: Database) -> bool:
        return Inventory(Transactions(database, lambda: NOW)).turn_any_token(OPERATOR, token.id, disabled=True)

    assert sorted(map(str, at_once(bench.database, act, act))) == ["False", "True"]
    assert denials(bench, secret) == [Denial.CLOSED]
