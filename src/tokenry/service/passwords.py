"""Passwords: signing in by one, and setting one.

Hashing takes long and is done between the transactions (`service/hashing.py`), so each of these is one step of several.
A step that writes makes sure that what it was told of is still so.
"""

from secrets import token_bytes
from typing import NamedTuple

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Unauthorized
from tokenry.domain.secrets import Secret
from tokenry.domain.sessions import PASSWORD, Session
from tokenry.domain.sign_in_events import PasswordSet
from tokenry.domain.texts import is_storable
from tokenry.domain.users import User
from tokenry.service.sessions import Sessions, end_sessions_of, require_session
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import logins
from tokenry.storage import passwords as stored
from tokenry.storage.assertions import see_assertion
from tokenry.storage.database import retried
from tokenry.storage.links import delete_links_of
from tokenry.storage.users import claim_user, keep_user


class SigningIn(NamedTuple):
    """Somebody who says who it is: the user that is meant, the hash to compare with, and whether the address is known.

    Where nobody may sign in by a password there is no hash; the user is then still there for the logins, if it exists.
    """

    user: User | None
    hash: str | None
    known_address: bool


class PasswordProved(NamedTuple):
    """Somebody whose password was right, with its hash, and who has a second factor: there is no session yet.

    Who is signed in and proves it anew has one, which waits to be renewed.
    """

    user: User
    hash: str
    session_id: int | None = None


NOBODY = SigningIn(None, None, known_address=False)


class Passwords:
    """The use cases of passwords."""

    def __init__(self, transactions: Transactions, sessions: Sessions) -> None:
        self._transactions = transactions
        self._sessions = sessions

    def find_signing_in(self, text: str, address: str | None) -> SigningIn:
        """Find who is meant by a name or an address; proxy users never sign in, nor do those who are disabled."""
        if not is_storable(text):
            return NOBODY
        with self._transactions.read() as connection:
            candidate = stored.find_candidate(connection, text)
            if candidate is None:
                return NOBODY
            known = logins.has_signed_in_from(connection, candidate.user.id, address)
        may = candidate.user.disabled is None and not candidate.user.proxy
        return SigningIn(candidate.user, candidate.hash if may else None, known)

    def find_hash(self, session: Session) -> str | None:
        """Find the hash of the password of who is signed in."""
        with self._transactions.read() as connection:
            return stored.find_hash(connection, session.user.id)

    @retried
    def sign_in(
        self,
        who: SigningIn,
        *,
        address: str | None,
        agent: str | None,
        replaced: Session | None = None,
        rehashed: str | None = None,
    ) -> Secret | PasswordProved:
        """Begin a session of somebody whose password was right, in place of one that this browser had.

        There is none yet for who has a second factor. `rehashed` is the password as it is hashed today. Raises
        Unauthorized if user or password are others by now.
        """
        assert who.user is not None
        with self._transactions.change(Origin(who.user.username, address=address, user_id=who.user.id)) as change:
            connection, user_id = change.connection, who.user.id
            user = keep_user(connection, user_id)
            hash = stored.find_hash(connection, user_id)
            if user is None or user.disabled is not None or hash is None or hash != who.hash:
                raise Unauthorized
            if rehashed is not None and stored.rehash_password(connection, user_id, before=hash, after=rehashed):
                hash = rehashed
            if user.second_factor:
                return PasswordProved(user, hash)
            logins.insert_login(
                connection, user_id=user_id, now=change.now, address=address, succeeded=True, method=PASSWORD
            )
            return self._sessions.begin_session(
                change, user_id, method=PASSWORD, address=address, agent=agent, replaced=replaced
            )

    @retried
    def prove(self, origin: Origin, session: Session, hash: str) -> Secret | PasswordProved:
        """Note that it was proved anew by a password who is signed in; the new secret of the session.

        That is only half of it for who has a second factor. Raises Unauthorized if session or password are others by
        now.
        """
        with self._transactions.change(origin) as change:
            user = require_session(change, session)
            if stored.find_hash(change.connection, user.id) != hash:
                raise Unauthorized
            return (
                PasswordProved(user, hash, session.id)
                if user.second_factor
                else self._sessions.renew_session(change, session)
            )

    @retried
    def note_failure(self, user_id: int, *, address: str | None, method: str = PASSWORD) -> None:
        """Write down that somebody tried to sign in as a user, and could not."""
        with self._transactions.change(Origin("sign-in", address=address)) as change:
            logins.insert_login(
                change.connection, user_id=user_id, now=change.now, address=address, succeeded=False, method=method
            )

    @retried
    def note_failure_of_nobody(self) -> None:
        """Write as much as a failure is that there is nobody to write down for; it is deleted in the next pruning.

        Who asks for something that is written waits behind it: without this, that would tell whom there is.
        """
        with self._transactions.change(Origin("sign-in")) as change:
            see_assertion(change.connection, token_bytes(32), change.now)

    @retried
    def change_password(self, origin: Origin, session: Session, hash: str) -> Secret:
        """Set the password of who is signed in, and end the user's other sessions; the new secret of this one.

        Raises Unauthorized if it has been ended.
        """
        with self._transactions.change(origin) as change:
            claim_user(change.connection, session.user.id)
            user = require_session(change, session)
            put_password(change, user, hash, by="change", kept=session.id)
            return self._sessions.renew_session(change, session)


def put_password(change: Change, user: User, hash: str, *, by: str, kept: int | None = None) -> None:
    """Set the password of a user who is claimed, in a change of the caller's; links and other sessions end."""
    stored.set_password(change.connection, user.id, hash, change.now)
    delete_links_of(change.connection, user.id)
    change.record(PasswordSet(user.id, by))
    end_sessions_of(change, user.id, kept=kept)
