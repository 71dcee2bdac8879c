"""Counting in a Redis that hosts share."""

import asyncio
from typing import TYPE_CHECKING

from tokenry.domain.errors import SetupError, Unavailable
from tokenry.domain.limits import WINDOW_SECONDS
from tokenry.printable import first_line

if TYPE_CHECKING:
    from redis.asyncio import Redis

REDIS_SECONDS_MAX = 0.25
"""How long a request may wait for a Redis that does not answer."""


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
