"""Counting in a Redis that hosts share."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from tokenry.domain.errors import SetupError, Unavailable
from tokenry.domain.limits import WINDOW_SECONDS
from tokenry.printable import first_line

if TYPE_CHECKING:
    from redis.asyncio import Redis

REDIS_SECONDS_MAX = 0.25
"""How long a request may wait for a Redis that does not answer."""
_TAKE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
if used <= tonumber(ARGV[2]) then redis.call('SET', KEYS[1], used, 'EX', ARGV[3]) end
return used
"""
T = TypeVar("T")


class RedisCounters:
    """Counts in a Redis, or in what speaks its protocol. May be handed to a process that starts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = _open_client(url)

    def __reduce__(self) -> tuple[type["RedisCounters"], tuple[str]]:
        return RedisCounters, (self._url,)

    async def count(self, key: str, window: int) -> int:
        """Count one more; how many that makes in this window. Raises Unavailable."""
        name = f"tokenry:{key}:{window}"
        pipeline = self._client.pipeline()
        pipeline.incr(name)
        pipeline.expire(name, WINDOW_SECONDS)
        used, _ = await _answered(pipeline.execute())
        return int(used)

    async def take(self, name: str, token_id: int, window: int, *, cost: int, limit: int) -> int:
        """Count `cost` more of what a token may do in this window; what that makes, or would make.

        If that is more than the limit, nothing is counted: Redis runs one script after the other. Raises Unavailable.
        """
        key = f"tokenry:{name}:quota:{token_id}:{window}"
        return int(await _answered(self._client.eval(_TAKE, 1, key, cost, limit, WINDOW_SECONDS)))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


async def _answered(waiting: Awaitable[T]) -> T:
    """What Redis answers. Raises Unavailable, also where it takes too long."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - an extra

    try:
        async with asyncio.timeout(REDIS_SECONDS_MAX):
            return await waiting
    except (RedisError, OSError) as error:  # a TimeoutError is an OSError
        raise Unavailable(f"{type(error).__name__}: {first_line(error)}") from error


def _open_client(url: str) -> "Redis":
    """Make a client, which connects when it is first asked. Raises SetupError, which does not quote the URL."""
    try:
        from redis.asyncio import Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SetupError(
            f'{error.name} is not installed, and counting in Redis needs it: run pip install "tokenry[server,redis]".'
        ) from None
    try:
        # One more try is for a connection that the server has closed; by default there are several, seconds apart.
        return Redis.from_url(url, retry=Retry(NoBackoff(), 1))
    except ValueError:
        raise SetupError(
            "The rate limit storage (--rate-limit-storage or TOKENRY_RATE_LIMIT_STORAGE) is neither `memory` nor a URL "
            "such as redis://:password@host:6379/0."
        ) from None
