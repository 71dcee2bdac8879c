"""What tokens are used for, day by day: how often they were presented, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from tokenry.domain.checks import Denial

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


RESULTS = {
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
