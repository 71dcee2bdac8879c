"""Why a token is accepted or not, one check after the other, in words for those who manage it.

The decision is the verifier's. These are the same checks in the same order, which say what they found; what needs an
earlier one is left out: of a text that is no token nothing is known, and a token that was revoked is opened by nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tokenry.domain.details import Details
from tokenry.domain.networks import Networks, allows
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import BASE62, PREFIX, TOKEN_LENGTH, Peppers, Secret
from tokenry.domain.tokens import NEVER
from tokenry.moments import write_moment


class Check(Enum):
    """What is looked at, in this order."""

    PREFIX = "prefix"
    SHAPE = "shape"
    CHECKSUM = "checksum"
    KNOWN = "known"
    REVOCATION = "revocation"
    SECRET = "secret"  # noqa: S105 - the word for a check
    EXPIRY = "expiry"
    USER = "user"
    NETWORKS = "networks"
    SCOPES = "scopes"


@dataclass(frozen=True, slots=True)
class Step:
    """One check: whether it was passed, and what was found."""

    check: Check
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Opening:
    """One secret of a token as it is at rest, and until when it opens the token."""

    digest: bytes = field(repr=False)
    pepper_generation: int
    expiry: datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """What is stored under a public id: the token that has it, or had it; `opening` is None when that is over."""

    details: Details
    disabled: datetime | None
    opening: Opening | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When and from where a token is presented, and what for."""

    now: datetime
    address: str | None = None
    needed: Scopes = NOTHING


def explain(
    text: str, find_trace: Callable[[str], Trace | None], peppers: Peppers, circumstances: Circumstances
) -> Iterator[Step]:
    """Check a text that was presented as a token. `find_trace` knows what is stored under a preview."""
    yield from _explain_text(text)
    secret = Secret.parse(text)
    if secret is None:
        return
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
        yield _failed(Check.SECRET, "the token was rotated, and this secret of it is gone")
        return
    if not peppers.opens(secret, opening.digest, opening.pepper_generation):
        yield _failed(Check.SECRET, f"not that of the token, by its digest with pepper {opening.pepper_generation}")
        return
    yield _passed(Check.SECRET, f"that of the token, by its digest with pepper {opening.pepper_generation}")
    yield _explain_expiry(trace.details, opening.expiry, circumstances.now)
    yield _explain_user(trace.details.username, trace.disabled)
    yield _explain_networks(trace.details.networks or (), circumstances.address)
    yield _explain_scopes(token.scopes, circumstances.needed)


def _explain_text(text: str) -> Iterator[Step]:
    if not text.startswith(PREFIX):
        yield _failed(Check.PREFIX, f"a token begins with {PREFIX}")
        return
    yield _passed(Check.PREFIX, f"it begins with {PREFIX}")
    if len(text) != TOKEN_LENGTH:
        yield _failed(Check.SHAPE, f"a token has {TOKEN_LENGTH} characters; here are {len(text)}")
        return
    if not set(text.removeprefix(PREFIX)) <= set(BASE62):
        yield _failed(Check.SHAPE, f"after {PREFIX} a token has letters and digits only")
        return
    yield _passed(Check.SHAPE, f"it has {TOKEN_LENGTH} characters, all letters and digits")
    if Secret.parse(text) is None:
        yield _failed(Check.CHECKSUM, "the last six characters do not fit the others: some were changed or made up")
        return
    yield _passed(Check.CHECKSUM, "the last six characters fit the others")


def _explain_expiry(details: Details, expiry: datetime, now: datetime) -> Step:
    why = ", since the token was rotated" if expiry < details.token.expiry else ""
    if expiry <= now:
        return _failed(Check.EXPIRY, f"expired at {_time(expiry)}{why}")
    return _passed(Check.EXPIRY, "never expires" if expiry == NEVER else f"expires at {_time(expiry)}{why}")


def _explain_user(username: str, disabled: datetime | None) -> Step:
    if disabled is None:
        return _passed(Check.USER, f"{username} is enabled")
    return _failed(Check.USER, f"{username} was disabled at {_time(disabled)}")


def _explain_networks(networks: Networks, address: str | None) -> Step:
    if not networks:
        return _passed(Check.NETWORKS, "may be used from anywhere")
    where = f"may be used from {', '.join(map(str, networks))} only"
    if address is None:
        return _failed(Check.NETWORKS, f"{where}, and no address is named")
    if not allows(networks, address):
        return _failed(Check.NETWORKS, f"{where}, and {address} is not in there")
    return _passed(Check.NETWORKS, f"{where}, and {address} is in there")


def _explain_scopes(scopes: Scopes, needed: Scopes) -> Step:
    if not needed.levels and not needed.everything:
        return _passed(Check.SCOPES, f"it has {scopes}; none is asked for")
    if not scopes.covers(needed):
        return _failed(Check.SCOPES, f"it has {scopes}, which does not cover {needed}")
    return _passed(Check.SCOPES, f"it has {scopes}, which covers {needed}")


def _passed(check: Check, reason: str) -> Step:
    return Step(check, passed=True, reason=reason)


def _failed(check: Check, reason: str) -> Step:
    return Step(check, passed=False, reason=reason)


def _time(moment: datetime) -> str:
    return f"{write_moment(moment)}Z"
