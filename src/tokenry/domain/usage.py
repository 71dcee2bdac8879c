"""What tokens are used for, day by day: how often they were presented, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from tokenry.domain.checks import Denial
from tokenry.domain.scopes import Scopes

DAY_SECONDS = 86400
DAYS_KEPT = 90
"""So many days of counts are kept, that of today with them."""
_EPOCH = date(1970, 1, 1).toordinal()


class Result(StrEnum):
    """What became of a token that was presented: it was accepted, or refused and why."""

    ACCEPTED = "accepted"
    DISABLED = "disabled"
    PENDING = "pending"
    EXPIRED = "expired"
    USER = "user"
    ADDRESS = "address"
    AUDIENCE = "audience"
    PROOF = "proof"
    SCOPES = "scopes"
    LIMIT = "limit"
    UNKNOWN = "unknown"


RESULT_OF = {
    Denial.UNKNOWN: Result.UNKNOWN,
    Denial.CLOSED: Result.DISABLED,
    Denial.PENDING: Result.PENDING,
    Denial.EXPIRED: Result.EXPIRED,
    Denial.DISABLED: Result.USER,
    Denial.ADDRESS: Result.ADDRESS,
    Denial.AUDIENCE: Result.AUDIENCE,
    Denial.UNPROVED: Result.PROOF,
    Denial.INSUFFICIENT_SCOPE: Result.SCOPES,
    Denial.EXHAUSTED: Result.LIMIT,
}
"""How each denial is counted. What was no token at all, or not there, is not."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often something became of tokens that were presented on one day (UTC)."""

    day: date
    result: Result
    number: int


@dataclass(frozen=True, slots=True)
class WouldBeRefusal:
    """How often a token that is watched would have been refused on a day for want of a scope; when and where last."""

    day: date
    scope: str
    number: int
    last: datetime
    address: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """To which scopes a token is watched, whether it could be kept to them; since when, by whom, and what came of it.

    The refusals are those that would have been, the newest day first.
    """

    token_id: int
    scopes: Scopes
    began: datetime
    began_by: str
    refusals: Sequence[WouldBeRefusal]


@dataclass(frozen=True, slots=True)
class RevokedUse:
    """That something was presented which begins as a revoked token does: whose, since when, when last and from where.

    Whether it was the token nobody can tell any more, since nothing is kept to compare its secret with: whoever knows
    the preview, which is no secret, can make one up.
    """

    token_id: int
    user_id: int
    label: str
    preview: str
    first: datetime
    last: datetime
    address: str | None


def day_of(seconds: float) -> int:
    """The number of the day, since 1970, in which a moment lies (seconds since 1970)."""
    return int(seconds // DAY_SECONDS)


def date_of(day: int) -> date:
    """The day of a number."""
    return date.fromordinal(_EPOCH + day)


def last_days(now: datetime, days: int = DAYS_KEPT) -> Sequence[int]:
    """The numbers of the last days, today's as the last."""
    today = day_of(now.astimezone(UTC).timestamp())
    return range(today - days + 1, today + 1)
