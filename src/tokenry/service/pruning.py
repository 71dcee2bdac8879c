"""Deleting expired idempotency keys."""

import threading
import time

from anyio import CapacityLimiter, move_on_after, to_thread

from tokenry.domain.errors import Unavailable
from tokenry.service.transactions import Transactions
from tokenry.storage.deadline import within
from tokenry.storage.idempotency import DELETED_MAX, delete_expired_keys
from tokenry.storage.jobs import claim_job

PRUNING_SECONDS = 60
TURN_SECONDS_MAX = 30
"""How long one turn may take. What is left is deleted in the next."""
ABANDONED_AFTER_SECONDS = 1
"""How much later than it should the thread is left to itself: it hangs in something that knows no deadline."""


class Pruning:
    """A job of the fleet: in each turn one worker deletes, the others find that it is not theirs."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._thread, self._deleting = CapacityLimiter(1), threading.Lock()

    async def run(self) -> None:
        """Delete in a thread, if it is this worker's turn. Raises Unavailable."""
        with within(TURN_SECONDS_MAX), move_on_after(TURN_SECONDS_MAX + ABANDONED_AFTER_SECONDS) as scope:
            await to_thread.run_sync(self._prune_alone, abandon_on_cancel=True, limiter=self._thread)
        if scope.cancelled_caught:
            raise Unavailable("the database does not answer")

    def _prune_alone(self) -> None:
        """Delete in one thread at a time: one that hangs holds a connection."""
        if not self._deleting.acquire(blocking=False):
            raise Unavailable("an earlier attempt has not ended")
        try:
            self.prune()
        finally:
            self._deleting.release()

    def prune(self) -> int:
        """Delete the keys of requests that expired, piece by piece, if it is this worker's turn; how many."""
        database, now = self._transactions.database, self._transactions.now()
        with database.write() as connection:
            if not claim_job(connection, "pruning", seconds=PRUNING_SECONDS, now=now):
                return 0
        deleted = 0
        while True:
            began = time.monotonic()
            with database.write() as connection:
                piece = delete_expired_keys(connection, now)
            deleted += piece
            if piece < DELETED_MAX:
                return deleted
            self._transactions.make_room(time.monotonic() - began)
