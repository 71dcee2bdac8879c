"""Threads for operations, which wait for the database: so many for reading and so many for writing, for each process.

Nobody takes them all: a user has a share of each, for which its further requests wait. So a user whose lists take long
holds up neither the lists of others nor any revocation. Every wait has an end, that for a thread too.
"""

import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter, current_time, move_on_after, to_thread

from tokenry.domain.errors import Refusal, Unavailable
from tokenry.storage.database import READERS_MAX, WRITERS_MAX
from tokenry.storage.deadline import within
from tokenry.web.errors import TooManyRequests

T = TypeVar("T")

SHARE_MAX = 1
"""Threads of each kind for one user. More share a core, so they hardly do more, and leave others less of it."""
WAITING_MAX = 0.5
"""Of a request's time, waiting for its user's other requests: the rest is for what it asks."""
ABANDONED_AFTER_SECONDS = 0.5
"""How much later than it should a thread is left to itself: it hangs in something that knows no deadline."""


@dataclass(slots=True)
class _Share:
    limiter: CapacityLimiter
    requests: int = 0


class Threads:
    """The threads of one process. `seconds` is how long a request may take in all, waiting included."""

    def __init__(self, seconds: float = math.inf) -> None:
        self.seconds = seconds
        self._reading = CapacityLimiter(READERS_MAX)
        self._writing = CapacityLimiter(WRITERS_MAX)
        self._shares: dict[Hashable, _Share] = {}

    async def run(
        self,
        work: Callable[[], T],
        *,
        who: Hashable,
        writes: bool = False,
        spent: float = 0,
    ) -> T:
        """Do work in a thread of somebody's share, in what is left of the time when some is spent.

        Raises TooManyRequests when others of this share take all of it, Unavailable when there is no thread, or when
        the work does not end; and what the work raises.
        """
        seconds = self.seconds - spent
        refusal: type[Refusal] = TooManyRequests if seconds > 0 else Unavailable
        with (
            within(seconds),
            self._share((who, writes)) as share,
            move_on_after(WAITING_MAX * max(0, seconds)) as scope,
        ):
            until = current_time() + seconds
            async with share:
                if not scope.cancel_called:  # else its turn came in the moment in which it was given up
                    refusal = Unavailable
                    scope.deadline = until + ABANDONED_AFTER_SECONDS
                limiter = self._writing if writes else self._reading
                return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
        raise refusal

    @contextmanager
    def _share(self, key: Hashable) -> Iterator[CapacityLimiter]:
        """Somebody's share of one kind of threads, which is forgotten when nobody needs it any more."""
        share = self._shares.setdefault(key, _Share(CapacityLimiter(SHARE_MAX)))
        share.requests += 1
        try:
            yield share.limiter
        finally:
            share.requests -= 1
            if not share.requests:
                del self._shares[key]
