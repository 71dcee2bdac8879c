"""Shortening the tokens that outlive the policy, where an administrator asked for it with a change of that."""

import time
from dataclasses import replace

from tokenry.domain.accounts import Origin
from tokenry.domain.policy_changes import Shortening
from tokenry.service.policy import Policies, shorten_some
from tokenry.service.transactions import Transactions
from tokenry.storage.database import retried
from tokenry.storage.jobs import claim_job
from tokenry.storage.one_thread import OneThread
from tokenry.storage.shortenings import claim_shortening, find_shortening, store_progress

LOOK_SECONDS = 2
"""How often a worker looks whether there is something to do."""
TURN_SECONDS = 10
"""Whose turn it is goes on for so long, and no longer: then others may."""
TURN_SECONDS_MAX = 30
_JOB = "shortening tokens"


class Shortenings:
    """A job of the fleet: the worker whose turn it is shortens tokens, a piece in each transaction.

    How far it came is stored with each piece, so after an interruption whoever is next goes on from there.
    """

    def __init__(self, transactions: Transactions, policies: Policies) -> None:
        self._transactions = transactions
        self._policies = policies
        self._thread = OneThread()

    async def run(self) -> None:
        """Shorten in a thread, if there is something to shorten and it is this worker's turn. Raises Unavailable."""
        await self._thread.run(self.shorten_tokens, seconds=TURN_SECONDS_MAX)

    def shorten_tokens(self) -> int:
        """Shorten tokens for one turn, if there is something to shorten and it is this worker's turn; how many."""
        found, awaited, shortened = self._find(), 0, 0
        if found is None or found.ended is not None or not self._claim_turn():
            return 0
        until = time.monotonic() + TURN_SECONDS
        while found is not None and found.ended is None and time.monotonic() < until:
            if found.id != awaited:
                # Who makes a token by the policy before has to have ended, or that token would not be found.
                self._policies.await_changers(TURN_SECONDS)
                awaited = found.id
            began = time.monotonic()
            found, number = self._shorten_some(found.id)
            shortened += number
            self._transactions.make_room(time.monotonic() - began)
        return shortened

    def _find(self) -> Shortening | None:
        with self._transactions.read() as connection:
            return find_shortening(connection)

    @retried
    def _claim_turn(self) -> bool:
        with self._transactions.database.write() as connection:
            return claim_job(connection, _JOB, seconds=TURN_SECONDS, now=self._transactions.now())

    @retried
    def _shorten_some(self, id: int) -> tuple[Shortening | None, int]:
        """Shorten some tokens, unless another has been asked for; how far it came, and how many that were."""
        with self._transactions.change(Origin(_JOB)) as change:
            found = claim_shortening(change.connection)
            if found is None or found.ended is not None or found.id != id:
                return found, 0
            done = shorten_some(replace(change, origin=found.origin), found.lifetime, found.last_id)
            if done is None:
                after, number = replace(found, ended=change.now), 0
            else:
                number = done.at_once + done.sooner
                after = replace(
                    found,
                    last_id=done.last_id,
                    at_once=found.at_once + done.at_once,
                    sooner=found.sooner + done.sooner,
                )
            store_progress(change.connection, after)
            return after, number
