"""The second step of signing in, after the password: there is no session until both are done.

In between the browser has a ticket, which is sealed, for ten minutes, of one password and one browser, and brings one
session. Who is signed in and proves it anew takes the same step, and the session that is there is renewed.
"""

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Unauthorized
from tokenry.domain.one_time_passwords import GUESSES_MAX, GUESSES_SPAN, is_code
from tokenry.domain.recovery_codes import RecoveryCode
from tokenry.domain.seals import Ticket, Tickets
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.sessions import PASSWORD_AND_ONE_TIME, PASSWORD_AND_RECOVERY, Session
from tokenry.domain.sign_in_events import RecoveryCodeUsed
from tokenry.domain.users import User
from tokenry.service.one_time_passwords import take_one_time_password
from tokenry.service.passwords import PasswordProved
from tokenry.service.sessions import Sessions, require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import logins
from tokenry.storage.assertions import see_assertion
from tokenry.storage.authenticators import find_sealed
from tokenry.storage.database import retried
from tokenry.storage.passkeys import count_passkeys
from tokenry.storage.passwords import find_hash
from tokenry.storage.recovery_codes import count_codes, use_code
from tokenry.storage.users import find_user_by_id, lock_user

LIFETIME = timedelta(minutes=10)


class Pending(NamedTuple):
    """Somebody whose password was right, the ways on, and the session that is to be renewed, if it is not the first."""

    user: User
    one_time_password: bool
    passkey: bool
    recovery_code: bool
    session_id: int | None


class SecondStepRefused(NamedTuple):
    """A code that was not taken; whether any other would be now."""

    too_often: bool


class SecondSteps:
    """The use cases between the password and the session."""

    def __init__(self, transactions: Transactions, peppers: Peppers, sessions: Sessions) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions
        self._tickets = Tickets(peppers, "second step", LIFETIME)

    def begin(self, proved: PasswordProved, bound_to: str) -> str:
        """Make the ticket of somebody whose password was right."""
        values = {"user": proved.user.id, "password": _digest(proved.hash), "session": proved.session_id}
        return self._tickets.issue(values, bound_to=bound_to, now=self._transactions.now())

    def find_pending(self, text: str, bound_to: str) -> Pending | None:
        """Find whose ticket a browser has; None if it is not good, or there is no step any more."""
        ticket = self._tickets.read(text, bound_to=bound_to, now=self._transactions.now())
        if ticket is None:
            return None
        with self._transactions.read() as connection:
            user = _find_user(connection, ticket)
            if user is None or not user.second_factor:
                return None
            return Pending(
                user,
                find_sealed(connection, user.id) is not None,
                count_passkeys(connection, user.id) > 0,
                count_codes(connection, user.id) > 0,
                ticket.values["session"],
            )

    @retried
    def take_code(
        self,
        text: str,
        typed: str,
        *,
        bound_to: str,
        pending: Pending,
        address: str | None,
        agent: str | None,
        replaced: Session | None = None,
    ) -> Secret | SecondStepRefused:
        """Begin a session by a one-time password or a recovery code; it is written down if it was wrong.

        The session that this browser has is `replaced`, or renewed if it is that of the ticket. Of one-time passwords
        so many wrong ones are taken in an hour, however many try at once: the user is locked. Raises Unauthorized if
        the ticket is not good any more.
        """
        with self._transactions.change(
            Origin(pending.user.username, address=address, user_id=pending.user.id)
        ) as change:
            connection, user_id = change.connection, pending.user.id
            lock_user(connection, user_id)
            ticket = self._tickets.read(text, bound_to=bound_to, now=change.now)
            if ticket is None or _find_user(connection, ticket) is None or ticket.values["user"] != user_id:
                raise Unauthorized
            method = PASSWORD_AND_ONE_TIME if is_code(typed) else PASSWORD_AND_RECOVERY
            if method == PASSWORD_AND_ONE_TIME and _guessed_too_often(change, user_id):
                return SecondStepRefused(too_often=True)
            right = self._take(change, user_id, method, typed)
            if right and not see_assertion(connection, ticket.digest, ticket.expires):
                raise Unauthorized
            logins.insert_login(
                connection, user_id=user_id, now=change.now, address=address, succeeded=right, method=method
            )
            if not right:
                return SecondStepRefused(too_often=False)
            if replaced is not None and replaced.id == ticket.values["session"]:
                require_session(change, replaced)
                return self._sessions.renew_session(change, replaced)
            return self._sessions.begin_session(
                change, user_id, method=method, address=address, agent=agent, replaced=replaced
            )

    def _take(self, change: Change, user_id: int, method: str, typed: str) -> bool:
        if method == PASSWORD_AND_ONE_TIME:
            return take_one_time_password(change, self._peppers, user_id, typed)
        code = RecoveryCode.parse(typed)
        if code is None or not use_code(change.connection, user_id, code.digests(self._peppers, user_id)):
            return False
        change.record(RecoveryCodeUsed(user_id, count_codes(change.connection, user_id)))
        return True


def _guessed_too_often(change: Change, user_id: int) -> bool:
    failures = logins.count_failures(
        change.connection, user_id, PASSWORD_AND_ONE_TIME, since=change.now - GUESSES_SPAN, limit=GUESSES_MAX
    )
    return failures >= GUESSES_MAX


def _find_user(connection: Connection, ticket: Ticket) -> User | None:
    """Find the user of a ticket, unless user or password are others by now."""
    user = find_user_by_id(connection, ticket.values["user"])
    hash = None if user is None or user.disabled is not None else find_hash(connection, user.id)
    return user if hash is not None and _digest(hash) == ticket.values["password"] else None


def _digest(hash: str) -> str:
    return b64encode(sha256(hash.encode("utf-8")).digest()).decode("ascii")
