"""Counting in memory that the processes of one host share."""

from ctypes import Array, c_uint64
from hashlib import blake2b
from multiprocessing.sharedctypes import RawArray

from tokenry.counters.host_quotas import HostQuotas
from tokenry.counters.quotas import ProcessQuotas

ROWS = 16 * 1024
WAYS = 8
"""Slots of a row. Rows, slots and 16 bytes for each: two megabytes for 131,072 keys at once."""
_COUNT = (1 << 32) - 1


class HostCounters:
    """Counts in memory of a fixed size, for the process that made it and those that it is handed to when they start.

    A table as processors keep their caches: a key's fingerprint picks a row, and any slot of the row may hold it. A
    slot is two words: the fingerprint, then the window's number above the count. A slot of another window is free, so
    nothing has to be swept; in a full row the smallest count makes room, so the most frequent callers are remembered,
    however many addresses an attacker has.

    There is no lock, since a process that is stopped while it holds one would stop all. Two that count the same key in
    the same microsecond may count once; a limit need not be more exact than that.
    """

    def __init__(self, rows: int = ROWS, *, shared: bool = False) -> None:
        self._rows = rows
        self.quotas: HostQuotas | ProcessQuotas = HostQuotas() if shared else ProcessQuotas()
        """Where tokens are counted against their limits, without waiting."""
        self._words: Array[c_uint64] = RawArray(c_uint64, rows * WAYS * 2)

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window."""
        return self.count_now(key, window)

    def count_now(self, key: str, window: int) -> int:
        """Do so in any thread."""
        words = self._words
        fingerprint = int.from_bytes(blake2b(key.encode("utf-8"), digest_size=8).digest(), "big")
        first = fingerprint % self._rows * WAYS * 2
        free, smallest = first, _COUNT
        for slot in range(first, first + WAYS * 2, 2):
            count = words[slot + 1] & _COUNT if words[slot + 1] >> 32 == window else 0
            if count and words[slot] == fingerprint:
                words[slot + 1] = window << 32 | count + 1
                return count + 1
            if count < smallest:
                free, smallest = slot, count
        words[free + 1] = window << 32 | 1
        words[free] = fingerprint
        return 1

    async def take(self, name: str, token_id: int, window: int, *, cost: int, limit: int) -> int:
        """Count `cost` more of a token's limit, as its quotas do."""
        return self.quotas.take_in(window, token_id, cost=cost, limit=limit)

    async def close(self) -> None:
        """Do nothing: the memory goes with the processes."""
