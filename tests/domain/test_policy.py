"""The rules of a policy for a new token."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenry.domain.errors import Fault
from tokenry.domain.policy import NO_RULES, Policy, Rules, UserKind
from tokenry.domain.scopes import ALL, EVERYTHING, Scopes
from tokenry.domain.tokens import NEVER, NewToken

NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LINODES = Scopes.parse("linodes:read_write")


def reasons(rules: Rules, new: NewToken, limit: Scopes = EVERYTHING) -> list[tuple[str | None, str]]:
    return [(fault.field, fault.reason) for fault in rules.check(new, (), limit=limit, now=NOW)]


@pytest.mark.parametrize("expiry", [None, NOW + SECOND, NEVER])
def test_without_rules_everything_goes(expiry: datetime | None) -> None:
    assert reasons(NO_RULES, NewToken(expiry=expiry)) == []


@pytest.mark.parametrize("lifetime", [timedelta(hours=1), 90 * DAY])
def test_lifetime_up_to_the_maximum_is_fine(lifetime: timedelta) -> None:
    assert reasons(Rules(lifetime_max=lifetime), NewToken(expiry=NOW + lifetime)) == []


@pytest.mark.parametrize("expiry", [NOW + 90 * DAY + SECOND, NEVER])
def test_longer_lifetime_is_refused_and_the_maximum_named(expiry: datetime) -> None:
    assert reasons(Rules(lifetime_max=90 * DAY), NewToken(expiry=expiry)) == [
        ("expiry", "Must be no later than 2025-09-13T15:06:40 (maximum lifetime: 90d)")
    ]


def test_token_without_expiry_lives_as_long_as_it_may() -> None:
    assert NO_RULES.expiry_of(NewToken(), NOW) == NEVER
    rules = Rules(lifetime_max=90 * DAY)
    assert reasons(rules, NewToken()) == []
    assert rules.expiry_of(NewToken(), NOW) == NOW + 90 * DAY
    assert Rules(lifetime_max=400_000 * DAY).expiry_of(NewToken(), NOW) == NEVER


def test_expiry_that_was_asked_for_is_kept() -> None:
    assert Rules(lifetime_max=90 * DAY).expiry_of(NewToken(expiry=NOW + DAY), NOW) == NOW + DAY


@pytest.mark.parametrize("expiry", [None, NEVER])
@pytest.mark.parametrize(
    ("lifetime", "reason"),
    [
        (None, "Must be given, since tokens have to expire"),
        (90 * DAY, "Must be given, since tokens have to expire (maximum lifetime: 90d)"),
    ],
)
def test_missing_expiry_is_refused_where_one_is_required(
    expiry: datetime | None, lifetime: timedelta | None, reason: str
) -> None:
    rules = Rules(lifetime_max=lifetime, expiry_required=True)
    assert reasons(rules, NewToken(expiry=expiry)) == [("expiry", reason)]


def test_expiry_that_is_given_satisfies_the_requirement() -> None:
    assert reasons(Rules(expiry_required=True), NewToken(expiry=NEVER - SECOND)) == []


@pytest.mark.parametrize(
    ("asked", "limit"),
    [("linodes:read_only", EVERYTHING), ("linodes:read_write", EVERYTHING), ("*", Scopes.parse("linodes:read_only"))],
)
def test_scopes_within_the_allowed_are_fine(asked: str, limit: Scopes) -> None:
    assert reasons(Rules(scopes=LINODES), NewToken(scopes=asked), limit) == []


@pytest.mark.parametrize(
    ("asked", "limit"),
    [("domains:read_only", EVERYTHING), ("*", EVERYTHING), ("*", Scopes.parse("linodes:read_only domains:read_only"))],
)
def test_scopes_beyond_the_allowed_are_refused_and_not_narrowed(asked: str, limit: Scopes) -> None:
    assert reasons(Rules(scopes=LINODES), NewToken(scopes=asked), limit) == [
        ("scopes", "Must be within the allowed scopes (maximum scopes: linodes:read_write)")
    ]


@pytest.mark.parametrize(("live", "fine"), [(0, True), (2, True), (3, False), (4, False)])
def test_number_of_live_tokens_is_limited(live: int, *, fine: bool) -> None:
    expected = [] if fine else [(None, "Must not have more than 3 live tokens: revoke one first")]
    assert reasons(Rules(tokens_max=3, live_tokens=live), NewToken()) == expected


def test_every_broken_rule_is_named_at_once() -> None:
    rules = Rules(lifetime_max=DAY, scopes=LINODES, tokens_max=0)
    assert [field for field, _ in reasons(rules, NewToken(expiry=NEVER))] == ["scopes", "expiry", None]


@pytest.mark.parametrize("scopes", ["x y", 5])
def test_field_that_is_wrong_anyway_is_not_judged_twice(scopes: object) -> None:
    rules = Rules(lifetime_max=DAY, expiry_required=True, scopes=LINODES)
    found = [Fault("wrong", "scopes"), Fault("wrong", "expiry")]
    assert rules.check(NewToken(scopes=str(scopes)), found, limit=EVERYTHING, now=NOW) == []


def test_policy_limits_the_scopes_of_each_kind_of_user_apart() -> None:
    policy = Policy(DAY, expiry_required=True, tokens_per_user_max=3, scopes={UserKind.USER: LINODES})
    assert policy.rules_for(UserKind.USER, live_tokens=2) == Rules(DAY, True, 3, LINODES, 2)  # noqa: FBT003
    assert policy.rules_for(UserKind.ADMIN, live_tokens=0).scopes == ALL
    assert policy.rules_for(UserKind.SERVICE, live_tokens=0).scopes == ALL
    ceiling = policy.rules_for(UserKind.SERVICE, live_tokens=0, ceiling=LINODES).scopes
    assert ceiling.covers(LINODES)
    assert ceiling.covers(Scopes.parse("tokenry_tokens:read_write"))
    assert not ceiling.covers(Scopes.parse("domains:read_only"))
    assert Policy().rules_for(UserKind.PROXY, live_tokens=0) == NO_RULES
