"""What administrators do with the webhooks of their account, and an operator with those of the installation.

Who acts without a token is the operator. What webhooks are told is put into the outbox with each event
(`transactions.py`), and sent from there (`telling.py`).
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.seals import Seal
from tokenry.domain.secrets import Peppers
from tokenry.domain.webhook_events import (
    WebhookCreated,
    WebhookDeleted,
    WebhookRedelivered,
    WebhookSecretRotated,
    WebhookTested,
    WebhookUpdated,
)
from tokenry.domain.webhooks import (
    GRACE_MAX,
    WEBHOOKS_MAX,
    Delivery,
    Disabling,
    SigningKey,
    Webhook,
    WebhookChange,
    is_plain,
    origin_of,
)
from tokenry.fetching.reach import Networks, Reach, Within, is_out_of_reach
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.idempotency import do_once
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import outbox
from tokenry.storage import webhooks as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried

OUT_OF_REACH = Fault(
    "Must be at an address of the internet, or in a network that the operator allows (TOKENRY_WEBHOOK_NETWORKS)", "url"
)
PLAIN = Fault("Must be https: http is for networks alone that the operator allows (TOKENRY_WEBHOOK_NETWORKS)", "url")
TOO_MANY = Fault(f"There are {WEBHOOKS_MAX} webhooks, which is as many as there may be: delete one first")


class Webhooks:
    """The use cases. Each raises Forbidden for who is no administrator, and NotFound for another account's webhook.

    Administrators have webhooks in `networks`.
    """

    def __init__(self, transactions: Transactions, peppers: Peppers, networks: Networks) -> None:
        self._transactions = transactions
        self._networks = networks
        self._seal = webhook_seal(peppers)

    def list_webhooks(self, actor: Actor | None, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Webhook]:
        """List them."""
        with self._transactions.read() as connection:
            owner = _read_owner(connection, actor)
            return stored.list_webhooks(connection, owner, request, filter, self._transactions.now())

    def get_webhook(self, actor: Actor | None, webhook_id: int) -> Webhook:
        """Read one."""
        with self._transactions.read() as connection:
            return _get(connection, actor, webhook_id, self._transactions.now())

    @retried
    def create_webhook(
        self, origin: Origin, wanted: WebhookChange, request: KeyedRequest | None = None
    ) -> tuple[Webhook, SigningKey]:
        """Make one, and the secret that is shown this once; repeat `request` and it is made only once.

        Raises Invalid with every fault, AlreadyMade.
        """
        with self._transactions.change(origin) as change:
            account_id = _own(change, locks=True)
            return do_once(change, request, lambda: self._create(change, account_id, wanted), lambda made: made[0].id)

    @retried
    def update_webhook(self, origin: Origin, webhook_id: int, wanted: WebhookChange) -> Webhook:
        """Change what `wanted` names. Raises Invalid with every fault."""
        with self._transactions.change(origin) as change:
            before = _claim(change, webhook_id)
            raise_faults(self._check(wanted, before.account_id, before.url))
            after = wanted.applied_to(before, change.now)
            if after != before:
                stored.set_webhook(change.connection, after)
                if before.disabled_for is Disabling.FULL and after.disabled is None:
                    # What transactions put by that ended after it was disabled: it is told nothing in part.
                    outbox.give_up(change.connection, after.id, change.now)
                change.record(WebhookUpdated(after.account_id, after.id, after.differences(before)))
            return after

    @retried
    def rotate_secret(
        self, origin: Origin, webhook_id: int, grace: timedelta, request: KeyedRequest | None = None
    ) -> tuple[Webhook, SigningKey]:
        """Give one another secret, shown this once; messages carry a signature of the one before as well for `grace`.

        Repeat `request` and it is done only once. Raises Invalid for a grace longer than GRACE_MAX, AlreadyMade.
        """
        if not timedelta(0) <= grace <= GRACE_MAX:
            raise Invalid(Fault(f"Must be from 0 to {int(GRACE_MAX.total_seconds())} seconds", "grace"))
        with self._transactions.change(origin) as change:
            webhook = _claim(change, webhook_id)
            return do_once(change, request, lambda: self._rotate(change, webhook, grace), lambda made: made[0].id)

    @retried
    def delete_webhook(self, origin: Origin, webhook_id: int) -> None:
        """Delete one, and what it was still to be told."""
        with self._transactions.change(origin) as change:
            webhook = _claim(change, webhook_id)
            stored.delete_webhook(change.connection, webhook.id)
            change.record(WebhookDeleted(webhook.account_id, webhook.id, origin_of(webhook.url)))

    @retried
    def test_webhook(self, origin: Origin, webhook_id: int) -> Webhook:
        """Let one be told that it is tested, whatever it is told of otherwise. Raises Invalid while it is disabled."""
        with self._transactions.change(origin) as change:
            webhook = _claim(change, webhook_id)
            _require_enabled(webhook)
            change.record(WebhookTested(webhook.account_id, webhook.id))
            return webhook

    def list_deliveries(
        self, actor: Actor | None, webhook_id: int, request: PageRequest, filter: Filter = EVERY_ROW
    ) -> Page[Delivery]:
        """List what one was told and is to be told, newest first."""
        with self._transactions.read() as connection:
            webhook = _get(connection, actor, webhook_id, self._transactions.now())
            return outbox.list_deliveries(connection, webhook.id, request, filter)

    @retried
    def redeliver(self, origin: Origin, webhook_id: int, delivery_id: int) -> Delivery:
        """Send a message once more, at once, also while the webhook rests; then it is tried as long as a new one.

        It is sent after earlier ones on the same thing that wait, and before later ones. Raises Invalid while the
        webhook is disabled.
        """
        with self._transactions.change(origin) as change:
            webhook = _claim(change, webhook_id)
            found = outbox.find_delivery(change.connection, delivery_id, webhook_id=webhook.id)
            if found is None:
                raise NotFound
            _require_enabled(webhook)
            outbox.send_again(change.connection, found, change.now)
            change.record(WebhookRedelivered(webhook.account_id, webhook.id, found.id))
            return outbox.get_delivery(change.connection, found.id)

    def _create(self, change: Change, account_id: int | None, wanted: WebhookChange) -> tuple[Webhook, SigningKey]:
        faults = self._check(wanted, account_id)
        if wanted.url is None and not any(fault.field == "url" for fault in faults):
            faults.append(Fault("Must be given, such as https://app.example/hooks", "url"))
        raise_faults(faults)
        if stored.count_webhooks(change.connection, account_id) >= WEBHOOKS_MAX:
            raise Invalid(TOO_MANY)
        webhook = stored.create_webhook(
            change.connection,
            account_id=account_id,
            url=wanted.url or "",
            actions=wanted.actions or frozenset(),
            now=change.now,
        )
        change.record(WebhookCreated(account_id, webhook.id, origin_of(webhook.url)))
        return webhook, self._give_key(change, webhook.id)

    def _check(self, wanted: WebhookChange, account_id: int | None, before: str | None = None) -> list[Fault]:
        """Say everything that is wrong with it, and of another address also that it certainly would not be asked."""
        faults = wanted.check()
        if wanted.url not in {None, before} and not any(fault.field == "url" for fault in faults):
            faults += find_reach_faults(wanted.url or "", account_id, self._networks)
        return faults

    def _rotate(self, change: Change, webhook: Webhook, grace: timedelta) -> tuple[Webhook, SigningKey]:
        key = self._give_key(change, webhook.id, grace)
        change.record(WebhookSecretRotated(webhook.account_id, webhook.id, int(grace.total_seconds())))
        return _get(change.connection, change.origin.actor, webhook.id, change.now), key

    def _give_key(self, change: Change, webhook_id: int, grace: timedelta | None = None) -> SigningKey:
        key = SigningKey.generate()
        sealed = self._seal.close(key.raw, str(webhook_id))
        until = change.now + grace if grace else None
        stored.set_key(change.connection, webhook_id, sealed, before_until=until)
        return key


def reach_of(url: str, account_id: int | None, networks: Networks) -> Within:
    """By which addresses a webhook is told: the operator's by any, others by `networks`, http by those named there."""
    if account_id is None:
        return Reach.ANYTHING
    return Networks(networks.named, internet=False) if is_plain(url) else networks


def find_reach_faults(url: str, account_id: int | None, networks: Networks) -> list[Fault]:
    """Say why nobody is ever asked at a valid address. What a name is resolved to is judged when it is."""
    if account_id is None:
        return []
    host, reach = urlsplit(url).hostname or "", reach_of(url, account_id, networks)
    if is_out_of_reach(host, networks):
        return [OUT_OF_REACH]
    return [PLAIN] if is_plain(url) and (not networks.named or is_out_of_reach(host, reach)) else []


def webhook_seal(peppers: Peppers) -> Seal:
    """Seal what is at rest of a webhook's secret, bound to its id."""
    return Seal(peppers, "secret of a webhook")


def _own(change: Change, *, locks: bool = False) -> int | None:
    """Whose webhooks are meant: those of the account of an administrator, or the operator's."""
    if change.origin.actor is None:
        return None
    if locks:
        lock_account(change.connection, change.actor.account_id)
    writer = get_writer(change)
    require_administrator(writer)
    return writer.account_id


def _claim(change: Change, webhook_id: int) -> Webhook:
    webhook = stored.claim_webhook(change.connection, webhook_id, change.now, account_id=_own(change))
    if webhook is None:
        raise NotFound
    return webhook


def _read_owner(connection: Connection, actor: Actor | None) -> int | None:
    if actor is None:
        return None
    reader = get_reader(connection, actor)
    require_administrator(reader)
    return reader.account_id


def _get(connection: Connection, actor: Actor | None, webhook_id: int, now: datetime) -> Webhook:
    webhook = stored.find_webhook(connection, webhook_id, now, account_id=_read_owner(connection, actor))
    if webhook is None:
        raise NotFound
    return webhook


def _require_enabled(webhook: Webhook) -> None:
    if webhook.disabled is not None:
        raise Invalid(Fault("The webhook is disabled: enable it first"))
