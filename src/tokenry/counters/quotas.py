"""Counting what tokens are used for against their limits, in one process or (`host_quotas.py`) in several."""

from abc import ABC, abstractmethod
from itertools import islice
from typing import Generic, TypeVar

METERS_MAX = 1 << 16
"""So many tokens are counted at once, in some ten megabytes."""


class Meter:
    """Where one token is counted: in the `window` of this number it was `used` so much, if one process counts alone.

    Those who share their counts have them elsewhere (`host_quotas.py`), and `used` says nothing.
    """

    __slots__ = ("used", "window")

    def __init__(self) -> None:
        self.window = -1
        self.used = 0

    def turn(self, window: int) -> None:
        """Count in this window from now on."""
        if window != self.window:
            self.used = 0
        self.window = window


NO_METER = Meter()
"""Of a token that was not counted yet."""
M = TypeVar("M", bound=Meter)


class Quotas(ABC, Generic[M]):
    """Where tokens are counted without waiting. It is for one thread of a process."""

    @abstractmethod
    def find_meter(self, token_id: int) -> M:
        """Find where a token is counted."""

    @abstractmethod
    def take(self, meter: M, cost: int, limit: int) -> int:
        """Count `cost` more in this window, if that makes no more than the limit; what it makes, or would make."""

    def take_in(self, window: int, token_id: int, *, cost: int, limit: int) -> int:
        """Do so for a token that need not be counted quickly."""
        meter = self.find_meter(token_id)
        meter.turn(window)
        return self.take(meter, cost, limit)


class ProcessQuotas(Quotas[Meter]):
    """Counts of one process, which it shares with no other.

    Where there are too many, those of former windows go, or else the half with the smallest counts. Their tokens begin
    again: whoever asks most is remembered, and nobody is refused for what others asked.
    """

    def __init__(self, meters_max: int = METERS_MAX) -> None:
        self._meters_max = meters_max
        self._meters: dict[int, Meter] = {}

    def find_meter(self, token_id: int) -> Meter:
        """Find where a token is counted, with room for it."""
        meter = self._meters.get(token_id)
        if meter is None:
            if len(self._meters) >= self._meters_max:
                self._make_room()
            meter = self._meters[token_id] = Meter()
        return meter

    def take(self, meter: Meter, cost: int, limit: int) -> int:
        """Count `cost` more in this window, if that makes no more than the limit; what it makes, or would make."""
        used = meter.used + cost
        if used <= limit:
            meter.used = used
        return used

    def _make_room(self) -> None:
        busiest = sorted(self._meters.items(), key=lambda item: (item[1].window, item[1].used), reverse=True)
        newest = busiest[0][1].window
        self._meters = {
            token_id: meter for token_id, meter in islice(busiest, len(busiest) // 2) if meter.window == newest
        }
