"""Where requests are counted: in memory that the processes of one host share, or in a Redis that hosts share."""

import asyncio
from ctypes import Array, c_uint64
from hashlib import blake2b
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING, Protocol

from tokenry.domain.errors import SetupError, Unavailable
from tokenry.domain.limits import WINDOW_SECONDS
from tokenry.printable import first_line

if TYPE_CHECKING:
    from redis.asyncio import Redis

ROWS = 16 * 1024
WAYS = 8
"""Slots of a row. Rows, slots and 16 bytes for each: two megabytes for 131,072 keys at once."""
REDIS_SECONDS_MAX = 0.25
"""How long a request may wait for a Redis that does not answer."""
_COUNT = (1 << 32) - 1


class Counters(Protocol):
    """Where requests are counted, by key and by the number of a window."""

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window. Raises Unavailable."""

    async def close(self) -> None:
        """Let go of whatever is behind it."""


class HostCounters:
    """Counts in memory of a fixed size, for the process that made it and those that it is handed to when they start.

    A table as processors keep their caches: a key's fingerprint picks a row, and any slot of the row may hold it. A
    slot is two words: the fingerprint, then the window's number above the count. A slot of another window is free, so
    nothing has to be swept; in a full row the smallest count makes room, so whoever asks most is remembered, however
    many addresses an attacker has.

    There is no lock, since a process that is stopped while it holds one would stop all. Two processes that count the
    same key in the same microsecond may count once; a limit need not be more exact than that.
    """

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self._words: Array[c_uint64] = RawArray(c_uint64, rows * WAYS * 2)

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window."""
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

    async def close(self) -> None:
        """Do nothing: the memory goes with the processes."""


class RedisCounters:
    """Counts in a Redis, or in what speaks its protocol. May be handed to a process that starts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = _open_client(url)

    def __reduce__(self) -> tuple[type["RedisCounters"], tuple[str]]:
        return RedisCounters, (self._url,)

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window. Raises Unavailable."""
        from redis.exceptions import RedisError  # noqa: PLC0415 - an extra

        name = f"tokenry:{key}:{window}"
        try:
            async with asyncio.timeout(REDIS_SECONDS_MAX), self._client.pipeline() as pipeline:
                pipeline.incr(name)
                pipeline.expire(name, WINDOW_SECONDS)
                used, _ = await pipeline.execute()
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            raise Unavailable(f"{type(error).__name__}: {first_line(error)}") from error
        return int(used)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def open_counters(storage: str) -> HostCounters | RedisCounters:
    """Open the counters that a setting names: `memory`, or the URL of a Redis. Raises SetupError."""
    return HostCounters() if storage == "memory" else RedisCounters(storage)


def _open_client(url: str) -> "Redis":
    """Make a client, which connects when it is first asked. Raises SetupError, which does not quote the URL."""
    try:
        from redis.asyncio import Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SetupError(
            f'{error.name} is not installed, which counting in Redis needs: run pip install "tokenry[server,redis]".'
        ) from None
    try:
        # One more try is for a connection that the server has closed; by default there are several, seconds apart.
        return Redis.from_url(url, retry=Retry(NoBackoff(), 1))
    except ValueError:
        raise SetupError(
            "TOKENRY_RATE_LIMIT_STORAGE is neither `memory` nor a URL such as redis://:password@host:6379/0."
        ) from None
