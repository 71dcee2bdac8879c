"""Mailing users what they are told in time: alarms at once, reminders once a day, by one worker of all.

What is in a message counts as mailed before it is handed to the mail server: if the process dies in between, nobody is
mailed twice, and what was not mailed is shown in the console still. If the server says that it did not take it,
it is tried again some times.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from tokenry.complaints import Complaints
from tokenry.domain.accounts import Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.mail import ATTEMPTS_MAX, RETRY_SECONDS, Letter, MailSettings, fold_address, next_message
from tokenry.domain.notice_events import MailTested
from tokenry.domain.profile import Profile
from tokenry.service.acting import get_writer
from tokenry.service.transactions import Transactions
from tokenry.storage import mail as stored
from tokenry.storage.audit import count_events
from tokenry.storage.database import retried
from tokenry.storage.mailed_addresses import claim_turn, give_back_turn
from tokenry.storage.one_thread import OneThread
from tokenry.storage.users import find_profile, lock_user

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tokenry.mail.sending import Sent

INTERVAL_SECONDS = 30
TURN_SECONDS_MAX = 60
TESTS_MAX = 5
TESTS_SPAN = timedelta(hours=1)
"""An address may be a stranger's: an administrator tries no more often than that."""
ENOUGH = Fault(f"You have tried it {TESTS_MAX} times within an hour: wait")
NO_MAIL = Fault("No mail is sent here: the operator has to set TOKENRY_SMTP_URL and TOKENRY_MAIL_FROM")


class NoRoom(Exception):  # noqa: N818 - no error
    """An address was sent so much lately that what is for it waits, as if nobody had taken it."""


class Mailing:
    """A job of the fleet, and the use case of a message to try it. Without settings nothing is sent."""

    def __init__(self, transactions: Transactions, settings: MailSettings | None, public_url: str | None) -> None:
        self._transactions = transactions
        self._settings = settings
        self._public_url = public_url
        self._thread = OneThread()
        self._complaints = Complaints("mail cannot be sent now")

    async def run(self) -> None:
        """Send what is due, in a thread. Raises Unavailable."""
        if self._settings is not None:
            await self._thread.run(self.send_due, seconds=TURN_SECONDS_MAX)

    def send_due(self) -> int:
        """Send users what they were not told yet, alarms first; how many messages went out."""
        if self._settings is None:
            return 0
        full: set[tuple[int, str]] = set()
        return sum(self._send_some(self._settings, full, urgent=urgent) for urgent in (True, False))

    def _send_some(self, settings: MailSettings, full: set[tuple[int, str]], *, urgent: bool) -> int:
        """`full` are the addresses, by account, for which there is no room: however many have one, it is asked once."""
        mailed, now = 0, self._transactions.now()
        after: datetime | None = now - stored.TOLD_WITHIN
        while after is not None:
            with self._transactions.read() as connection:
                waiting = stored.list_waiting(connection, now, after, urgent=urgent)
            for user_id, account_id, address in waiting.users:
                place = account_id, fold_address(address)
                if place in full:
                    continue
                try:
                    mailed += self._mail(settings, user_id, urgent=urgent)
                except NoRoom:
                    full.add(place)
            after = waiting.after
        return mailed

    def send_test(self, origin: Origin) -> str:
        """Send an administrator a message; to which address.

        Raises Forbidden; Invalid where it does not go out, and after a few within an hour.
        """
        profile = self._note_test(origin)
        self.send_to(profile.email, profile.language)
        return profile.email

    def send_to(self, address: str, language: str | None = None) -> None:
        """Send a message to try it to an address, in a language. Raises Invalid where it does not go out."""
        from tokenry.mail.composing import compose_test  # noqa: PLC0415 - commands need not wait for it

        if self._settings is None:
            raise Invalid(NO_MAIL)
        sender, now = self._settings.sender, self._transactions.now()
        sent = self._send(self._settings, lambda: compose_test(address, sender=sender, now=now, language=language))
        if sent.reason:
            raise Invalid(Fault(f"It could not be sent: {sent.fate.value} ({sent.reason})"))

    @retried
    def _note_test(self, origin: Origin) -> Profile:
        with self._transactions.change(origin) as change:
            lock_user(change.connection, change.actor.user_id)  # of two at once, the second is counted with the first
            user = get_writer(change)
            require_administrator(user)
            profile = find_profile(change.connection, user.id)
            tested = MailTested(user.id)
            if self._settings is None:
                raise Invalid(NO_MAIL)
            if profile is None or not profile.email:
                raise Invalid(Fault("You have no address: set one in your profile"))
            since = change.now - TESTS_SPAN
            if count_events(change.connection, tested.subject, tested.action, since) >= TESTS_MAX:
                raise Invalid(ENOUGH)
            if not claim_turn(change.connection, profile.email, user.account_id, change.now, urgent=False):
                raise Invalid(Fault("Enough was sent to this address lately: wait for an hour"))
            change.record(tested)
            return profile

    def _mail(self, settings: MailSettings, user_id: int, *, urgent: bool) -> bool:
        from tokenry.mail.composing import compose_letter  # noqa: PLC0415 - as above
        from tokenry.mail.sending import Fate  # noqa: PLC0415 - as above

        letter = self._take(user_id, urgent=urgent)
        if letter is None or not letter.notices:
            return False
        now = self._transactions.now()
        compose = partial(compose_letter, letter, sender=settings.sender, now=now, console=self._public_url)
        sent = self._send(settings, compose)
        if sent.reason:
            self._complaints.add(f"{sent.fate.value} ({sent.reason})")
        if sent.fate in {Fate.UNWRITABLE, Fate.REFUSED}:
            self._note_failure(letter, now)
        elif letter.failures:
            self._forget_failures(letter)
        return sent.fate is Fate.TAKEN

    @retried
    def _take(self, user_id: int, *, urgent: bool) -> Letter | None:
        now = self._transactions.now()
        with self._transactions.database.write() as connection:
            reader = stored.find_reader(connection, user_id)
            if reader is None:
                return None
            due = stored.find_next_at(connection, user_id, urgent=urgent) or now
            until = next_message(now, due, reader.timezone, urgent=urgent)
            failures = stored.claim_message(connection, user_id, now, until=until, urgent=urgent)
            if failures is None:
                return None
            taken = stored.take_notices(connection, user_id, now, urgent=urgent)
            if taken and not claim_turn(connection, reader.address, reader.account_id, now, urgent=urgent):
                raise NoRoom
            return Letter(reader, taken, urgent, failures)

    @retried
    def _note_failure(self, letter: Letter, now: datetime) -> None:
        """Try it again soon; after some times no more."""
        failures, soon = letter.failures + 1, now + timedelta(seconds=RETRY_SECONDS)
        ended = failures >= ATTEMPTS_MAX
        with self._transactions.database.write() as connection:
            stored.note_failures(
                connection,
                letter.reader.user_id,
                0 if ended else failures,
                next_at=None if ended else soon,
                urgent=letter.urgent,
            )
            if not ended:
                stored.put_back(connection, [notice.id for notice in letter.notices])
            give_back_turn(connection, letter.reader.address, letter.reader.account_id)

    @retried
    def _forget_failures(self, letter: Letter) -> None:
        with self._transactions.database.write() as connection:
            stored.note_failures(connection, letter.reader.user_id, 0, next_at=None, urgent=letter.urgent)

    def _send(self, settings: MailSettings, compose: Callable[[], "EmailMessage"]) -> "Sent":
        from tokenry.mail.sending import send  # noqa: PLC0415 - as above

        return send(settings.server, compose)
