"""Why a token is accepted or not, one check after the other, in words for those who manage it.

The decision is the verifier's. These are the same checks in the same order (`checks.py`), which say what they found;
what needs an earlier one is left out: of a text that is no token nothing is known, and a token that was revoked is
opened by nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tokenry.domain.checks import RULES, TEXT_RULES, Check, Circumstances
from tokenry.domain.details import Details
from tokenry.domain.limits import lowest
from tokenry.domain.networks import Networks
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import API_PREFIXES, BODY_LENGTH, BOUND_PREFIXES, Peppers, Secret, find_prefix
from tokenry.domain.tokens import NEVER
from tokenry.moments import write_moment


@dataclass(frozen=True, slots=True)
class Step:
    """One check: whether it was passed, and what was found."""

    check: Check
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Opening:
    """One secret of a token as it is at rest, until when it opens the token, and for whom."""

    digest: bytes = field(repr=False)
    pepper_generation: int
    expiry: datetime
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What is stored under a public id: the token that has it, or had it; `opening` is None when that is over."""

    details: Details
    disabled: datetime | None
    opening: Opening | None
    managing: bool = False
    """Whether it is a personal one of an administrator, whose `*` has the scopes of management."""
    kind_limit: int = 0
    """How many requests a minute each token of such a user may be used for; 0 for any number."""

    @property
    def expires_at(self) -> int:
        """When this secret of it no longer opens it; negative while the token is disabled."""
        assert self.opening is not None
        seconds = int(self.opening.expiry.timestamp())
        return seconds if self.details.disabled is None else -seconds

    @property
    def not_before(self) -> int:
        """Until when it is refused."""
        return 0 if self.details.not_before is None else int(self.details.not_before.timestamp())

    @property
    def disabled_at(self) -> int | None:
        """When its user was disabled, if that is so."""
        return None if self.disabled is None else int(self.disabled.timestamp())

    @property
    def networks(self) -> Networks:
        """From where it may be used."""
        return self.details.networks or ()

    @property
    def audience(self) -> Sequence[str]:
        """For whom it is meant."""
        return () if self.opening is None else self.opening.audience

    @property
    def limit(self) -> int:
        """How many requests a minute it may be used for, where they are counted; 0 for any number."""
        return lowest(self.details.requests_per_minute or 0, self.kind_limit)

    @property
    def scopes(self) -> Scopes:
        """What it may do."""
        scopes = self.details.token.scopes
        return scopes.managing() if self.managing else scopes


def explain(
    text: str, find_trace: Callable[[str], Trace | None], peppers: Peppers, circumstances: Circumstances
) -> Iterator[Step]:
    """Check a text that was presented as a token. `find_trace` knows what is stored under a preview."""
    for check, holds in TEXT_RULES.items():
        passed = holds(text)
        yield Step(check, passed, _TEXT_WORDS[check](text, passed=passed))
        if not passed:
            return
    secret = Secret(text)
    trace = find_trace(secret.preview)
    if trace is None:
        yield _failed(Check.KNOWN, "no token here has this public id")
        return
    token, revocation, opening = trace.details.token, trace.details.revocation, trace.opening
    yield _passed(Check.KNOWN, f'the public id of token {token.id}, "{token.label}", of {trace.details.username}')
    if revocation is not None:
        by = "" if revocation.by is None else f" by {revocation.by}"
        yield _failed(Check.REVOCATION, f"revoked at {_time(revocation.at)}{by}")
        return
    yield _passed(Check.REVOCATION, "not revoked")
    if opening is None:
        yield _failed(Check.SECRET, "the token was rotated, and this secret no longer works")
        return
    if not peppers.opens(secret, opening.digest, opening.pepper_generation):
        yield _failed(Check.SECRET, f"not the token's secret, by its digest with pepper {opening.pepper_generation}")
        return
    yield _passed(Check.SECRET, f"the token's secret, by its digest with pepper {opening.pepper_generation}")
    for check, rule in RULES.items():
        passed = rule(trace, circumstances)
        yield Step(check, passed, _WORDS[check](trace, circumstances, passed=passed))


def _prefix_words(text: str, *, passed: bool) -> str:
    prefix = find_prefix(text)
    if prefix in BOUND_PREFIXES:
        return f"it begins with {prefix}: it is bound to a key, and opens nothing without a proof of it"
    usual = ", ".join(API_PREFIXES)
    return f"it begins with {prefix}" if passed else f"a token begins with {usual} or this service's own prefix"


def _shape_words(text: str, *, passed: bool) -> str:
    prefix = find_prefix(text)
    wanted = len(prefix) + BODY_LENGTH
    if passed:
        return f"it has {wanted} characters, all letters and digits"
    if len(text) != wanted:
        return f"a token that begins with {prefix} has {wanted} characters, and this has {len(text)}"
    return f"after {prefix} a token has letters and digits only"


def _checksum_words(_: str, *, passed: bool) -> str:
    if passed:
        return "the last six characters match the rest"
    return "the last six characters do not match the rest: it was mistyped or made up"


def _enabled_words(trace: Trace, _: Circumstances, *, passed: bool) -> str:
    disabling = trace.details.disabled
    if passed or disabling is None:
        return "not disabled"
    return f"disabled at {_time(disabling.at)} by {disabling.by}"


def _not_before_words(trace: Trace, _: Circumstances, *, passed: bool) -> str:
    start = trace.details.not_before
    if start is None:
        return "valid from the beginning"
    return f"valid since {_time(start)}" if passed else f"not valid before {_time(start)}"


def _expiry_words(trace: Trace, _: Circumstances, *, passed: bool) -> str:
    assert trace.opening is not None
    expiry = trace.opening.expiry
    why = ", since the token was rotated" if expiry < trace.details.token.expiry else ""
    if not passed:
        return f"expired at {_time(expiry)}{why}"
    return "never expires" if expiry == NEVER else f"expires at {_time(expiry)}{why}"


def _user_words(trace: Trace, _: Circumstances, *, passed: bool) -> str:
    if passed or trace.disabled is None:
        return f"{trace.details.username} is enabled"
    return f"{trace.details.username} was disabled at {_time(trace.disabled)}"


def _networks_words(trace: Trace, at: Circumstances, *, passed: bool) -> str:
    if not trace.networks:
        return "may be used from anywhere"
    where = f"may be used from {', '.join(map(str, trace.networks))} only"
    if at.address is None:
        return f"{where}, and no address was given"
    return f"{where}, and {at.address} is {'inside' if passed else 'outside'}"


def _audience_words(trace: Trace, at: Circumstances, *, passed: bool) -> str:
    if not trace.audience:
        return "meant for nobody in particular"
    meant = f"meant for {', '.join(trace.audience)}"
    if passed:
        return meant
    return f"{meant}, and {f'asked for by {at.needed.audience}' if at.needed.audience else 'no audience was asked for'}"


def _scopes_words(trace: Trace, at: Circumstances, *, passed: bool) -> str:
    if not at.needed.names and not at.needed.everything:
        return f"it has {trace.scopes}; none is needed"
    return f"it has {trace.scopes}, which {'covers' if passed else 'does not cover'} {at.needed}"


def _limit_words(trace: Trace, _: Circumstances, *, passed: bool) -> str:
    if not trace.limit:
        return "as many requests as it likes"
    whose = "its own" if trace.limit == trace.details.requests_per_minute else "that of such users by the policy"
    return f"at most {trace.limit} requests a minute where they are counted; this limit is {whose}"


_TEXT_WORDS: dict[Check, Callable[..., str]] = {
    Check.PREFIX: _prefix_words,
    Check.SHAPE: _shape_words,
    Check.CHECKSUM: _checksum_words,
}
_WORDS: dict[Check, Callable[..., str]] = {
    Check.ENABLED: _enabled_words,
    Check.NOT_BEFORE: _not_before_words,
    Check.EXPIRY: _expiry_words,
    Check.USER: _user_words,
    Check.NETWORKS: _networks_words,
    Check.AUDIENCE: _audience_words,
    Check.SCOPES: _scopes_words,
    Check.LIMIT: _limit_words,
}


def _passed(check: Check, reason: str) -> Step:
    return Step(check, passed=True, reason=reason)


def _failed(check: Check, reason: str) -> Step:
    return Step(check, passed=False, reason=reason)


def _time(moment: datetime) -> str:
    return f"{write_moment(moment)}Z"
