"""Where is counted: in memory that the processes of one host share, or in a Redis that hosts share."""

from typing import Protocol

from tokenry.counters.host import HostCounters
from tokenry.counters.redis import RedisCounters


class Counters(Protocol):
    """Where requests are counted, by key and by the number of a window.

    Those that need not wait for it also have `count_now`, which is `count` without the waiting, for any thread, and
    `quotas`, for the event loop.
    """

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window. Raises Unavailable."""

    async def take(self, name: str, token_id: int, window: int, *, cost: int, limit: int) -> int:
        """Count `cost` more of what a token may do in this window; what that makes, or would make.

        If that is more than the limit, nothing is counted. `name` keeps installations apart. Raises Unavailable.
        """

    async def close(self) -> None:
        """Release the memory or the connections."""


def open_counters(storage: str, *, shared: bool = False) -> HostCounters | RedisCounters:
    """Open the counters that a setting names: `memory`, or the URL of a Redis. Raises SetupError.

    `shared` is whether they are handed to several processes.
    """
    return HostCounters(shared=shared) if storage == "memory" else RedisCounters(storage)
