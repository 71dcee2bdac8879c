"""Where is counted: in memory that the processes of one host share, or in a Redis that hosts share."""

from typing import Protocol

from tokenry.counters.host import HostCounters
from tokenry.counters.redis import RedisCounters


class Counters(Protocol):
    """Where requests are counted, by key and by the number of a window.

    Those that need not wait for it also have `count_now`, which is `count` without the waiting, for any thread.
    """

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window. Raises Unavailable."""

    async def close(self) -> None:
        """Release the memory or the connections."""


def open_counters(storage: str) -> HostCounters | RedisCounters:
    """Open the counters that a setting names: `memory`, or the URL of a Redis. Raises SetupError."""
    return HostCounters() if storage == "memory" else RedisCounters(storage)
