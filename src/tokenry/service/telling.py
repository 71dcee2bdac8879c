"""Telling webhooks what happened: from the outbox, each message at least once, those on one thing in their order.

A webhook is one worker's for a while (`storage/webhooks.py`), so nobody else sends to it meanwhile, and if that worker
dies, another takes over. A message that was taken while its sender died is sent again: receivers know it by its id.

Those that fail, or are slow to answer, rest after each message, and wait for threads of their own: they hold up nobody.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from anyio import CapacityLimiter, create_task_group, to_thread

from tokenry.domain.accounts import Origin
from tokenry.domain.secrets import Peppers
from tokenry.domain.webhook_events import WebhookFull, WebhookGone
from tokenry.domain.webhooks import (
    WAITING_MAX,
    Delivery,
    Disabling,
    SigningKey,
    State,
    backoff,
    sign,
)
from tokenry.fetching.reach import Networks, NotFetched, NotTried, Within
from tokenry.service.transactions import Transactions
from tokenry.service.webhooks import reach_of, webhook_seal
from tokenry.storage import outbox
from tokenry.storage import webhooks as stored
from tokenry.storage.database import retried
from tokenry.storage.deadline import within
from tokenry.storage.webhooks import LEASE, Recipient, Turn, Waiting

if TYPE_CHECKING:
    from tokenry.fetching.fetcher import Fetcher

INTERVAL_SECONDS = 2
SENDERS_MAX = 4
"""Webhooks to which one worker sends at a time."""
TRIERS_MAX = 2
"""Beside these, webhooks that failed the last time, to which it sends: those that hang hold up no more than these."""
TURN_SECONDS_MAX = 10
"""How long a worker goes on with one webhook while others may wait. It is done with the last message well in LEASE."""
SEND_SECONDS_MAX = 10
SLOW_SECONDS = 5
"""Who takes longer to answer is treated as one that fails, but for the message, which was taken."""
DATABASE_SECONDS_MAX = 10
ANSWER_BYTES_MAX = 64 * 1024
WAITING_LOOKED_AT = 500
"""Webhooks for which something waits, at a time."""
DUE_MAX = 100
OF_ACCOUNT_MAX = 2
"""Of one account's webhooks so many are sent to in a pass: those of others wait for no more than these."""
NO_SECRET = "its secret cannot be read by this installation: give it another"  # noqa: S105 - words for people
BY_ITSELF = "webhooks"
"""Who disables webhooks, in the audit, where nobody did."""
_TAKEN = range(200, 300)
_GONE = 410

assert LEASE.total_seconds() > TURN_SECONDS_MAX + SEND_SECONDS_MAX + 2 * DATABASE_SECONDS_MAX


class Message(NamedTuple):
    """What is sent next, and to whom: as that is now, whatever it was for the message before."""

    recipient: Recipient
    delivery: Delivery
    body: bytes


class Outcome(NamedTuple):
    """What became of it: the status of the answer, or why there is none."""

    status: int | None = None
    error: str | None = None
    slow: bool = False

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status in _TAKEN


class Limits(NamedTuple):
    """How much may wait for a webhook, and how long its answers may take before it has to rest."""

    waiting_max: int = WAITING_MAX
    slow_seconds: float = SLOW_SECONDS


class Telling:
    """Two jobs of the fleet: each worker takes webhooks that wait and nobody has, and sends to them."""

    def __init__(
        self,
        transactions: Transactions,
        peppers: Peppers,
        networks: Networks,
        chance: Callable[[], float] = random.random,
        limits: Limits = Limits(),  # noqa: B008 - it is never changed
    ) -> None:
        self._transactions = transactions
        self._seal = webhook_seal(peppers)
        self._networks = networks
        self._chance = chance
        self._limits = limits
        self._threads = {False: CapacityLimiter(SENDERS_MAX), True: CapacityLimiter(TRIERS_MAX)}
        """By whether they are for webhooks that failed the last time; so is the last id that was looked at."""
        self._seen = {False: 0, True: 0}
        self._database = threading.Lock()
        """Of the senders one at a time has a connection."""
        self._fetchers: dict[Within, Fetcher] = {}

    async def run(self) -> None:
        """Send what is due to webhooks that took what they were told. Raises Unavailable."""
        await self._tell_all(failing=False)

    async def try_failing(self) -> None:
        """Try those that failed the last time. Raises Unavailable."""
        await self._tell_all(failing=True)

    async def _tell_all(self, *, failing: bool) -> None:
        failures: list[Exception] = []
        run = partial(to_thread.run_sync, abandon_on_cancel=True, limiter=self._threads[failing])

        async def tell(webhook_id: int) -> None:
            try:
                await run(self.tell, webhook_id)
            except Exception as failure:  # noqa: BLE001 - raised when the others are done
                failures.append(failure)

        due = await run(partial(self.list_due, failing=failing))
        async with create_task_group() as tasks:
            for webhook_id in due:
                tasks.start_soon(tell, webhook_id)
        if failures:
            raise failures[0]

    def list_due(self, *, failing: bool = False) -> Sequence[int]:
        """List webhooks to which something can be sent, who waits longest first: those that failed, or the others.

        So many are looked at, and those behind them the next time. Raises Unavailable.
        """
        with self._database, within(DATABASE_SECONDS_MAX), self._transactions.read() as connection:
            now, after = self._transactions.now(), self._seen[failing]
            found = stored.list_waiting(connection, now, after=after, limit=WAITING_LOOKED_AT)
        self._seen[failing] = max(each.webhook_id for each in found) if len(found) == WAITING_LOOKED_AT else 0
        due = [each for each in found if each.due and (each.failures != 0) is failing]
        return choose_due(due)[:DUE_MAX]

    def tell(self, webhook_id: int) -> int:
        """Send a webhook what is due, unless somebody else does; how many messages it took. Raises Unavailable.

        While it rests, that is only what somebody sends by hand: if it takes that, the rest has ended, or else goes on.
        A message whose turn to be sent did not come in time waits as before, and is no failure of the webhook.
        """
        until = time.monotonic() + TURN_SECONDS_MAX
        with self._database, within(DATABASE_SECONDS_MAX):
            turn = self._take_turn(webhook_id)
        if turn is None:
            return 0
        taken, failures, rests = 0, turn.failures, turn.rests
        while time.monotonic() < until and (message := self._find_next(webhook_id, by_hand=rests)) is not None:
            try:
                outcome = self._send(message)
            except NotTried:
                break
            with self._database, within(DATABASE_SECONDS_MAX):
                self._note(message, outcome)
            taken += outcome.taken
            rests = rests and not outcome.taken
            failures = int(outcome.slow) if outcome.taken else failures + 1
            if failures:
                break
        with self._database, within(DATABASE_SECONDS_MAX):
            self._end_turn(webhook_id, None if rests else failures)
        with self._database, within(DATABASE_SECONDS_MAX):
            self._disable_full(webhook_id)
        return taken

    @retried
    def _take_turn(self, webhook_id: int) -> Turn | None:
        with self._transactions.database.write() as connection:
            return stored.take_turn(connection, webhook_id, self._transactions.now())

    def _find_next(self, webhook_id: int, *, by_hand: bool = False) -> Message | None:
        with self._database, within(DATABASE_SECONDS_MAX), self._transactions.read() as connection:
            now = self._transactions.now()
            recipient = stored.find_recipient(connection, webhook_id, now)
            delivery = None if recipient is None else outbox.find_next(connection, webhook_id, now, by_hand=by_hand)
            if recipient is None or delivery is None:
                return None
            return Message(recipient, delivery, outbox.get_body(connection, delivery))

    def _send(self, message: Message) -> Outcome:
        webhook, sealed = message.recipient
        opened = [self._seal.open(each, str(webhook.id)) for each in sealed]
        keys = [SigningKey(key) for key in opened if key is not None]
        if not keys:
            return Outcome(error=NO_SECRET)
        reach = reach_of(webhook.url, webhook.account_id, self._networks)
        headers = sign(message.delivery.message_id, message.body, keys, self._transactions.now())
        began = time.monotonic()
        try:
            answer = self._fetcher(reach).fetch(
                "POST", webhook.url, headers, message.body, until=began + SEND_SECONDS_MAX, bytes_max=ANSWER_BYTES_MAX
            )
        except NotTried:
            raise
        except NotFetched as failure:
            return Outcome(error=str(failure))
        return Outcome(answer.status, slow=time.monotonic() - began > self._limits.slow_seconds)

    @retried
    def _note(self, message: Message, outcome: Outcome) -> None:
        """Note what became of a message. Who is gone is told nothing more, unless there is another address by now."""
        webhook, delivery = message.recipient.webhook, message.delivery
        with self._transactions.change(Origin(BY_ITSELF)) as change:
            connection, now = change.connection, change.now
            gone = outcome.status == _GONE and stored.disable_webhook(connection, webhook, Disabling.GONE, now)
            if outcome.status is not None and (outcome.taken or gone):
                state = State.DEAD if gone else State.DONE
                outbox.end_delivery(connection, delivery.id, status=outcome.status, state=state, now=now)
            else:
                due = now + backoff(delivery.attempts + 1, self._chance())
                outbox.put_off(connection, delivery, status=outcome.status, error=outcome.error, due=due, now=now)
            if gone:
                change.record(WebhookGone(webhook.account_id, webhook.id))

    @retried
    def _end_turn(self, webhook_id: int, failures: int | None) -> None:
        with self._transactions.database.write() as connection:
            stored.end_turn(connection, webhook_id, failures=failures, now=self._transactions.now())

    @retried
    def _disable_full(self, webhook_id: int) -> None:
        """Disable a webhook for which more waits than may, and give all of that up: it is told none of it in part."""
        with self._transactions.read() as connection:
            recipient = stored.find_recipient(connection, webhook_id, self._transactions.now())
            if recipient is None or not outbox.is_full(connection, webhook_id, self._limits.waiting_max):
                return
        webhook = recipient.webhook
        with self._transactions.change(Origin(BY_ITSELF)) as change:
            if stored.disable_webhook(change.connection, webhook, Disabling.FULL, change.now):
                given_up = outbox.give_up(change.connection, webhook.id, change.now)
                change.record(WebhookFull(webhook.account_id, webhook.id, given_up))

    def _fetcher(self, reach: Within) -> "Fetcher":
        from tokenry.fetching.fetcher import Fetcher  # noqa: PLC0415 - it imports httpcore2

        return self._fetchers.setdefault(reach, Fetcher(reach))


def choose_due(due: Iterable[Waiting]) -> Sequence[int]:
    """Who waits longest first, of each account a few; the operator's are as one account's."""
    taken = Counter[int | None]()
    chosen = []
    for each in sorted(due, key=lambda each: (each.since, each.webhook_id)):
        taken[each.account_id] += 1
        if taken[each.account_id] <= OF_ACCOUNT_MAX:
            chosen.append(each.webhook_id)
    return chosen
