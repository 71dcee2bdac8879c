"""What users are told in time: each thing once, alarms at once and reminders once a day, by mail where they want it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
from sqlalchemy import func, select, update

from tests.conftest import Clock
from tests.mail_servers import Mailbox, receiving_mail
from tests.making import NOW, OPERATOR
from tests.service.parts import PEPPERS, Bench, begin_before
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.mail import (
    ALARMS_AT_ONCE_MAX,
    ATTEMPTS_MAX,
    RETRY_SECONDS,
    ROOM_OF_ACCOUNT,
    ROOM_OF_ALL,
    MailSettings,
    next_day,
    read_mail_server,
)
from tokenry.domain.notice_events import NotificationsChosen
from tokenry.domain.notices import NETWORKS_MAX, NoticeKind, network_of
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.mail.composing import compose_test
from tokenry.mail.sending import Fate, send
from tokenry.service.leaks import Leaks
from tokenry.service.mailing import TESTS_MAX, TESTS_SPAN, Mailing
from tokenry.service.notices import Notices
from tokenry.service.transactions import Transactions
from tokenry.storage import notices as stored
from tokenry.storage import schema
from tokenry.storage.audit import EVENTS_LOOKED_AT
from tokenry.storage.mailed_addresses import claim_turn, delete_old_turns
from tokenry.storage.uses import Use

ADDRESS = "admin@example.org"


class Desk:
    """An installation whose administrator has an address, a clock that moves, and a mail server."""

    def __init__(self, bench: Bench, mailbox: Mailbox) -> None:
        self.bench = bench
        self.mailbox = mailbox
        self.clock = Clock(NOW.timestamp())
        self.transactions = Transactions(bench.database, lambda: datetime.fromtimestamp(self.clock(), UTC))
        self.notices = Notices(self.transactions)
        self.settings = MailSettings(read_mail_server(mailbox.url), "tokens@example.com")
        self.mailing = self.worker()
        bench.tokens._transactions = self.transactions
        self.set_user(email=ADDRESS)

    def worker(self) -> Mailing:
        return Mailing(self.transactions, self.settings, "https://tokens.example.com")

    def set_user(self, **values: Any) -> None:
        with self.bench.database.write() as connection:
            connection.execute(update(schema.users).where(schema.users.c.id == 1).values(values))

    def create_token(self, lifetime: timedelta | None = None, label: str = "ci") -> tuple[int, Secret]:
        expiry = NEVER if lifetime is None else NOW + lifetime
        new = NewToken(scopes="linodes:read_only", label=label, expiry=expiry)
        token, secret = self.bench.tokens.create_token(self.bench.origin, new)
        return token.id, secret

    def create_eve(self) -> int:
        """Another user with an address; the id."""
        return self.create_user("eve", "eve@example.org")

    def create_user(self, username: str, email: str) -> int:
        return self.bench.users.create_user(OPERATOR, username=username, email=email).id

    def alarm(self, user_id: int) -> None:
        """What is not grave."""
        self.use(self.create_token_of(user_id), "192.0.2.1", "203.0.113.7")

    def claim_turns(self, address: str, account_id: int, *, urgent: bool = True) -> int:
        """Send an address as much as may be at once; how much that is."""
        turns = 0
        with self.bench.database.write() as connection:
            while claim_turn(connection, address, account_id, self.transactions.now(), urgent=urgent):
                turns += 1
        return turns

    def create_token_of(self, user_id: int) -> int:
        token_id, _ = self.create_token()
        with self.bench.database.write() as connection:
            connection.execute(update(schema.tokens).where(schema.tokens.c.id == token_id).values(user_id=user_id))
        return token_id

    def leak(self, label: str = "ci") -> Secret:
        """A token that somebody reports, which so dies."""
        _, secret = self.create_token(label=label)
        assert Leaks(self.transactions, PEPPERS).revoke_reported([secret.reveal()], None) == 1
        return secret

    def turn(self) -> int:
        """What the jobs do; how many were mailed."""
        self.notices.note_expiring()
        return self.mailing.send_due()

    def use(self, token_id: int, *addresses: str) -> None:
        for address in addresses:
            with self.bench.database.write() as connection:
                stored.note_networks(connection, [Use(token_id, "pat_", int(self.clock()), address, None)])

    def open_kinds(self) -> list[NoticeKind]:
        return [notice.kind for notice in self.notices.list_notices(self.bench.actor)]


def refused_or_done(act: Callable[[Origin], object], origin: Origin) -> None:
    with suppress(Invalid):
        act(origin)


@pytest.fixture
def desk(bench: Bench) -> Iterator[Desk]:
    with receiving_mail() as mailbox:
        yield Desk(bench, mailbox)


def test_owner_is_told_30_7_and_1_days_before_a_token_expires_and_each_once(desk: Desk) -> None:
    desk.create_token(timedelta(days=90))
    told = []
    for day in range(91):
        desk.clock.seconds = NOW.timestamp() + day * 86400
        told += [day] * (desk.turn() + desk.turn())
    assert told == [60, 83, 89]
    assert set(desk.mailbox.recipients) == {ADDRESS}


def test_token_that_was_never_to_live_so_long_is_not_told_of_at_once(desk: Desk) -> None:
    desk.create_token(timedelta(days=7))
    assert desk.turn() == 0
    desk.clock.seconds += 6 * 86400
    assert desk.turn() == 1


def test_leak_is_explained(desk: Desk) -> None:
    token_id, secret = desk.create_token()
    assert Leaks(desk.transactions, PEPPERS).revoke_reported([secret.reveal()], None) == 1
    [notice] = desk.notices.list_notices(desk.bench.actor)
    assert (notice.kind, notice.token_id) == (NoticeKind.TOKEN_LEAKED, token_id)
    assert desk.turn() == 1
    assert "somebody reported that it had leaked" in desk.mailbox.texts[0]
    assert secret.reveal() not in str(desk.mailbox.messages[0])


def test_new_network_is_told_of_a_token_that_was_used_elsewhere_before(desk: Desk) -> None:
    token_id, _ = desk.create_token()
    desk.use(token_id, "192.0.2.1", "192.0.2.99")
    assert desk.open_kinds() == []
    desk.use(token_id, "203.0.113.7", "203.0.113.8", "192.0.2.1")
    assert [each.network for each in desk.notices.list_notices(desk.bench.actor)] == ["203.0.113.0/24"]


def test_networks_of_a_token_are_bounded(desk: Desk) -> None:
    token_id, _ = desk.create_token()
    desk.use(token_id, *(f"198.51.{each}.1" for each in range(NETWORKS_MAX + 10)))
    assert len(desk.notices.list_notices(desk.bench.actor)) == NETWORKS_MAX - 1


def test_revoked_token_that_is_presented_again_is_told_of_once(desk: Desk) -> None:
    live, _ = desk.create_token()
    token_id, _ = desk.create_token()
    desk.bench.tokens.revoke_token(desk.bench.origin, token_id)
    for _ in range(2):
        with desk.bench.database.write() as connection:
            stored.note_presented_again(connection, [live, token_id], NOW)
    assert [(each.kind, each.token_id) for each in desk.notices.list_notices(desk.bench.actor)] == [
        (NoticeKind.REVOKED_TOKEN_USED, token_id)
    ]


def test_reminders_come_once_a_day_by_the_user_s_own_days(desk: Desk) -> None:
    desk.set_user(timezone="Asia/Tokyo")  # where it is after midnight
    for hours, mailed in ((1, 1), (2, 0), (23, 0), (24, 1)):
        for _ in range(2):
            desk.create_token(timedelta(days=7, hours=hours))
        desk.clock.seconds = NOW.timestamp() + hours * 3600
        assert desk.turn() == mailed, hours
    assert [message["Subject"] for message in desk.mailbox.messages] == [
        "tokenry: 2 tokens of yours expire soon",
        "tokenry: 6 tokens of yours expire soon",
    ]
    assert "expires in 7 days, on 23 Jun 2025, 01:06 +0900." in desk.mailbox.texts[0]


def test_alarm_that_is_not_grave_is_mailed_at_once_and_further_ones_within_an_hour_together(desk: Desk) -> None:
    token_id, _ = desk.create_token()
    desk.use(token_id, "192.0.2.1")
    for minutes, mailed in ((0, 1), (1, 0), (59, 0), (60, 1)):
        desk.clock.seconds = NOW.timestamp() + minutes * 60
        desk.use(token_id, *(f"203.{minutes}.{each}.1" for each in range(2)))
        assert desk.turn() == mailed, minutes
    assert [message["Subject"] for message in desk.mailbox.messages] == [
        "tokenry: Tokens of yours were used from 2 new networks",
        "tokenry: Tokens of yours were used from 6 new networks",
    ]


def test_grave_alarm_is_mailed_at_once_with_what_waits_and_nothing_twice(desk: Desk) -> None:
    token_id, _ = desk.create_token()
    desk.use(token_id, "192.0.2.1", "203.0.1.1")
    assert desk.turn() == 1
    desk.use(token_id, "203.0.2.1")
    assert desk.turn() == 0
    for _ in range(2):
        desk.leak()
        assert (desk.turn(), desk.turn()) == (1, 0)
    desk.use(token_id, "203.0.3.1")
    desk.clock.seconds += 3599
    assert desk.turn() == 0
    assert [message["Subject"] for message in desk.mailbox.messages] == [
        "tokenry: A token of yours was used from a new network",
        "tokenry: 2 alarms about your tokens",
        "tokenry: A token of yours leaked and was revoked",
    ]


def test_who_causes_grave_alarms_without_end_has_some_mailed_at_once_and_then_one_an_hour(desk: Desk) -> None:
    mailed = []
    for minute in (*range(10), *range(20, 200, 10)):
        desk.clock.seconds = NOW.timestamp() + minute * 60
        desk.leak()
        mailed += [minute] * desk.turn()
    assert mailed == [*range(ALARMS_AT_ONCE_MAX), 60, 120, 180]


def test_clock_that_was_set_back_holds_up_no_grave_alarm(desk: Desk) -> None:
    for _ in range(ALARMS_AT_ONCE_MAX):
        desk.leak()
        assert desk.turn() == 1
    desk.clock.seconds -= 86400
    desk.leak()
    assert desk.turn() == 1


def test_message_that_the_server_refuses_is_tried_again_later_with_what_happened_meanwhile(desk: Desk) -> None:
    desk.leak()
    desk.mailbox.answer = "451 later"
    assert desk.turn() == 0
    desk.mailbox.answer = "250 OK"
    desk.leak()
    assert desk.turn() == 0
    desk.clock.seconds += RETRY_SECONDS
    assert desk.turn() == 1
    assert desk.mailbox.messages[0]["Subject"] == "tokenry: 2 tokens of yours leaked and were revoked"


def test_alarm_waits_for_no_reminder_nor_a_reminder_for_an_alarm(desk: Desk) -> None:
    desk.create_token(timedelta(days=7, hours=1))
    desk.clock.seconds += 3600
    assert desk.turn() == 1
    desk.leak()
    assert desk.turn() == 1
    desk.create_token(timedelta(days=8))
    desk.clock.seconds += 86400
    desk.notices.note_expiring()
    desk.leak()
    assert desk.turn() == 2
    assert "leaked" in desk.mailbox.messages[-2]["Subject"], "alarms go first"


def test_several_workers_mail_each_thing_once_and_at_once(desk: Desk) -> None:
    workers = [desk.worker() for _ in range(4)]
    with ThreadPoolExecutor(len(workers)) as threads:
        for _ in range(ALARMS_AT_ONCE_MAX):
            desk.leak()
            assert sum(threads.map(Mailing.send_due, workers)) == 1
    assert len(desk.mailbox.messages) == ALARMS_AT_ONCE_MAX


def test_address_of_many_users_is_mailed_some_messages_at_once_and_then_one_an_hour(desk: Desk) -> None:
    spellings = ("victim@bücher.example", "Victim@BÜCHER.example", "victim@xn--bcher-kva.example")
    for number in range(ROOM_OF_ACCOUNT.at_once + 2):
        desk.alarm(desk.create_user(f"user{number}", spellings[number % len(spellings)]))
    mailed = []
    for minutes in (0, 0, 59, 60, 119, 120):
        desk.clock.seconds = NOW.timestamp() + minutes * 60
        mailed.append(desk.turn())
    assert mailed == [ROOM_OF_ACCOUNT.at_once, 0, 0, 1, 0, 1]


def test_several_workers_mail_an_address_of_several_users_no_more_than_it_has_room_for(desk: Desk) -> None:
    workers = [desk.worker() for _ in range(4)]
    assert desk.claim_turns("eve@example.org", 1) == ROOM_OF_ACCOUNT.at_once
    for each in ("eve", "EVE", "Eve", "eVe"):
        desk.alarm(desk.create_user(f"u-{each.encode().hex()}", f"{each}@example.org"))
    desk.clock.seconds += ROOM_OF_ACCOUNT.interval.total_seconds()
    with ThreadPoolExecutor(len(workers)) as threads:
        assert sum(threads.map(Mailing.send_due, workers)) == 1


def test_account_that_floods_an_address_silences_no_other_there_and_all_together_are_bounded(desk: Desk) -> None:
    turns = [desk.claim_turns(ADDRESS, account_id) for account_id in range(11, 17)]
    assert turns == [ROOM_OF_ACCOUNT.at_once] * 4 + [0, 0]
    assert sum(turns) == ROOM_OF_ALL.at_once


def test_reminders_and_messages_to_try_it_leave_alarms_half_of_the_room_at_an_address(desk: Desk) -> None:
    assert desk.claim_turns(ADDRESS, 1, urgent=False) == ROOM_OF_ACCOUNT.at_once // 2
    with pytest.raises(Invalid, match="this address"):
        desk.mailing.send_test(desk.bench.origin)
    desk.leak()
    assert desk.turn() == 1


def test_message_that_does_not_reach_an_address_takes_nothing_of_its_room(desk: Desk) -> None:
    desk.leak()
    desk.mailbox.answer = "451 later"
    assert desk.turn() == 0
    assert desk.claim_turns(ADDRESS, 1) == ROOM_OF_ACCOUNT.at_once


def test_clock_that_was_set_back_leaves_an_address_its_room(desk: Desk) -> None:
    desk.claim_turns(ADDRESS, 1)
    desk.clock.seconds -= 86400
    assert desk.claim_turns(ADDRESS, 1) == ROOM_OF_ACCOUNT.at_once


def test_host_whose_clock_is_a_little_behind_sends_an_address_nothing_more(desk: Desk) -> None:
    desk.claim_turns(ADDRESS, 1)
    desk.clock.seconds -= 60
    assert desk.claim_turns(ADDRESS, 1) == 0


def test_what_was_sent_to_an_address_is_forgotten_when_it_says_nothing_any_more(desk: Desk) -> None:
    desk.claim_turns(ADDRESS, 1)
    rows = select(func.count()).select_from(schema.mailed_addresses)
    desk.clock.seconds += (ROOM_OF_ACCOUNT.at_once - 1) * ROOM_OF_ACCOUNT.interval.total_seconds()
    for left in (1, 0):
        with desk.bench.database.write() as connection:
            delete_old_turns(connection, desk.transactions.now())
            assert connection.execute(rows).scalar_one() == left
        desk.clock.seconds += ROOM_OF_ACCOUNT.interval.total_seconds()


def test_message_is_text_and_html_in_which_a_label_is_only_text(desk: Desk) -> None:
    desk.leak("<b>ci</b>")
    desk.turn()
    [message] = desk.mailbox.messages
    html = cast("Any", message.get_body(("html",))).get_content()
    assert "<b>ci</b>" in desk.mailbox.texts[0]
    assert "<b>" not in html
    assert "&lt;b&gt;ci" in html
    assert "https://tokens.example.com/console" in html
    assert (message["From"], message["To"]) == ("tokens@example.com", ADDRESS)


def test_nobody_is_mailed_twice_when_the_sender_dies_half_way(desk: Desk) -> None:
    desk.leak()
    assert desk.mailing._take(1, urgent=True) is not None
    assert desk.worker().send_due() == 0
    desk.clock.seconds += 86400
    assert desk.worker().send_due() == 0
    assert desk.open_kinds() == [NoticeKind.TOKEN_LEAKED], "it is still shown"


def test_label_that_is_an_encoded_word_is_mailed_as_it_is(desk: Desk) -> None:
    desk.leak("=?utf-8?q?=ff?=")
    assert desk.turn() == 1
    assert "=?utf-8?q?=ff?=" in desk.mailbox.texts[0]
    assert desk.mailbox.messages[0]["Subject"] == "tokenry: A token of yours leaked and was revoked"


def test_letter_that_cannot_be_written_holds_up_no_other_and_is_given_up_in_the_end(desk: Desk) -> None:
    desk.set_user(email="=?utf-8?q?a=0d=0ab?=@x.y")
    for user_id in (1, desk.create_eve()):
        desk.use(desk.create_token_of(user_id), "192.0.2.1", "203.0.113.7")
    mailed = []
    for _ in range(ATTEMPTS_MAX + 1):
        mailed.append(desk.turn())
        desk.clock.seconds += RETRY_SECONDS
    assert mailed == [1, *[0] * ATTEMPTS_MAX]
    assert desk.mailbox.recipients == ["eve@example.org"]
    with desk.bench.database.read() as connection:
        left = select(func.count()).select_from(schema.notices).where(schema.notices.c.mailed_at.is_(None))
        assert connection.execute(left).scalar_one() == 0


def test_address_that_cannot_be_written_to_is_said_to_be_so(desk: Desk) -> None:
    desk.set_user(email="=?utf-8?q?a=0d=0ab?=@x.y")
    with pytest.raises(Invalid, match="cannot be written"):
        desk.mailing.send_test(desk.bench.origin)


def test_administrator_tries_the_mail_a_few_times_an_hour(desk: Desk) -> None:
    for _ in range(TESTS_MAX):
        desk.mailing.send_test(desk.bench.origin)
    with desk.transactions.change(desk.bench.origin) as change:
        change.record(*[NotificationsChosen(1, {})] * EVENTS_LOOKED_AT)
    with pytest.raises(Invalid, match="wait"):
        desk.mailing.send_test(desk.bench.origin)
    assert len(desk.mailbox.messages) == TESTS_MAX
    desk.clock.seconds += TESTS_SPAN.total_seconds()
    desk.mailing.send_test(desk.bench.origin)


def test_administrator_who_tries_the_mail_twice_at_once_is_counted_twice(desk: Desk) -> None:
    for _ in range(TESTS_MAX - 1):
        desk.mailing.send_test(desk.bench.origin)
    other = threading.Thread(target=partial(refused_or_done, desk.worker().send_test, desk.bench.origin))
    begin_before(desk.bench.database, "INSERT INTO audit_events", other)
    desk.mailing.send_test(desk.bench.origin)
    other.join()
    assert len(desk.mailbox.messages) == TESTS_MAX


@pytest.mark.parametrize(
    "values", [{"email": ""}, {"email_notifications": False}, {"disabled_at": 1}], ids=["no address", "off", "disabled"]
)
def test_who_is_not_to_be_mailed_is_not(desk: Desk, values: dict[str, Any]) -> None:
    desk.leak()
    desk.set_user(**values)
    assert desk.turn() == 0
    assert desk.mailbox.messages == []


def test_what_was_revoked_dismissed_or_not_wanted_meanwhile_is_not_mailed(desk: Desk) -> None:
    token_id, _ = desk.create_token(timedelta(days=7, hours=1))
    desk.clock.seconds += 3600
    desk.notices.note_expiring()
    desk.bench.tokens.revoke_token(desk.bench.origin, token_id)
    desk.leak()
    desk.notices.dismiss(desk.bench.origin, desk.notices.list_notices(desk.bench.actor)[0].id)
    other_id, _ = desk.create_token()
    desk.use(other_id, "192.0.2.1", "203.0.113.7")
    desk.notices.choose(desk.bench.origin, {NoticeKind.NEW_NETWORK: False})
    assert desk.mailing.send_due() == 0
    desk.leak()
    assert desk.mailing.send_due() == 1, "and takes no turn of what is mailed"


def test_user_who_has_an_address_only_now_is_not_mailed_what_is_no_news(desk: Desk) -> None:
    desk.set_user(email="")
    desk.leak()
    desk.clock.seconds += 3 * 86400
    desk.set_user(email=ADDRESS)
    desk.leak()
    assert desk.turn() == 1
    assert desk.mailbox.messages[0]["Subject"] == "tokenry: A token of yours leaked and was revoked"


def test_user_deleted_before_mail_goes_is_not_mailed(desk: Desk) -> None:
    desk.use(desk.create_token_of(desk.create_eve()), "192.0.2.1", "203.0.113.7")
    desk.bench.users.delete_user(OPERATOR, "eve")
    assert (desk.turn(), desk.mailbox.messages) == (0, [])


def test_message_is_in_the_language_of_the_user(desk: Desk) -> None:
    desk.set_user(language="de")
    desk.leak()
    desk.mailing.send_test(desk.bench.origin)
    assert desk.turn() == 1
    assert [message["Content-Language"] for message in desk.mailbox.messages] == ["de", "de"]


def test_kind_that_a_user_does_not_want_is_not_noted(desk: Desk) -> None:
    chosen = desk.notices.choose(desk.bench.origin, {NoticeKind.TOKEN_LEAKED: False})
    assert chosen == desk.notices.get_choices(desk.bench.actor) == {kind: kind != "token_leaked" for kind in NoticeKind}
    desk.leak()
    assert desk.open_kinds() == []


def test_notice_that_was_dismissed_is_not_shown_and_only_its_user_dismisses_it(desk: Desk) -> None:
    desk.create_token(timedelta(days=10, seconds=1))
    desk.clock.seconds += 3 * 86400 + 10
    desk.notices.note_expiring()
    [notice] = desk.notices.list_notices(desk.bench.actor)
    with pytest.raises(NotFound):
        desk.notices.dismiss(desk.bench.origin, notice.id + 1)
    desk.notices.dismiss(desk.bench.origin, notice.id)
    assert desk.open_kinds() == []


def test_message_to_try_it_says_what_is_wrong(desk: Desk) -> None:
    assert desk.mailing.send_test(desk.bench.origin) == ADDRESS == desk.mailbox.recipients[0]
    desk.mailbox.answer = "554 no"
    with pytest.raises(Invalid, match="did not take it"):
        desk.mailing.send_test(desk.bench.origin)
    with pytest.raises(Invalid, match="TOKENRY_SMTP_URL"):
        Mailing(desk.transactions, None, None).send_test(desk.bench.origin)
    assert [action for action, _ in desk.bench.events("user:1")].count("mail.test") == 2


def test_server_elsewhere_without_tls_is_sent_nothing(desk: Desk) -> None:
    port = desk.mailbox.url.rpartition(":")[2]
    elsewhere = read_mail_server(f"smtp://user:pass@127.0.0.1.nip.example:{port}")
    assert not elsewhere.plain
    message = compose_test(ADDRESS, sender="tokens@example.com", now=NOW)
    assert send(replace(elsewhere, host="127.0.0.1"), lambda: message).fate is Fate.REFUSED
    assert desk.mailbox.messages == []
    assert "pass" not in repr(elsewhere)


def test_networks_are_those_that_a_provider_gives_to_one() -> None:
    addresses = ("192.0.2.77", "2001:db8:1:2::1", "testclient")
    assert [network_of(each) for each in addresses] == ["192.0.2.0/24", "2001:db8:1::/48", None]


def test_next_day_begins_where_the_user_is() -> None:
    moment = datetime(2025, 6, 15, 22, 30, tzinfo=UTC)
    assert next_day(moment, "Europe/Berlin") == datetime(2025, 6, 16, 22, tzinfo=UTC)
    assert next_day(moment, "Nowhere/Else") == datetime(2025, 6, 16, tzinfo=UTC)
