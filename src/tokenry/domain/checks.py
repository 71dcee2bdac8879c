"""What is checked of a secret that somebody presents, in one order, for who decides and for who explains.

Deciding goes through the rules until one does not hold; explaining goes through them all, and says what it found.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from tokenry.domain.networks import Networks, allows
from tokenry.domain.scopes import ANYBODY, NOTHING, Scopes
from tokenry.domain.secrets import API, BASE62, BODY_LENGTH, CHECKSUM_LENGTH, KINDS, PERSONAL, checksum, find_prefix


class Denial(Enum):
    """Why a token was not accepted. Callers outside are told no more than RFC 6750 asks for."""

    MISSING = "no token was presented"
    MALFORMED = "what was presented is no token"
    UNKNOWN = "no such token, or it was revoked"
    CLOSED = "the token is disabled"
    PENDING = "the token is not valid yet"
    EXPIRED = "the token expired"
    DISABLED = "the token's user is disabled"
    ADDRESS = "the token may not be used from this address"
    AUDIENCE = "the token is meant for somebody else"
    UNPROVED = "the key that the token is bound to was not proved"
    INSUFFICIENT_SCOPE = "the token's scopes do not cover what is needed"
    UNCOUNTED = "the token has a limit, and the request has not been counted"
    EXHAUSTED = "the token was used as often as it may be, for now"


class Check(Enum):
    """What is looked at, in this order."""

    PREFIX = "prefix"
    SHAPE = "shape"
    CHECKSUM = "checksum"
    KNOWN = "known"
    REVOCATION = "revocation"
    SECRET = "secret"  # noqa: S105 - the word for a check
    ENABLED = "enabled"
    NOT_BEFORE = "not_before"
    EXPIRY = "expiry"
    USER = "user"
    NETWORKS = "networks"
    AUDIENCE = "audience"
    SCOPES = "scopes"
    LIMIT = "limit"


class Circumstances(NamedTuple):
    """When (seconds since 1970) and from where a token is presented, and what for."""

    now: float
    address: str | None = None
    needed: Scopes = NOTHING


class Held(Protocol):
    """What is stored of a token whose secret was right. Times are seconds since 1970."""

    @property
    def expires_at(self) -> int:
        """When it expires; negative while it is disabled."""

    @property
    def not_before(self) -> int:
        """Until when it is refused; 0 for one that opens from the beginning."""

    @property
    def disabled_at(self) -> int | None:
        """When its user was disabled, if that is so."""

    @property
    def networks(self) -> Networks:
        """From where it may be used; none for anywhere."""

    @property
    def audience(self) -> Sequence[str]:
        """For whom it is meant (RFC 8707); none for this service and whoever asks it."""

    @property
    def scopes(self) -> Scopes:
        """What it may do."""


def presents_bound(authorization: str | None) -> bool:
    """Whether an Authorization header presents a token as one that is bound to a key (RFC 9449 section 7.1)."""
    return authorization is not None and authorization[:5].lower() == "dpop "


def is_meant(audience: Sequence[str], needed: Scopes) -> bool:
    """Whether a token that is meant for these addresses, or for none in particular, is meant for whoever asks."""
    return not audience or needed.audience in audience or needed.audience == ANYBODY


TEXT_RULES: dict[Check, Callable[[str], bool]] = {
    Check.PREFIX: lambda text: (prefix := find_prefix(text)) != "" and KINDS.get(prefix, PERSONAL).opens == API,
    Check.SHAPE: lambda text: len(body := text[len(find_prefix(text)) :]) == BODY_LENGTH and set(body) <= set(BASE62),
    Check.CHECKSUM: lambda text: checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:],
}
"""What holds for a text that may be looked up. Each needs those before it."""

RULES: dict[Check, Callable[[Held, Circumstances], bool]] = {
    Check.ENABLED: lambda held, _: held.expires_at >= 0,
    Check.NOT_BEFORE: lambda held, at: at.now >= held.not_before,
    Check.EXPIRY: lambda held, at: at.now < abs(held.expires_at),
    Check.USER: lambda held, _: held.disabled_at is None,
    Check.NETWORKS: lambda held, at: not held.networks or allows(held.networks, at.address),
    Check.AUDIENCE: lambda held, at: is_meant(held.audience, at.needed),
    Check.SCOPES: lambda held, at: held.scopes.covers(at.needed),
    # Whoever asks for requests to be counted has each counted when all else holds; a question counts for nothing.
    Check.LIMIT: lambda _held, _at: True,
}
"""What holds for a token that may do what is asked, once its secret is known to be right."""

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
    Check.AUDIENCE: Denial.AUDIENCE,
    Check.SCOPES: Denial.INSUFFICIENT_SCOPE,
    Check.LIMIT: Denial.EXHAUSTED,
}
_IN_ORDER = [(rule, DENIALS[check]) for check, rule in RULES.items()]


def find_denial(held: Held, at: Circumstances) -> Denial | None:
    """Why a token may not do what is asked; None if it may."""
    for holds, denial in _IN_ORDER:
        if not holds(held, at):
            return denial
    return None
