"""Work on the database beside the answers: in one thread, which nobody waits for without end."""

import threading
from collections.abc import Callable

from anyio import CapacityLimiter, move_on_after, to_thread

from tokenry.domain.errors import Unavailable
from tokenry.storage.deadline import within

ABANDONED_AFTER_SECONDS = 1
"""How much later than it should the thread is left to itself: it hangs in something that knows no deadline."""


class OneThread:
    """Does one thing at a time: one that hangs holds a connection, and would soon hold all of them."""

    def __init__(self) -> None:
        self._limiter, self._working = CapacityLimiter(1), threading.Lock()

    async def run(self, work: Callable[[], object], *, seconds: float) -> None:
        """Work within so many seconds. Raises Unavailable, also while earlier work hangs, and what the work raises."""
        with within(seconds), move_on_after(seconds + ABANDONED_AFTER_SECONDS) as scope:
            await to_thread.run_sync(lambda: self._do(work), abandon_on_cancel=True, limiter=self._limiter)
        if scope.cancelled_caught:
            raise Unavailable("the database does not answer")

    def _do(self, work: Callable[[], object]) -> None:
        if not self._working.acquire(blocking=False):
            raise Unavailable("an earlier attempt has not ended")
        try:
            work()
        finally:
            self._working.release()
