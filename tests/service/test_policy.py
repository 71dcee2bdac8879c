"""What the policy allows and what a change of it does, with its audit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from tests.service.test_tokens import NOW, OPERATOR, Bench, bench
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.policy import Policy, Rules, Shortening, UserKind
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.service.accounts import Accounts
from tokenry.service.installation import begin_installation
from tokenry.service.policy import Policies
from tokenry.service.tokens import Tokens
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database
from tokenry.storage.deadline import TIMEOUT_SECONDS

__all__ = ["bench"]

DAY = timedelta(days=1)
STRICT = Policy(
    DAY, expiry_required=True, tokens_per_user_max=1, scopes={UserKind.ADMIN: Scopes.parse("linodes:read_only")}
)


@pytest.fixture
def policies(bench: Bench) -> Policies:
    return Policies(bench.database, lambda: NOW)


def put(policies: Policies, policy: Policy, *, shorten: bool = False) -> list[Shortening]:
    return list(policies.set_policy(OPERATOR, lambda before: policy, shorten=shorten))


def fields(caught: pytest.ExceptionInfo[Invalid]) -> list[str | None]:
    return [fault.field for fault in caught.value.faults]


def test_everybody_who_makes_a_token_keeps_to_the_policy(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    with pytest.raises(Invalid) as caught:
        bench.tokens.create_token(bench.origin, bench.actor, NewToken(label=""))
    assert fields(caught) == ["label", "scopes", "expiry", None]
    with pytest.raises(Invalid) as caught:
        bench.tokens.create_token_for(OPERATOR, "admin", NewToken(label=""))
    assert fields(caught) == ["label", "scopes", "expiry", None]
    assert bench.events("token:2") == []


def test_token_without_expiry_gets_the_longest_lifetime(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(DAY))
    token, _ = bench.tokens.create_token(bench.origin, bench.actor, NewToken())
    assert token.expiry == NOW + DAY
    assert bench.tokens.get_token(bench.actor, token.id).expiry == NOW + DAY


def test_revoking_one_makes_room_for_another(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(tokens_per_user_max=2))
    token, _ = bench.tokens.create_token(bench.origin, bench.actor, NewToken())
    with pytest.raises(Invalid):
        bench.tokens.create_token(bench.origin, bench.actor, NewToken())
    bench.tokens.revoke_token(bench.origin, bench.actor, token.id)
    bench.tokens.create_token(bench.origin, bench.actor, NewToken())


def test_many_at_once_make_no_more_tokens_than_allowed(bench: Bench, policies: Policies) -> None:
    put(policies, Policy(tokens_per_user_max=3))
    other = Database(bench.database.url, timeout=TIMEOUT_SECONDS)  # as another process has it
    elsewhere = Tokens(other, Peppers((bytes(32),)), default_catalogue(), lambda: NOW)
    together = Barrier(4)

    def create(tokens: Tokens) -> bool:
        together.wait(timeout=10)
        try:
            tokens.create_token(bench.origin, bench.actor, NewToken())
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(create, (bench.tokens, elsewhere, bench.tokens, elsewhere)))
    other.close()
    assert sum(made) == 2  # the acting token is the third


def test_first_token_can_be_made_under_any_policy(database: Database) -> None:
    put(Policies(database, lambda: NOW), STRICT)
    tokens = Tokens(database, Peppers((bytes(32),)), default_catalogue(), lambda: NOW)
    assert begin_installation(database, Accounts(database, lambda: NOW), tokens, lambda secret: None) is not None


def test_actor_is_told_what_holds_for_its_user(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    assert policies.get_rules(bench.actor) == Rules(DAY, True, 1, Scopes.parse("linodes:read_only"), 1)  # noqa: FBT003
    put(policies, Policy())
    assert policies.get_rules(bench.actor) == Rules(scopes=EVERYTHING, live_tokens=1)


def test_change_of_the_policy_is_recorded(bench: Bench, policies: Policies) -> None:
    put(policies, STRICT)
    policies.set_policy(OPERATOR, lambda before: replace(before, lifetime_max=None, scopes={}))
    nothing: dict[str, object] = {
        "lifetime_max": None,
        "expiry_required": False,
        "tokens_per_user_max": None,
        "scopes": {},
    }
    strict = {
        "lifetime_max": "1d",
        "expiry_required": True,
        "tokens_per_user_max": 1,
        "scopes": {"admin": "linodes:read_only"},
    }
    assert bench.events("policy") == [
        ("policy.set", {"from": nothing, "to": strict}),
        ("policy.set", {"from": strict, "to": {**strict, "lifetime_max": None, "scopes": {}}}),
    ]


def test_shortened_tokens_are_counted_before_and_recorded_after(bench: Bench, policies: Policies) -> None:
    bench.tokens.create_token(bench.origin, bench.actor, NewToken(expiry=NOW + DAY))
    preview = list(policies.preview_lifetime(DAY))
    assert preview == put(policies, Policy(DAY), shorten=True) == [Shortening("admin", at_once=0, sooner=1)]
    assert bench.tokens.get_token(bench.actor, 1).expiry == NOW + DAY
    assert bench.events("token:1")[1:] == [
        ("token.shorten", {"from": NEVER.isoformat(), "to": (NOW + DAY).isoformat()})
    ]
    assert len(bench.events("token:2")) == 1
    assert policies.preview_lifetime(DAY) == []


def test_token_past_the_maximum_lifetime_expires_at_once(bench: Bench) -> None:
    policies = Policies(bench.database, lambda: NOW + 2 * DAY)
    assert put(policies, Policy(DAY), shorten=True) == [Shortening("admin", at_once=1, sooner=0)]
    later = Tokens(bench.database, Peppers((bytes(32),)), default_catalogue(), lambda: NOW + 2 * DAY)
    with pytest.raises(NotFound):
        later.get_token(bench.actor, 1)


def test_more_tokens_than_one_batch_are_shortened(
    bench: Bench, policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenry.service.policy.BATCH", 2)
    for _ in range(4):
        bench.tokens.create_token(bench.origin, bench.actor, NewToken())
    assert put(policies, Policy(DAY), shorten=True) == [Shortening("admin", at_once=0, sooner=5)]
    assert policies.preview_lifetime(DAY) == []


def test_existing_tokens_stay_unless_they_are_to_be_shortened(bench: Bench, policies: Policies) -> None:
    assert put(policies, Policy(DAY)) == []
    assert bench.tokens.get_token(bench.actor, 1).expiry == NEVER


def test_token_made_while_the_policy_changes_does_not_outlive_it(bench: Bench, policies: Policies) -> None:
    """The policy changes between the moment a creation reads it and the end of that transaction.

    The change has to wait for that end, and then finds the token. The clock is read for the check, and then again.
    """
    elsewhere = Database(bench.database.url, timeout=TIMEOUT_SECONDS)
    change = threading.Thread(
        target=put, args=(Policies(elsewhere, lambda: NOW), Policy(DAY)), kwargs={"shorten": True}
    )
    readings = 0

    def now() -> datetime:
        nonlocal readings
        readings += 1
        if readings == 2:
            change.start()
            change.join(0.5)
        return NOW

    tokens = Tokens(bench.database, Peppers((bytes(32),)), default_catalogue(), now)
    token, _ = tokens.create_token(bench.origin, bench.actor, NewToken())
    change.join()
    elsewhere.close()
    assert readings > 1
    assert bench.tokens.get_token(bench.actor, token.id).expiry == NOW + DAY
