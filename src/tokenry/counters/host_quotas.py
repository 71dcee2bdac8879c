"""Counting what tokens are used for against their limits, in memory that the processes of one host share."""

from ctypes import Array, c_uint64
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Lock

from tokenry.counters.quotas import Meter, Quotas
from tokenry.domain.limits import REQUESTS_PER_MINUTE_MAX

ROWS = 1 << 15
WAYS = 8
"""Slots of a row. Rows, slots and 8 bytes for each: two megabytes for 262,144 tokens of one minute."""
COUNT_BITS = 20
WINDOW_BITS = 18
COUNT_MAX = (1 << COUNT_BITS) - 1
_WINDOW_MAX = (1 << WINDOW_BITS) - 1
_TAG_BITS = 64 - WINDOW_BITS - COUNT_BITS
assert COUNT_MAX >= REQUESTS_PER_MINUTE_MAX
LOCKS = 8
TRIES = 20
LOCK_SECONDS_MAX = 0.1
"""Longer than a process has one that goes on at all, by far: so it has died, or was stopped, meanwhile."""


class SharedMeter(Meter):
    """Where one token is counted, for one process: `slot` is where it was last."""

    __slots__ = ("base", "first", "lock", "slot", "tag")

    def __init__(self, first: int, tag: int, lock: Lock) -> None:
        super().__init__()
        self.first = self.slot = first
        self.tag = self.base = tag
        self.lock = lock

    def turn(self, window: int) -> None:
        """Count in this window from now on."""
        super().turn(window)
        self.base = self.tag | (window & _WINDOW_MAX) << COUNT_BITS


class HostQuotas(Quotas[SharedMeter]):
    """Counts in memory of a fixed size, for the process that made it and those that it is handed to.

    A table as processors keep their caches: a token's id picks a row, and any slot of the row may hold it. A slot is
    one word: what is left of the id, then the window's number, then the count. A slot of another window is free, so
    nothing has to be swept; in a full row the smallest count makes room, and its token begins again: whoever asks most
    is remembered, and nobody is refused for what others asked.

    The processes take turns by a lock for every eighth row, so no request is counted twice or not at all. One
    that is held for LOCK_SECONDS_MAX is as good as free.
    """

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self._memory: Array[c_uint64] = RawArray(c_uint64, rows * WAYS)
        self._locks = [get_context("spawn").Lock() for _ in range(LOCKS)]
        self._words = memoryview(self._memory).cast("B").cast("Q")

    def __getstate__(self) -> tuple[int, "Array[c_uint64]", list[Lock]]:
        return self._rows, self._memory, self._locks

    def __setstate__(self, state: tuple[int, "Array[c_uint64]", list[Lock]]) -> None:
        self._rows, self._memory, self._locks = state
        self._words = memoryview(self._memory).cast("B").cast("Q")

    def find_meter(self, token_id: int) -> SharedMeter:
        """Find where a token is counted."""
        rest, row = divmod(token_id, self._rows)
        tag = rest % (1 << _TAG_BITS) << WINDOW_BITS + COUNT_BITS
        return SharedMeter(row * WAYS, tag, self._locks[row % LOCKS])

    def take(self, meter: SharedMeter, cost: int, limit: int) -> int:
        """Count `cost` more in this window, if that makes no more than the limit; what it makes, or would make."""
        lock = meter.lock
        if not lock.acquire(False):  # noqa: FBT003 - names cost, on the hot path
            _wait(lock)
        words, base, slot = self._words, meter.base, meter.slot
        try:
            used = words[slot] - base
            if not 0 < used <= COUNT_MAX:
                used = self._find(meter, base)
                slot = meter.slot
            used += cost
            if used <= limit:
                words[slot] = base + used
        finally:
            try:  # noqa: SIM105 - `suppress` costs as much as all else here
                lock.release()
            except ValueError:  # nobody has it: it was held for too long
                pass
        return used

    def _find(self, meter: SharedMeter, base: int) -> int:
        """Find the token's slot in its row, or one for it; what is counted there for it."""
        words, smallest = self._words, COUNT_MAX + 1
        window = base >> COUNT_BITS & _WINDOW_MAX
        for slot in range(meter.first, meter.first + WAYS):
            word = words[slot]
            if 0 < word - base <= COUNT_MAX:
                meter.slot = slot
                return word - base
            count = word & COUNT_MAX if word >> COUNT_BITS & _WINDOW_MAX == window else 0
            if count < smallest:
                meter.slot, smallest = slot, count
        return 0


def _wait(lock: Lock) -> None:
    """Wait until a lock is free, or as good as free. It soon is, so first without giving up the core."""
    if not any(lock.acquire(block=False) for _ in range(TRIES)):
        lock.acquire(timeout=LOCK_SECONDS_MAX)
