"""What webhooks are told: signed, at least once, in order, by one at a time, and nothing of this network."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook as Verifier

from tests.conftest import Clock
from tests.making import NOW, OPERATOR
from tests.receivers import Received, Receiver, receiving
from tests.service.parts import PEPPERS, Bench
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.events import AccountCreated, TokenRevoked
from tokenry.domain.filters import Comparison, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy_changes import PolicyChange
from tokenry.domain.tokens import NewToken
from tokenry.domain.webhooks import (
    RETRIED_FOR,
    SECRET_PREFIX,
    Delivery,
    Disabling,
    SigningKey,
    State,
    Webhook,
    WebhookChange,
)
from tokenry.fetching.names import NoRoom
from tokenry.fetching.reach import INTERNET, Networks
from tokenry.service.accounts import Accounts
from tokenry.service.policy import Policies
from tokenry.service.policy_changes import PolicyChanges
from tokenry.service.shortening import Shortenings
from tokenry.service.telling import Limits, Outcome, Telling
from tokenry.service.transactions import Transactions
from tokenry.service.webhooks import OUT_OF_REACH, PLAIN, Webhooks
from tokenry.storage import schema
from tokenry.storage.outbox import delete_dead, delete_done
from tokenry.storage.webhooks import LEASE

LOOPBACK = Networks((ip_network("127.0.0.0/8"),), internet=True)
TEN = Networks((ip_network("10.0.0.0/8"),), internet=True)
PAGE = PageRequest(size=100)


class Desk:
    """An installation, a clock that moves, and a program that is told."""

    def __init__(self, bench: Bench, receiver: Receiver) -> None:
        self.bench = bench
        self.receiver = receiver
        self.clock = Clock(NOW.timestamp())
        self.transactions = Transactions(bench.database, lambda: datetime.fromtimestamp(self.clock(), UTC))
        self.webhooks = Webhooks(self.transactions, PEPPERS, LOOPBACK)
        self.telling = self.worker()
        bench.tokens._transactions = self.transactions

    def worker(self, networks: Networks = LOOPBACK, limits: Limits = Limits()) -> Telling:  # noqa: B008 - never changed
        return Telling(self.transactions, PEPPERS, networks, chance=lambda: 0.0, limits=limits)

    def make(self, *actions: str, origin: Origin | None = None, url: str | None = None) -> tuple[Webhook, SigningKey]:
        wanted = WebhookChange(url=url or f"{self.receiver.url}/hooks?key=1", actions=frozenset(actions))
        return self.webhooks.create_webhook(origin or self.bench.origin, wanted)

    def create_token(self) -> int:
        token, _ = self.bench.tokens.create_token(self.bench.origin, NewToken(scopes="linodes:read_only"))
        return token.id

    def tell(self) -> int:
        """Let a worker send what is due."""
        return sum(self.telling.tell(each) for each in (*self.telling.list_due(), *self.telling.list_due(failing=True)))

    def rest(self, webhook: Webhook) -> datetime | None:
        """Until when one is said to rest."""
        return self.webhooks.get_webhook(self.bench.actor, webhook.id).resting_until

    def deliveries(self, webhook: Webhook, state: State | None = None) -> list[Delivery]:
        filter = Filter() if state is None else Filter(Comparison("state", Operator.EQUAL, state.value))
        actor = None if webhook.account_id is None else self.bench.actor
        return list(self.webhooks.list_deliveries(actor, webhook.id, PAGE, filter).rows)


@pytest.fixture
def desk(bench: Bench) -> Iterator[Desk]:
    with receiving() as receiver:
        yield Desk(bench, receiver)


def verified(received: Received, key: SigningKey) -> Any:
    """What a receiver makes of a message by the library for it. Raises where the signature is wrong."""
    with patch("standardwebhooks.webhooks.datetime", wraps=datetime) as clock:
        clock.now.side_effect = lambda *_, **__: datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
        return Verifier(key.reveal()).verify(received.body, received.headers)


def test_message_is_signed_and_says_what_the_audit_does(desk: Desk) -> None:
    _, key = desk.make("token.create")
    token_id = desk.create_token()
    assert desk.tell() == 1
    [received] = desk.receiver.received
    message = verified(received, key)
    assert (message["type"], message["timestamp"]) == ("token.create", "2025-06-15T15:06:40Z")
    assert message["data"] == {
        "id": message["data"]["id"],
        "account": message["data"]["account"],
        "actor": "admin",
        "token_id": 1,
        "address": "203.0.113.9",
        "subject": f"token:{token_id}",
        "details": {**message["data"]["details"], "scopes": "linodes:read_only"},
    }
    assert (received.path, received.headers["content-type"]) == ("/hooks?key=1", "application/json")
    assert desk.tell() == 0, "it is told once"


def test_message_on_another_account_does_not_say_who_had_its_tokens_shortened(desk: Desk) -> None:
    Accounts(desk.transactions).create_account(OPERATOR, company="Other", admin="eve")
    theirs, _ = desk.bench.tokens.create_token_for(OPERATOR, "eve", NewToken())
    desk.make("token.shorten", origin=OPERATOR)
    wanted = PolicyChange({"lifetime_max": timedelta(days=1)})
    PolicyChanges(desk.transactions).change_policy(desk.bench.origin, wanted, shorten=True)
    Shortenings(desk.transactions, Policies(desk.transactions)).shorten_tokens()
    desk.tell()
    told = {data["subject"]: data for data in (each.message["data"] for each in desk.receiver.received)}
    assert {subject: (data["actor"], data["address"]) for subject, data in told.items()} == {
        "token:1": ("admin", "203.0.113.9"),
        f"token:{theirs.id}": ("the policy", None),
    }


def test_both_secrets_sign_until_the_grace_of_the_first_ends(desk: Desk) -> None:
    webhook, first = desk.make("token.create")
    _, second = desk.webhooks.rotate_secret(desk.bench.origin, webhook.id, timedelta(hours=1))
    for passed, keys in ((0, (first, second)), (3601, (second,))):
        desk.clock.seconds += passed
        desk.create_token()
        desk.tell()
        received = desk.receiver.received[-1]
        assert len(received.headers["webhook-signature"].split()) == len(keys)
        assert [verified(received, key)["type"] for key in keys] == ["token.create"] * len(keys)


def test_secret_is_nowhere_at_rest(desk: Desk) -> None:
    webhook, key = desk.make()
    with desk.bench.database.read() as connection:
        row = connection.execute(select(schema.webhooks)).one()
        events = connection.execute(select(schema.audit_events.c.details)).scalars().all()
    assert key.raw not in row.sealed
    assert key.reveal().removeprefix(SECRET_PREFIX) not in f"{row} {events} {webhook!r} {key!r}"


def test_audit_has_the_origin_of_an_address_alone(desk: Desk) -> None:
    webhook, _ = desk.make(url="https://app.example/services/secret?key=1")
    other = WebhookChange(url="https://app.example:444/services/other")
    desk.webhooks.update_webhook(desk.bench.origin, webhook.id, other)
    desk.webhooks.delete_webhook(desk.bench.origin, webhook.id)
    changes = {"url": {"from": "https://app.example", "to": "https://app.example:444"}}
    assert desk.bench.events(f"webhook:{webhook.id}") == [
        ("webhook.create", {"url": "https://app.example"}),
        ("webhook.update", changes),
        ("webhook.delete", {"url": "https://app.example:444"}),
    ]


def test_webhook_is_told_of_the_events_it_chose_and_of_its_account(desk: Desk) -> None:
    chosen, _ = desk.make("token.revoke")
    everything, _ = desk.make()
    installation, _ = desk.make("user.create", origin=OPERATOR)
    elsewhere = desk.bench.users.create_user
    elsewhere(OPERATOR, username="eve")
    token_id = desk.create_token()
    desk.bench.tokens.revoke_token(desk.bench.origin, token_id)
    assert [each.action for each in desk.deliveries(chosen)] == ["token.revoke"]
    assert [each.action for each in desk.deliveries(installation)] == ["user.create"]
    told = [each.action for each in reversed(desk.deliveries(everything))]
    assert told == ["webhook.create", "user.create", "token.create", "token.revoke"]
    with desk.transactions.change(OPERATOR) as change:
        foreign = schema.accounts.insert().values(euuid="E2", company="Other", created_at=0)
        account_id = change.connection.execute(foreign).inserted_primary_key[0]  # type: ignore[index]
        change.record(AccountCreated(account_id, "Other"))
    assert len(desk.deliveries(everything)) == 4


def test_later_message_on_a_thing_waits_for_the_earlier_one(desk: Desk) -> None:
    desk.make("token.create", "token.revoke")
    first, second = desk.create_token(), desk.create_token()
    desk.bench.tokens.revoke_token(desk.bench.origin, first)
    desk.receiver.status = 500
    assert desk.tell() == 0
    desk.receiver.status = 204
    desk.clock.seconds += 5
    assert desk.tell() == 1, "the other token's message does not wait"
    desk.clock.seconds += 10
    desk.tell()
    told = [(each.message["type"], each.message["data"]["subject"]) for each in desk.receiver.received]
    failed, *taken = told
    assert failed == ("token.create", f"token:{first}")
    assert taken == [
        ("token.create", f"token:{second}"),
        ("token.create", f"token:{first}"),
        ("token.revoke", f"token:{first}"),
    ]
    assert desk.receiver.received[0].id == desk.receiver.received[2].id, "by which it is known to come again"


def test_message_that_nobody_takes_is_dead_after_three_days_and_can_be_sent_by_hand(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    desk.receiver.status = 503
    waited = []
    while not (dead := desk.deliveries(webhook, State.DEAD)):
        before = desk.clock.seconds
        [pending] = desk.deliveries(webhook, State.PENDING)
        desk.clock.seconds = max(pending.due.timestamp(), before + 300)
        desk.tell()
        waited.append(desk.clock.seconds - before)
    assert waited == sorted(waited), "ever longer"
    assert NOW.timestamp() + RETRIED_FOR.total_seconds() <= desk.clock.seconds
    assert (dead[0].status, dead[0].attempts) == (503, len(desk.receiver.received))
    desk.clock.seconds += 10**6
    assert desk.telling.list_due() == []
    desk.receiver.status = 200
    again = desk.webhooks.redeliver(desk.bench.origin, webhook.id, dead[0].id)
    assert (again.state, again.created, desk.tell()) == (State.PENDING, NOW, 1)
    assert [each.state for each in desk.deliveries(webhook)] == [State.DONE]


def test_message_sent_again_by_hand_is_tried_before_later_ones_on_the_same_thing(desk: Desk) -> None:
    webhook, _ = desk.make("token.create", "token.revoke")
    token_id = desk.create_token()
    desk.tell()
    desk.receiver.status = 500
    desk.bench.tokens.revoke_token(desk.bench.origin, token_id)
    desk.tell()
    [created] = desk.deliveries(webhook, State.DONE)
    desk.webhooks.redeliver(desk.bench.origin, webhook.id, created.id)
    desk.receiver.status = 204
    desk.clock.seconds += 60
    assert desk.tell() == 2
    assert [each.message["type"] for each in desk.receiver.received[-2:]] == ["token.create", "token.revoke"]


def test_message_sent_again_by_hand_is_tried_while_the_webhook_rests_and_leaves_it_its_rest(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    by_hand, later = desk.create_token(), desk.create_token()
    desk.receiver.status = 500
    desk.tell()
    rests_until = desk.rest(webhook)
    message = desk.deliveries(webhook)[-1]
    again = desk.webhooks.redeliver(desk.bench.origin, webhook.id, message.id)
    assert (again.due, desk.rest(webhook)) == (desk.transactions.now(), rests_until)
    desk.tell()
    desk.tell()
    assert [each.message["data"]["subject"] for each in desk.receiver.received] == [f"token:{by_hand}"] * 2
    assert desk.rest(webhook) == rests_until
    desk.webhooks.redeliver(desk.bench.origin, webhook.id, message.id)
    desk.receiver.status = 204
    assert desk.tell() == 2
    assert desk.receiver.received[-1].message["data"]["subject"] == f"token:{later}"
    assert desk.rest(webhook) is None, "it took something"


def test_message_sent_again_by_hand_passes_no_earlier_one_nor_who_is_sending(desk: Desk) -> None:
    webhook, _ = desk.make("token.create", "token.revoke")
    desk.bench.tokens.revoke_token(desk.bench.origin, desk.create_token())
    desk.receiver.status = 500
    desk.tell()
    revoked, created = desk.deliveries(webhook)
    desk.webhooks.redeliver(desk.bench.origin, webhook.id, revoked.id)
    assert desk.telling.list_due(failing=True) == []
    desk.webhooks.redeliver(desk.bench.origin, webhook.id, created.id)
    desk.telling._take_turn(webhook.id)
    assert (desk.telling.list_due(failing=True), desk.telling.tell(webhook.id)) == ([], 0)


def test_receiver_that_is_gone_is_told_nothing_more(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    desk.receiver.status = 410
    desk.tell()
    desk.create_token()
    assert [each.state for each in desk.deliveries(webhook)] == [State.DEAD]
    assert desk.webhooks.get_webhook(desk.bench.actor, webhook.id).disabled_for is Disabling.GONE
    assert desk.bench.events(f"webhook:{webhook.id}")[-1] == ("webhook.gone", {})


def test_address_that_is_changed_while_the_one_before_says_it_is_gone_stays_changed(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    asked = desk.telling._find_next(webhook.id)
    assert asked is not None
    elsewhere = WebhookChange(url=f"{desk.receiver.url}/new", actions=frozenset({"token.create", "token.revoke"}))
    desk.webhooks.update_webhook(desk.bench.origin, webhook.id, elsewhere)
    desk.telling._note(asked, Outcome(410))
    now = desk.webhooks.get_webhook(desk.bench.actor, webhook.id)
    assert (now.url, now.actions, now.disabled) == (elsewhere.url, elsewhere.actions, None)
    desk.clock.seconds += 10
    assert desk.tell() == 1, "the message goes to the new address"
    assert desk.receiver.received[-1].path == "/new"


def test_secret_and_address_count_from_the_next_message_on_within_a_turn(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    desk.create_token()
    rotated: list[SigningKey] = []

    def rotate() -> None:
        if not rotated:
            rotated.append(desk.webhooks.rotate_secret(desk.bench.origin, webhook.id, timedelta(0))[1])
            there = WebhookChange(url=f"{desk.receiver.url}/new")
            desk.webhooks.update_webhook(desk.bench.origin, webhook.id, there)

    desk.receiver.before_answer = rotate
    assert desk.tell() == 2
    last = desk.receiver.received[-1]
    assert verified(last, rotated[0])["type"] == "token.create"
    assert (last.path, len(last.headers["webhook-signature"].split())) == ("/new", 1)


def test_one_account_s_webhooks_are_a_few_of_a_pass_and_who_waits_longest_is_first(desk: Desk) -> None:
    own = [desk.make("token.create")[0].id for _ in range(4)]
    operator_s = [desk.make("user.create", origin=OPERATOR)[0].id for _ in range(3)]
    desk.bench.users.create_user(OPERATOR, username="eve")
    desk.clock.seconds += 1
    desk.create_token()
    assert desk.telling.list_due() == [*operator_s[:2], *own[:2]]
    for webhook_id in own[:2]:
        desk.telling._take_turn(webhook_id)
    assert desk.telling.list_due() == [*operator_s[:2], *own[2:]]


def test_webhooks_behind_those_that_are_looked_at_are_the_next_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenry.service.telling.WAITING_LOOKED_AT", 2)
    made = [desk.make("user.create", origin=each)[0].id for each in (OPERATOR, OPERATOR, desk.bench.origin)]
    desk.bench.users.create_user(OPERATOR, username="eve")
    assert [desk.telling.list_due() for _ in range(3)] == [made[:2], made[2:], made[:2]]


@pytest.mark.parametrize(("status", "limits"), [(500, Limits()), (204, Limits(slow_seconds=0))])
def test_who_fails_or_is_slow_rests_after_one_message_and_is_none_of_those_that_others_wait_for(
    desk: Desk, status: int, limits: Limits
) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    desk.create_token()
    desk.receiver.status = status
    worker = desk.worker(limits=limits)
    worker.tell(webhook.id)
    assert len(desk.receiver.received) == 1
    assert [worker.list_due(failing=failing) for failing in (False, True)] == [[], []]
    assert desk.rest(webhook) == desk.transactions.now() + timedelta(seconds=5)
    desk.clock.seconds += 5
    assert desk.rest(webhook) is None
    assert [worker.list_due(failing=failing) for failing in (False, True)] == [[], [webhook.id]]
    worker._take_turn(webhook.id)
    assert desk.rest(webhook) is None, "it is tried just now"
    desk.clock.seconds += LEASE.total_seconds()
    desk.receiver.status = 204
    desk.telling.tell(webhook.id)
    desk.create_token()
    assert desk.telling.list_due() == [webhook.id]


def test_webhook_for_which_too_much_waits_is_disabled_and_told_none_of_it(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    worker = desk.worker(limits=Limits(waiting_max=3))
    desk.receiver.status = 500
    for _ in range(3):
        desk.create_token()
    worker.tell(webhook.id)
    assert desk.webhooks.get_webhook(desk.bench.actor, webhook.id).disabled is None
    desk.create_token()
    desk.clock.seconds += 300
    worker.tell(webhook.id)
    assert {each.state for each in desk.deliveries(webhook)} == {State.DEAD}
    assert desk.webhooks.get_webhook(desk.bench.actor, webhook.id).disabled_for is Disabling.FULL
    assert desk.bench.events(f"webhook:{webhook.id}")[-1] == ("webhook.full", {"given_up": 4})
    enabled = desk.webhooks.update_webhook(desk.bench.origin, webhook.id, WebhookChange(disabled=False))
    assert enabled.disabled_for is None
    desk.receiver.status = 204
    desk.create_token()
    desk.clock.seconds += 300
    assert worker.tell(webhook.id) == 1, "what happens from now on"


def test_message_of_a_change_that_ended_after_a_webhook_was_full_is_given_up_too(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    worker = desk.worker(limits=Limits(waiting_max=0))
    desk.receiver.status = 500
    desk.create_token()
    worker.tell(webhook.id)
    late = update(schema.outbox).values(state=State.PENDING.value, ended_at=None)
    with desk.bench.database.write() as connection:
        connection.execute(late)
    desk.webhooks.update_webhook(desk.bench.origin, webhook.id, WebhookChange(disabled=False))
    assert [each.state for each in desk.deliveries(webhook)] == [State.DEAD]


def test_wait_for_other_names_is_no_failure_of_a_webhook(desk: Desk) -> None:
    webhook, _ = desk.make("token.create", url="https://app.example/hooks")
    desk.create_token()
    with patch("tokenry.fetching.names.Names.find_addresses", side_effect=NoRoom):
        assert desk.tell() == 0
    [delivery] = desk.deliveries(webhook)
    assert (delivery.attempts, delivery.state, desk.telling.list_due()) == (0, State.PENDING, [webhook.id])


def test_redirect_is_not_followed(desk: Desk) -> None:
    desk.make("token.create")
    desk.create_token()
    desk.receiver.status = 307
    assert desk.tell() == 0
    assert [each.path for each in desk.receiver.received] == ["/hooks?key=1"]


def test_nobody_else_sends_to_a_webhook_meanwhile_and_a_dead_worker_is_replaced(desk: Desk) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    taken = desk.telling._take_turn(webhook.id)
    assert taken is not None
    other = desk.worker()
    assert (other.list_due(), other.tell(webhook.id)) == ([], 0)
    desk.clock.seconds += LEASE.total_seconds()
    assert other.tell(webhook.id) == 1


@pytest.mark.parametrize("networks", [INTERNET, TEN])
def test_address_of_this_network_is_not_asked_unless_the_operator_allows_it(desk: Desk, networks: Networks) -> None:
    webhook, _ = desk.make("token.create")
    desk.create_token()
    assert desk.worker(networks).tell(webhook.id) == 0
    assert desk.receiver.received == []
    [delivery] = desk.deliveries(webhook)
    assert delivery.error == "it has a host that is not of a network that the operator allows"


@pytest.mark.parametrize(
    ("url", "networks", "fault"),
    [
        ("https://10.0.0.1/hooks", INTERNET, OUT_OF_REACH),
        ("https://localhost:8443/", TEN, OUT_OF_REACH),
        ("https://[::ffff:127.0.0.1]/", TEN, OUT_OF_REACH),
        ("http://192.168.1.1/", INTERNET, OUT_OF_REACH),
        ("http://8.8.8.8/", TEN, PLAIN),
        ("http://app.example/", INTERNET, PLAIN),
    ],
)
def test_address_that_would_never_be_asked_is_refused_at_once(
    desk: Desk, url: str, networks: Networks, fault: Fault
) -> None:
    webhooks = Webhooks(desk.transactions, PEPPERS, networks)
    webhook, _ = webhooks.create_webhook(desk.bench.origin, WebhookChange(url="https://app.example/"))
    for refused in (
        lambda: webhooks.create_webhook(desk.bench.origin, WebhookChange(url=url)),
        lambda: webhooks.update_webhook(desk.bench.origin, webhook.id, WebhookChange(url=url)),
    ):
        with pytest.raises(Invalid) as refusal:
            refused()
        assert refusal.value.faults == (fault,)


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://10.0.0.1/", "http://app.example/", "https://8.8.8.8/"])
def test_address_that_may_be_asked_is_taken(desk: Desk, url: str) -> None:
    webhooks = Webhooks(desk.transactions, PEPPERS, TEN)
    webhook, _ = webhooks.create_webhook(desk.bench.origin, WebhookChange(url=url))
    narrower = Webhooks(desk.transactions, PEPPERS, INTERNET)
    assert narrower.update_webhook(desk.bench.origin, webhook.id, WebhookChange(url=url, disabled=True)).url == url


def test_operator_s_own_webhook_may_be_anywhere(desk: Desk) -> None:
    webhook, _ = desk.make("token.create", origin=OPERATOR)
    desk.create_token()
    assert desk.worker(INTERNET).tell(webhook.id) == 1


def test_test_is_for_one_webhook_alone_whatever_it_is_told_of(desk: Desk) -> None:
    tested, _ = desk.make("token.revoke")
    other, _ = desk.make()
    desk.webhooks.test_webhook(desk.bench.origin, tested.id)
    assert [each.action for each in desk.deliveries(tested)] == ["webhook.test"]
    assert "webhook.test" not in [each.action for each in desk.deliveries(other)]


def test_change_that_fails_tells_nobody(desk: Desk) -> None:
    webhook, _ = desk.make("token.revoke")
    with suppress(ZeroDivisionError), desk.transactions.change(desk.bench.origin) as change:
        change.record(TokenRevoked(1))
        change.record(TokenRevoked(1 // 0))
    assert desk.deliveries(webhook) == []


def test_what_was_taken_and_what_never_was_are_deleted_in_time(desk: Desk) -> None:
    desk.make("token.create")
    desk.create_token()
    desk.tell()
    desk.create_token()
    moments = [NOW + timedelta(days=days) for days in (2, 4, 29, 31)]
    with desk.bench.database.write() as connection:
        gone = [(delete_done(connection, each), delete_dead(connection, each)) for each in moments]
    assert gone == [(0, 0), (1, 0), (0, 0), (0, 1)]
