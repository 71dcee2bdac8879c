"""Deleting what expired, and what is kept for a time, each kind by its own statement."""

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from tokenry.service.transactions import Transactions
from tokenry.storage.database import DELETED_MAX
from tokenry.storage.idempotency import delete_expired_keys
from tokenry.storage.jobs import claim_job
from tokenry.storage.links import delete_expired_links
from tokenry.storage.logins import delete_old_logins
from tokenry.storage.mailed_addresses import delete_old_turns
from tokenry.storage.notices import delete_old_notices
from tokenry.storage.oauth_clients import delete_unused_clients
from tokenry.storage.one_thread import OneThread
from tokenry.storage.outbox import delete_dead, delete_done
from tokenry.storage.page_tokens import delete_expired_page_tokens
from tokenry.storage.pruning import KINDS
from tokenry.storage.pushed_requests import delete_expired_requests
from tokenry.storage.sessions import delete_expired_sessions
from tokenry.storage.usage import OLD_DAYS

PRUNING_SECONDS = 60
_KINDS = (
    delete_expired_keys,
    delete_expired_sessions,
    delete_expired_links,
    delete_old_logins,
    delete_expired_page_tokens,
    delete_expired_requests,
    delete_done,
    delete_dead,
    delete_old_notices,
    delete_old_turns,
    *KINDS,
    delete_unused_clients,
    *OLD_DAYS,
)
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
        """Delete what expired, piece by piece, if it is this worker's turn; how many rows."""
        database, now = self._transactions.database, self._transactions.now()
        with database.write() as connection:
            if not claim_job(connection, "pruning", seconds=PRUNING_SECONDS, now=now):
                return 0
        return sum(self._prune_all(delete_some, now) for delete_some in _KINDS)

    def _prune_all(self, delete_some: Callable[[Connection, datetime], int], now: datetime) -> int:
        """Delete all of a kind; how many."""
        deleted = 0
        while True:
            began = time.monotonic()
            with self._transactions.database.write() as connection:
                piece = delete_some(connection, now)
            deleted += piece
            if piece < DELETED_MAX:
                return deleted
            self._transactions.make_room(time.monotonic() - began)
