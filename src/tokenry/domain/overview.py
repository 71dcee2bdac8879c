"""What an administrator is told of all tokens together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tokenry.domain.usage import Result

EXPIRING_SOON = timedelta(days=30)
LONG_UNUSED = timedelta(days=90)


class Gauge(StrEnum):
    """How many live tokens there are, of which kind."""

    LIVE = "live"
    EXPIRING = "expiring"
    ENDLESS = "endless"
    ALL_SCOPES = "all_scopes"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Day:
    """What became of an account's tokens on a day, and how many there were at its end; 0 where nobody counted.

    `unknown` is how often something was presented that is no token of anybody's, in the whole installation.
    """

    day: date
    live: int
    results: Mapping[Result, int]
    unknown: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The last ninety days, the first first, but for those before anything was counted; and how many tokens there are.

    Those numbers are some minutes old: live ones; those that expire in thirty days, or never; those that hold `*`, or
    were not used for ninety days. None before they were counted at all.
    """

    days: Sequence[Day]
    tokens: Mapping[Gauge, int] | None
