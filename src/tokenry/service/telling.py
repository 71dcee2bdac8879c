"""Telling webhooks what happened: from the outbox, each message at least once, those on one thing in their order.

A webhook is one worker's for a while (`storage/webhooks.py`), so nobody else sends to it meanwhile, and if that worker
dies, another takes over. A message that was taken while its sender died is sent again: receivers know it by its id.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from anyio import CapacityLimiter, create_task_group, to_thread

from tokenry.domain.accounts import Origin
from tokenry.domain.secrets import Peppers
from tokenry.domain.webhook_events import WebhookGone
from tokenry.domain.webhooks import Delivery, SigningKey, State, backoff, is_plain, pause, sign
from tokenry.fetching.reach import Networks, NotFetched, NotTried, Reach, Within
from tokenry.service.transactions import Transactions
from tokenry.service.webhooks import webhook_seal
from tokenry.storage import outbox
from tokenry.storage import webhooks as stored
from tokenry.storage.database import retried
from tokenry.storage.deadline import within
from tokenry.storage.webhooks import LEASE, Recipient

if TYPE_CHECKING:
    from tokenry.fetching.fetcher import Fetcher

T = TypeVar("T")

INTERVAL_SECONDS = 2
SENDERS_MAX = 4
"""Webhooks to which one worker sends at a time: those that hang hold up no more than these."""
TURN_SECONDS_MAX = 10
"""How long a worker goes on with one webhook while others may wait. It is done with the last message well in LEASE."""
SEND_SECONDS_MAX = 10
DATABASE_SECONDS_MAX = 10
ANSWER_BYTES_MAX = 64 * 1024
DUE_MAX = 100
ERROR_LENGTH_MAX = 200
SENDER = "webhooks"
"""Who disabled a webhook that is gone, in the audit."""
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

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status in _TAKEN


class Telling:
    """A job of the fleet: each worker takes webhooks that wait and nobody has, and sends to them."""

    def __init__(
        self,
        transactions: Transactions,
        peppers: Peppers,
        networks: Networks,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._transactions = transactions
        self._seal = webhook_seal(peppers)
        self._networks = networks
        self._chance = chance
        self._senders = CapacityLimiter(SENDERS_MAX)
        self._database = threading.Lock()
        """Of the senders one at a time has a connection."""
        self._fetchers: dict[Within, Fetcher] = {}

    async def run(self) -> None:
        """Send what is due. Raises Unavailable."""
        failures: list[Exception] = []

        async def tell(webhook_id: int) -> None:
            try:
                await self._in_thread(partial(self.tell, webhook_id))
            except Exception as failure:  # noqa: BLE001 - raised when the others are done
                failures.append(failure)

        due = await self._in_thread(self.list_due)
        async with create_task_group() as tasks:
            for webhook_id in due:
                tasks.start_soon(tell, webhook_id)
        if failures:
            raise failures[0]

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._senders)

    def list_due(self) -> Sequence[int]:
        """List webhooks to which something can be sent, who waits longest first. Raises Unavailable."""
        with self._database, within(DATABASE_SECONDS_MAX), self._transactions.read() as connection:
            return stored.list_due(connection, self._transactions.now(), limit=DUE_MAX)

    def tell(self, webhook_id: int) -> int:
        """Send a webhook what is due, unless somebody else does; how many messages it took. Raises Unavailable.

        A message whose turn to be sent did not come in time waits as before, and is no failure of the webhook.
        """
        until = time.monotonic() + TURN_SECONDS_MAX
        with self._database, within(DATABASE_SECONDS_MAX):
            failures = self._take_turn(webhook_id)
        if failures is None:
            return 0
        taken = 0
        while time.monotonic() < until and (message := self._find_next(webhook_id)) is not None:
            try:
                outcome = self._send(message)
            except NotTried:
                break
            with self._database, within(DATABASE_SECONDS_MAX):
                self._note(message, outcome)
            failures = 0 if outcome.taken else failures + 1
            if failures:
                break
            taken += 1
        with self._database, within(DATABASE_SECONDS_MAX):
            self._end_turn(webhook_id, failures)
        return taken

    @retried
    def _take_turn(self, webhook_id: int) -> int | None:
        with self._transactions.database.write() as connection:
            return stored.take_turn(connection, webhook_id, self._transactions.now())

    def _find_next(self, webhook_id: int) -> Message | None:
        with self._database, within(DATABASE_SECONDS_MAX), self._transactions.read() as connection:
            now = self._transactions.now()
            recipient = stored.find_recipient(connection, webhook_id, now)
            delivery = None if recipient is None else outbox.find_next(connection, webhook_id, now)
            if recipient is None or delivery is None:
                return None
            return Message(recipient, delivery, outbox.get_body(connection, delivery))

    def _send(self, message: Message) -> Outcome:
        webhook, sealed = message.recipient
        opened = [self._seal.open(each, str(webhook.id)) for each in sealed]
        keys = [SigningKey(key) for key in opened if key is not None]
        if not keys:
            return Outcome(error="its secret cannot be read by this installation: give it another")
        reach: Within = Reach.ANYTHING
        if webhook.account_id is not None:
            reach = Networks(self._networks.named, internet=False) if is_plain(webhook.url) else self._networks
        headers = sign(message.delivery.message_id, message.body, keys, self._transactions.now())
        until = time.monotonic() + SEND_SECONDS_MAX
        try:
            answer = self._fetcher(reach).fetch(
                "POST", webhook.url, headers, message.body, until=until, bytes_max=ANSWER_BYTES_MAX
            )
        except NotTried:
            raise
        except NotFetched as failure:
            return Outcome(error=f"it {failure}"[:ERROR_LENGTH_MAX])
        return Outcome(answer.status)

    @retried
    def _note(self, message: Message, outcome: Outcome) -> None:
        """Note what became of a message. Who is gone is told nothing more, unless there is another address by now."""
        webhook, delivery = message.recipient.webhook, message.delivery
        with self._transactions.change(Origin(SENDER)) as change:
            connection, now = change.connection, change.now
            gone = outcome.status == _GONE and stored.disable_webhook(connection, webhook.id, webhook.url, now)
            if outcome.status is not None and (outcome.taken or gone):
                state = State.DEAD if gone else State.DONE
                outbox.end_delivery(connection, delivery.id, status=outcome.status, state=state, now=now)
            else:
                due = now + backoff(delivery.attempts + 1, self._chance())
                outbox.put_off(connection, delivery, status=outcome.status, error=outcome.error, due=due, now=now)
            if gone:
                change.record(WebhookGone(webhook.account_id, webhook.id))

    @retried
    def _end_turn(self, webhook_id: int, failures: int) -> None:
        now = self._transactions.now()
        with self._transactions.database.write() as connection:
            busy_until = now + pause(failures) if failures else now
            stored.end_turn(connection, webhook_id, failures=failures, busy_until=busy_until)

    def _fetcher(self, reach: Within) -> "Fetcher":
        from tokenry.fetching.fetcher import Fetcher  # noqa: PLC0415 - it imports httpcore2

        return self._fetchers.setdefault(reach, Fetcher(reach))
