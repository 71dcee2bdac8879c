"""How many requests somebody may make in one window of the clock, and what is left of them."""

from typing import NamedTuple

from tokenry.domain.errors import Fault

WINDOW_SECONDS = 60
REQUESTS_PER_MINUTE_MAX = 1_000_000
"""The highest limit that a token may have, or a kind of user; 0 is none."""
COST_MAX = 1000
"""The most that one request may count for."""


class Allowance(NamedTuple):
    """What somebody was left with when a request was counted. `reset` is in seconds since 1970.

    `reset - 1` is when the window is over. The second between is the wire format's, and it is why a client that waits
    `retry_after` seconds finds the next window open: rounded down to seconds, its own clock may be one behind.
    """

    limit: int
    used: int
    reset: int
    retry_after: int

    @property
    def remaining(self) -> int:
        """How many more requests this window has."""
        return max(0, self.limit - self.used)

    @property
    def exceeded(self) -> bool:
        """Whether the request that was counted is one too many."""
        return self.used > self.limit


def limit_faults(limit: int | None) -> list[Fault]:
    """Say what is wrong with a limit of a token's requests; None is what was no whole number."""
    if limit is None or not 0 <= limit <= REQUESTS_PER_MINUTE_MAX:
        return [Fault(f"Must be 0-{REQUESTS_PER_MINUTE_MAX}, 0 for no limit", "requests_per_minute")]
    return []


def lowest(*limits: int) -> int:
    """The limit that holds where there are several: the lowest, but for 0, which is none."""
    return min(filter(None, limits), default=0)


def window_at(seconds: float) -> int:
    """The number of the window in which this moment lies: windows are the same for everybody, whole minutes."""
    return int(seconds // WINDOW_SECONDS)


def allowance(*, limit: int, used: int, now: float) -> Allowance:
    """What is left of a limit after `used` requests in the window of `now`, the one under way included."""
    reset = (window_at(now) + 1) * WINDOW_SECONDS + 1
    return Allowance(limit, used, reset, reset - int(now) - 1)
