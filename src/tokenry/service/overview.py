"""All tokens of an account at a glance, for its administrators."""

import time

from tokenry.domain.accounts import Actor
from tokenry.domain.callers import require_administrator
from tokenry.domain.overview import Day, Gauge, Overview
from tokenry.domain.usage import Result, date_of, last_days
from tokenry.service.acting import get_reader
from tokenry.service.transactions import Transactions
from tokenry.storage import overview as stored
from tokenry.storage.jobs import claim_job
from tokenry.storage.one_thread import OneThread

COUNTING_SECONDS = 600
LOOK_SECONDS = 60
"""How often a worker looks whether it is its turn: so long after a start there are numbers."""
ACCOUNTS_AT_ONCE = 100
TURN_SECONDS_MAX = 60
_JOB = "counting tokens"


class Overviews:
    """What is read, and the job that counts: of the fleet, so one worker does it in turn."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._thread = OneThread()

    def get_overview(self, actor: Actor) -> Overview:
        """Read it. Raises Forbidden."""
        now = self._transactions.now()
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            own = stored.list_numbers(connection, actor.account_id, now)
            unknown = stored.list_numbers(connection, 0, now)
        if not own and not unknown:
            return Overview((), None)
        first = min([*own, *unknown])
        days = [day for day in map(date_of, last_days(now)) if day.isoformat() >= first]
        counted = next((numbers for numbers in reversed([*own.values()]) if Gauge.LIVE in numbers), None)
        return Overview(
            [
                Day(
                    day,
                    own.get(day.isoformat(), {}).get(Gauge.LIVE, 0),
                    {each: found for each in Result if (found := own.get(day.isoformat(), {}).get(each, 0)) > 0},
                    unknown.get(day.isoformat(), {}).get(Result.UNKNOWN, 0),
                )
                for day in days
            ],
            None if counted is None else {gauge: counted[gauge] for gauge in Gauge},
        )

    async def run(self) -> None:
        """Count in a thread, if it is this worker's turn. Raises Unavailable."""
        await self._thread.run(self.count_tokens, seconds=TURN_SECONDS_MAX)

    def count_tokens(self) -> int:
        """Count the tokens of all accounts, some accounts in each transaction; how many accounts."""
        now, last, counted = self._transactions.now(), 0, 0
        with self._transactions.database.write() as connection:
            if not claim_job(connection, _JOB, seconds=COUNTING_SECONDS, now=now):
                return 0
        while True:
            began = time.monotonic()
            with self._transactions.database.write() as connection:
                ids = stored.list_accounts_after(connection, last, ACCOUNTS_AT_ONCE)
                stored.store_gauges(connection, ids, now)
            if not ids:
                return counted
            last, counted = ids[-1], counted + len(ids)
            self._transactions.make_room(time.monotonic() - began)
