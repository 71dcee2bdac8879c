"""Deleting expired idempotency keys."""

import time

from tokenry.service.transactions import Transactions
from tokenry.storage.idempotency import DELETED_MAX, delete_expired_keys
from tokenry.storage.jobs import claim_job
from tokenry.storage.one_thread import OneThread

PRUNING_SECONDS = 60
TURN_SECONDS_MAX = 30
"""How long one turn may take. What is left is deleted in the next."""


class Pruning:
    """A job of the fleet: in each turn one worker deletes, the others find that it is not theirs."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._thread = OneThread()

    async def run(self) -> None:
        """Delete in a thread, if it is this worker's turn. Raises Unavailable."""
        await self._thread.run(self.prune, seconds=TURN_SECONDS_MAX)

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
