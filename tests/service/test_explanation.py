"""An explanation says what the verifier decides, whatever has become of the token."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench
from tokenry.domain.checks import Check, Denial
from tokenry.domain.details import NewDetails
from tokenry.domain.errors import Forbidden
from tokenry.domain.explanation import Step
from tokenry.domain.policy import UserKind
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import CHECKSUM_LENGTH, Peppers, Secret, checksum
from tokenry.domain.tokens import NewToken, Token
from tokenry.service.details import TokenDetails
from tokenry.service.explanation import Explanations
from tokenry.service.policy import Policies
from tokenry.service.rotation import Rotations
from tokenry.service.transactions import Transactions
from tokenry.verification.inspection import inspect
from tokenry.verification.verifier import KnownPresenter, Verifier
from tokenry.wiring import credentials_of

PEPPERS = Peppers((bytes(32),))
AT_ONCE = NewRotation(grace_seconds=0, on_first_use=False)
ONE_MINUTE = NewRotation(grace_seconds=60, on_first_use=False)
LINODES, DOMAINS = Scopes.parse("linodes:read_only"), Scopes.parse("domains:read_only")
DENIALS = {
    Check.PREFIX: Denial.MALFORMED,
    Check.SHAPE: Denial.MALFORMED,
    Check.CHECKSUM: Denial.MALFORMED,
    Check.KNOWN: Denial.UNKNOWN,
    Check.REVOCATION: Denial.UNKNOWN,
    Check.SECRET: Denial.UNKNOWN,
    Check.ENABLED: Denial.CLOSED,
    Check.NOT_BEFORE: Denial.PENDING,
    Check.EXPIRY: Denial.EXPIRED,
    Check.USER: Denial.DISABLED,
    Check.NETWORKS: Denial.ADDRESS,
    Check.SCOPES: Denial.INSUFFICIENT_SCOPE,
}


@dataclass
class Scene:
    """A token of ada's, which has one hour to live, and what is done to it."""

    bench: Bench
    token: Token
    text: str
    now: datetime = NOW
    address: str | None = None
    needed: Scopes = NOTHING

    def revoke(self) -> None:
        self.bench.tokens.revoke_any_token(OPERATOR, self.token.id)

    def rotate(self, new: NewRotation) -> str:
        rotations = Rotations(self.bench.transactions, PEPPERS)
        return rotations.rotate_token(self.bench.origin, self.token.id, new)[1].reveal()

    def keep_to(self, network: str) -> None:
        details = TokenDetails(self.bench.transactions)
        details.update_details(self.bench.origin, self.token.id, NewDetails(networks=(ip_network(network),)))

    def turn_off(self) -> None:
        TokenDetails(self.bench.transactions).update_details(
            self.bench.origin, self.token.id, NewDetails(disabled=True)
        )

    def disable(self) -> None:
        self.bench.users.create_user(OPERATOR, username="second", admin=True)
        self.bench.users.disable_user(OPERATOR, "admin")

    def with_another_secret(self) -> str:
        body = self.text[:16] + Secret.generate().reveal()[16:-CHECKSUM_LENGTH]
        return body + checksum(body)

    def explain(self) -> Sequence[Step]:
        explanations = Explanations(Transactions(self.bench.database, lambda: self.now), PEPPERS)
        return explanations.explain_any_token(self.text, needed=self.needed, address=self.address)

    def decide(self) -> Denial | None:
        async def decide() -> Denial | None:
            credentials = credentials_of(self.bench.database)
            verifier = Verifier(credentials, PEPPERS, self.now.timestamp)
            decision = await inspect(verifier, self.text, self.needed, KnownPresenter(self.address))
            await credentials.close()
            return decision.denial

        return asyncio.run(decide())


@pytest.fixture
def scene(bench: Bench) -> Scene:
    new = NewToken(label="ci", scopes="linodes:read_only", expiry=NOW + timedelta(hours=1))
    token, secret = bench.tokens.create_token(bench.origin, new)
    return Scene(bench, token, secret.reveal())


def nothing(scene: Scene) -> None:
    scene.needed = LINODES


def unknown(scene: Scene) -> None:
    scene.text = Secret.generate().reveal()


def revoked(scene: Scene) -> None:
    scene.revoke()


def revoked_after_its_end(scene: Scene) -> None:
    scene.revoke()
    scene.now += timedelta(hours=2)


def revoked_after_a_rotation(scene: Scene) -> None:
    scene.rotate(ONE_MINUTE)
    scene.revoke()


def rotated_away(scene: Scene) -> None:
    scene.rotate(AT_ONCE)


def rotated_within_the_grace(scene: Scene) -> None:
    scene.rotate(ONE_MINUTE)


def rotated_past_the_grace(scene: Scene) -> None:
    scene.rotate(ONE_MINUTE)
    scene.now += timedelta(minutes=1)


def newest_of_a_rotation(scene: Scene) -> None:
    scene.text = scene.rotate(ONE_MINUTE)
    scene.now += timedelta(minutes=1)


def wrong_secret(scene: Scene) -> None:
    scene.text = scene.with_another_secret()


def expired(scene: Scene) -> None:
    scene.now += timedelta(hours=1)


def pending(scene: Scene) -> None:
    new = NewToken(not_before=NOW + timedelta(minutes=1))
    scene.text = scene.bench.tokens.create_token(scene.bench.origin, new)[1].reveal()


def begun(scene: Scene) -> None:
    pending(scene)
    scene.now += timedelta(minutes=1)


def disabled(scene: Scene) -> None:
    scene.disable()


def turned_off(scene: Scene) -> None:
    scene.turn_off()


def turned_off_and_expired(scene: Scene) -> None:
    scene.turn_off()
    scene.now += timedelta(hours=1)


def turned_off_and_revoked(scene: Scene) -> None:
    scene.turn_off()
    scene.revoke()


def expired_and_disabled_and_not_enough(scene: Scene) -> None:
    scene.disable()
    scene.now += timedelta(hours=1)
    scene.needed = DOMAINS


def elsewhere(scene: Scene) -> None:
    scene.keep_to("10.0.0.0/8")
    scene.address = "11.0.0.1"


def within(scene: Scene) -> None:
    scene.keep_to("10.0.0.0/8")
    scene.address = "10.0.0.1"


def from_nowhere(scene: Scene) -> None:
    scene.keep_to("10.0.0.0/8")


def not_enough(scene: Scene) -> None:
    scene.needed = DOMAINS


def limited(scene: Scene) -> None:
    TokenDetails(scene.bench.transactions).limit_any_token(OPERATOR, scene.token.id, 60)


def limited_by_the_policy(scene: Scene) -> None:
    limited(scene)
    policies = Policies(scene.bench.transactions)
    policies.set_policy(OPERATOR, lambda policy: replace(policy, requests_per_minute={UserKind.ADMIN: 20}))


FATES: list[tuple[Callable[[Scene], None], list[Check], str]] = [
    (nothing, [], "it has linodes:read_only, which covers linodes:read_only"),
    (unknown, [Check.KNOWN], "no token here has this public id"),
    (revoked, [Check.REVOCATION], "revoked at 2025-06-15T15:06:40Z by operator"),
    (revoked_after_its_end, [Check.REVOCATION], "revoked at 2025-06-15T15:06:40Z by operator"),
    (revoked_after_a_rotation, [Check.REVOCATION], "revoked at 2025-06-15T15:06:40Z by operator"),
    (rotated_away, [Check.SECRET], "the token was rotated, and this secret no longer works"),
    (rotated_within_the_grace, [], "expires at 2025-06-15T15:07:40Z, since the token was rotated"),
    (rotated_past_the_grace, [Check.EXPIRY], "expired at 2025-06-15T15:07:40Z, since the token was rotated"),
    (newest_of_a_rotation, [], "expires at 2025-06-15T16:06:40Z"),
    (wrong_secret, [Check.SECRET], "not the token's secret, by its digest with pepper 1"),
    (expired, [Check.EXPIRY], "expired at 2025-06-15T16:06:40Z"),
    (pending, [Check.NOT_BEFORE], "not valid before 2025-06-15T15:07:40Z"),
    (begun, [], "valid since 2025-06-15T15:07:40Z"),
    (disabled, [Check.USER], "admin was disabled at 2025-06-15T15:06:40Z"),
    (turned_off, [Check.ENABLED], "disabled at 2025-06-15T15:06:40Z by admin"),
    (turned_off_and_expired, [Check.ENABLED, Check.EXPIRY], "expired at 2025-06-15T16:06:40Z"),
    (turned_off_and_revoked, [Check.REVOCATION], "revoked at 2025-06-15T15:06:40Z by operator"),
    (
        expired_and_disabled_and_not_enough,
        [Check.EXPIRY, Check.USER, Check.SCOPES],
        "it has linodes:read_only, which does not cover domains:read_only",
    ),
    (elsewhere, [Check.NETWORKS], "may be used from 10.0.0.0/8 only, and 11.0.0.1 is outside"),
    (within, [], "may be used from 10.0.0.0/8 only, and 10.0.0.1 is inside"),
    (from_nowhere, [Check.NETWORKS], "may be used from 10.0.0.0/8 only, and no address was given"),
    (not_enough, [Check.SCOPES], "it has linodes:read_only, which does not cover domains:read_only"),
    (nothing, [], "as many requests as it likes"),
    (limited, [], "at most 60 requests a minute where they are counted; this limit is its own"),
    (
        limited_by_the_policy,
        [],
        "at most 20 requests a minute where they are counted; this limit is that of such users by the policy",
    ),
]


@pytest.mark.parametrize(("fate", "failed", "words"), FATES, ids=lambda value: getattr(value, "__name__", ""))
def test_explanation_says_what_the_verifier_decides(
    scene: Scene, fate: Callable[[Scene], None], failed: list[Check], words: str
) -> None:
    fate(scene)
    steps = scene.explain()
    assert [step.check for step in steps if not step.passed] == failed
    assert scene.decide() == (DENIALS[failed[0]] if failed else None)
    assert words in [step.reason for step in steps]
    assert [step.check for step in steps] == [check for check in Check if check in {step.check for step in steps}]


def test_token_is_named_with_its_owner(scene: Scene) -> None:
    known = next(step for step in scene.explain() if step.check is Check.KNOWN)
    assert known.reason == 'the public id of token 2, "ci", of admin'


def test_token_of_another_account_is_as_unknown_as_none(scene: Scene) -> None:
    explanations = Explanations(scene.bench.transactions, PEPPERS)
    stranger = scene.bench.actor._replace(account_id=2)
    for text in (scene.text, scene.with_another_secret(), Secret.generate().reveal()):
        last = explanations.explain_token(stranger, text)[-1]
        assert last == Step(Check.KNOWN, passed=False, reason="no token here has this public id")
    assert explanations.explain_token(scene.bench.actor, scene.text)[-1].passed


def test_restricted_user_is_told_nothing(scene: Scene) -> None:
    user = scene.bench.users.create_user(OPERATOR, username="ada")
    explanations = Explanations(scene.bench.transactions, PEPPERS)
    with pytest.raises(Forbidden):
        explanations.explain_token(scene.bench.actor._replace(user_id=user.id), scene.text)
