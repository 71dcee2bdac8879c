"""A change of the policy: what is asked for, what it would do to tokens and users that there are, and what it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault
from tokenry.domain.limits import REQUESTS_PER_MINUTE_MAX
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import EVERYTHING, Scopes

LIFETIME_HOURS_MAX = 99_999 * 7 * 24
"""As long as a span of weeks can be written."""
TOKENS_PER_USER_MAX = 1_000_000
NAMED_MAX = 100
"""How many users a preview names."""
_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What is to be different about the policy; what is not named stays.

    `rules` are fields of a policy by name, but for those that go by the kind of user: there EVERYTHING and None are no
    limit. `faults` are those found while reading the request.
    """

    rules: Mapping[str, Any] = field(default_factory=dict)
    scopes: Mapping[UserKind, Scopes] = field(default_factory=dict)
    requests_per_minute: Mapping[UserKind, int | None] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def __bool__(self) -> bool:
        """Whether it names anything."""
        return bool(self.rules or self.scopes or self.requests_per_minute)

    def applied_to(self, policy: Policy) -> Policy:
        """The policy as it is to be."""
        scopes = {**policy.scopes, **self.scopes}
        limits = {**policy.requests_per_minute, **self.requests_per_minute}
        return replace(
            policy,
            **self.rules,
            scopes={kind: most for kind, most in scopes.items() if most != EVERYTHING},
            requests_per_minute={kind: limit for kind, limit in limits.items() if limit is not None},
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule that would be another, by its name in a policy, of a kind of user or of all; how many users it is for."""

    rule: str
    kind: UserKind | None
    users: int


@dataclass(frozen=True, slots=True)
class Outliving:
    """How many live personal tokens outlive a maximum lifetime.

    Of how many users; how many of the tokens would expire at once; how many are of accounts other than the asking one.
    """

    tokens: int = 0
    users: int = 0
    at_once: int = 0
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class OutlivingUser:
    """Whose tokens outlive a maximum lifetime: how many would expire at once, how many just sooner."""

    username: str
    at_once: int
    sooner: int


@dataclass(frozen=True, slots=True)
class OutlivingToken:
    """One of those tokens, and when it would expire."""

    id: int
    username: str
    label: str
    expiry: datetime
    shortened: datetime


@dataclass(frozen=True, slots=True)
class Factorless:
    """How many users would need a second factor that they do not have; how many of them are of other accounts.

    `usernames` are the first of the asking account. `oneself` is whether whoever asks is one of them.
    """

    users: int = 0
    elsewhere: int = 0
    usernames: Sequence[str] = ()
    oneself: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would make of the policy, and do.

    `outliving_users` are the first, by name, of the asking account. `without_room` is how many users would have as
    many live tokens as allowed, or more, so that they could make none.
    """

    before: Policy
    after: Policy
    differences: Sequence[Difference]
    outliving: Outliving
    outliving_users: Sequence[OutlivingUser]
    factorless: Factorless
    without_room: int


@dataclass(frozen=True, slots=True)
class Shortening:
    """Tokens that outlive a maximum lifetime are made to expire when it ends, because of a change of the policy.

    How far that is: the last token looked at, how many have expired at once and how many will sooner, and when it
    was through. Each that is asked for has another `id`.
    """

    id: int
    lifetime: timedelta
    origin: Origin
    started: datetime
    last_id: int = 0
    at_once: int = 0
    sooner: int = 0
    ended: datetime | None = None


def lifetime_faults(seconds: int | None) -> list[Fault]:
    """Say what is wrong with a maximum lifetime in seconds; None is what was no whole number."""
    if seconds is not None and 0 < seconds <= LIFETIME_HOURS_MAX * _HOUR_SECONDS and seconds % _HOUR_SECONDS == 0:
        return []
    reason = f"Must be whole hours, as 3600 to {LIFETIME_HOURS_MAX * _HOUR_SECONDS} seconds, or null"
    return [Fault(reason, "max_lifetime_seconds")]


def tokens_faults(number: int | None) -> list[Fault]:
    """Say what is wrong with how many live tokens a user may have; None is what was no whole number."""
    if number is not None and 1 <= number <= TOKENS_PER_USER_MAX:
        return []
    return [Fault(f"Must be 1-{TOKENS_PER_USER_MAX}, or no limit", "max_tokens")]


def requests_faults(number: int | None, field: str = "requests_per_minute") -> list[Fault]:
    """Say what is wrong with how often a token may be used in a minute; None is what was no whole number."""
    if number is not None and 1 <= number <= REQUESTS_PER_MINUTE_MAX:
        return []
    return [Fault(f"Must be 1-{REQUESTS_PER_MINUTE_MAX}, or no limit", field)]


def list_differences(before: Policy, after: Policy, users: Mapping[UserKind, int]) -> Sequence[Difference]:
    """List the rules that are others in `after`; `users` is how many there are of each kind."""
    everybody = sum(users.values())
    found = [
        Difference(rule, None, everybody)
        for rule in ("lifetime_max", "expiry_required", "tokens_per_user_max")
        if getattr(before, rule) != getattr(after, rule)
    ]
    found += [
        Difference(rule, kind, users.get(kind, 0))
        for rule in ("scopes", "requests_per_minute")
        for kind in UserKind
        if getattr(before, rule).get(kind) != getattr(after, rule).get(kind)
    ]
    if before.second_factor is not after.second_factor:
        signing_in = {UserKind.ADMIN: True, UserKind.USER: False}
        concerned = [
            users.get(kind, 0)
            for kind, admin in signing_in.items()
            if before.second_factor.includes(admin=admin) != after.second_factor.includes(admin=admin)
        ]
        found.append(Difference("second_factor", None, sum(concerned)))
    return found
