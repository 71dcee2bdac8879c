"""One-time passwords: setting up an app that shows them, and taking one.

The key is shown once and comes back sealed with the code that proves that the app has it: nothing is stored until then.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, Invalid
from tokenry.domain.one_time_passwords import find_step, generate_key
from tokenry.domain.seals import Seal, Tickets
from tokenry.domain.secrets import Peppers
from tokenry.domain.sessions import Session
from tokenry.domain.sign_in_events import AuthenticatorRemoved, AuthenticatorSet
from tokenry.service.factors import Renewed, claim_own, renew
from tokenry.service.sessions import Sessions
from tokenry.service.transactions import Change, Transactions
from tokenry.storage.assertions import see_assertion
from tokenry.storage.authenticators import delete_authenticator, find_sealed, set_authenticator, take_step
from tokenry.storage.database import retried

SETTING_UP = timedelta(minutes=10)
WRONG = Fault("This is not the code that the app shows now. Wait for the next one.", "code")


class Offer(NamedTuple):
    """A key that somebody may set up, and the ticket that brings it back."""

    key: str
    ticket: str

    def __repr__(self) -> str:
        return "<Offer>"


class OneTimePasswords:
    """The use cases of one-time passwords."""

    def __init__(self, transactions: Transactions, peppers: Peppers, sessions: Sessions) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions
        self._tickets = Tickets(peppers, "one-time passwords", SETTING_UP)

    def offer_key(self, session: Session, bound_to: str) -> Offer:
        """Make a key for who is signed in, which is not set up yet."""
        key = generate_key()
        values = {"user": session.user.id, "key": key}
        return Offer(key, self._tickets.issue(values, bound_to=bound_to, now=self._transactions.now()))

    def find_offer(self, session: Session, ticket: str, bound_to: str) -> Offer | None:
        """Find the key that was offered; None if that is too long ago, or was another's."""
        read = self._tickets.read(ticket, bound_to=bound_to, now=self._transactions.now())
        return (
            Offer(read.values["key"], ticket) if read is not None and read.values["user"] == session.user.id else None
        )

    @retried
    def set_up(self, origin: Origin, session: Session, ticket: str, code: str, *, bound_to: str) -> Renewed:
        """Set up a key that was offered, of which this is a code, in place of one that there may be.

        Other sessions end. Raises Invalid for a wrong code and a ticket that is not good any more; Unauthorized.
        """
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            read = self._tickets.read(ticket, bound_to=bound_to, now=change.now)
            if read is None or read.values["user"] != user.id:
                raise Invalid(Fault("That took too long: begin again."))
            step = find_step(read.values["key"], code, change.now)
            if step is None:
                raise Invalid(WRONG)
            if not see_assertion(change.connection, read.digest, read.expires):
                raise Invalid(Fault("This was set up already."))
            sealed = key_seal(self._peppers).close(read.values["key"].encode("ascii"), str(user.id))
            set_authenticator(change.connection, user.id, sealed, step=step, now=change.now)
            change.record(AuthenticatorSet(user.id))
            return renew(change, session, self._sessions, self._peppers)

    @retried
    def remove(self, origin: Origin, session: Session) -> Renewed:
        """Give up one-time passwords; other sessions end. Raises Unauthorized."""
        with self._transactions.change(origin) as change:
            user = claim_own(change, session)
            if delete_authenticator(change.connection, user.id):
                change.record(AuthenticatorRemoved(user.id))
            return renew(change, session, self._sessions, self._peppers)


def take_one_time_password(change: Change, peppers: Peppers, user_id: int, code: str) -> bool:
    """Take a user's one-time password, once, in a change of the caller's; whether it is right."""
    connection: Connection = change.connection
    sealed = find_sealed(connection, user_id)
    key = None if sealed is None else key_seal(peppers).open(sealed, str(user_id))
    if sealed is None or key is None:
        return False
    step = find_step(key.decode("ascii"), code, change.now)
    return step is not None and take_step(connection, user_id, sealed, step)


def key_seal(peppers: Peppers) -> Seal:
    """Seal what is at rest of a key, bound to its user."""
    return Seal(peppers, "key of one-time passwords")
