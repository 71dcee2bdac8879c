"""Sessions: who is signed in with a browser. Each is a row, so whatever ends one ends it at once, for all workers."""

from datetime import timedelta

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Forbidden, NotFound, Unauthorized
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.secrets import SESSION, Peppers, Secret
from tokenry.domain.sessions import AGENT_LENGTH_MAX, STANDARD_LIMITS, Session, SessionLimits
from tokenry.domain.sign_in_events import SessionBegun, SessionEnded
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import sessions as stored
from tokenry.storage.database import retried
from tokenry.storage.users import claim_user, find_user_by_id, is_service, lock_user

TOUCHED_AFTER = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""


class Sessions:
    """The use cases of sessions. A user's list of them is the wire format's devices."""

    def __init__(self, transactions: Transactions, peppers: Peppers, limits: SessionLimits = STANDARD_LIMITS) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self.limits = limits

    def find_session(self, text: str) -> Session | None:
        """Find the session that a cookie opens, and write down, once a minute, that it is in use."""
        secret = Secret.parse(text, (SESSION.prefix,))
        if secret is None:
            return None
        now = self._transactions.now()
        with self._transactions.read() as connection:
            found = stored.find_session(connection, secret.preview, now=now)
        if found is None or not self._peppers.opens(secret, *found[1:]):
            return None
        session = found[0]
        if self.limits.end(session.created, session.seen) <= now:  # the limits may have been wider
            return None
        if now - session.seen < TOUCHED_AFTER:
            return session
        return session if self._touch(session) else None

    def begin_session(
        self,
        change: Change,
        user_id: int,
        *,
        method: str,
        address: str | None,
        agent: str | None,
        replaced: Session | None = None,
    ) -> Secret:
        """Begin a session of a user who is kept, in a change of the caller's; the secret of its cookie.

        One that the browser had is `replaced`: it ends. Raises Forbidden for a service account: nobody signs in as one.
        """
        if is_service(change.connection, user_id):
            raise Forbidden
        if replaced is not None:
            _end(change, replaced.id, replaced.user.id)
        secret = Secret.generate(kind=SESSION)
        session_id = stored.insert_session(
            change.connection,
            self._peppers.key(secret),
            user_id=user_id,
            method=method,
            now=change.now,
            expires=self.limits.end(change.now, change.now),
            address=address,
            agent=None if agent is None else agent[:AGENT_LENGTH_MAX],
        )
        change.record(SessionBegun(user_id, session_id, method))
        return secret

    def renew_session(self, change: Change, session: Session) -> Secret:
        """Give a session that is kept another secret, since it was proved anew who it is, in a change of another's."""
        secret = Secret.generate(kind=SESSION)
        stored.renew_session(
            change.connection,
            session.id,
            self._peppers.key(secret),
            now=change.now,
        )
        return secret

    @retried
    def authenticate_again(self, origin: Origin, session: Session) -> Secret:
        """Note that it was proved anew who is signed in; the new secret of the session. Raises Unauthorized."""
        with self._transactions.change(origin) as change:
            require_session(change, session)
            return self.renew_session(change, session)

    @retried
    def end_others(self, origin: Origin, session: Session) -> int:
        """Sign who is signed in out of all other browsers; of how many. Raises Unauthorized."""
        with self._transactions.change(origin) as change:
            claim_user(change.connection, session.user.id)
            require_session(change, session)
            return end_sessions_of(change, session.user.id, kept=session.id)

    @retried
    def end_session(self, origin: Origin, session: Session) -> bool:
        """Sign out; whether the session was there."""
        with self._transactions.change(origin) as change:
            return _end(change, session.id, session.user.id)

    def list_sessions(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Session]:
        """List the sessions of the actor's user."""
        with self._transactions.read() as connection:
            user, now = get_reader(connection, actor), self._transactions.now()
            return stored.list_sessions(connection, user, now=now, request=request, filter=filter)

    def get_session(self, actor: Actor, session_id: int) -> Session:
        """Read one. Raises NotFound."""
        with self._transactions.read() as connection:
            user, now = get_reader(connection, actor), self._transactions.now()
            session = stored.find_session_of(connection, user, session_id, now=now)
            if session is None:
                raise NotFound
            return session

    @retried
    def delete_session(self, origin: Origin, session_id: int) -> None:
        """Sign the actor's user out of a browser. Raises NotFound."""
        with self._transactions.change(origin) as change:
            lock_user(change.connection, change.actor.user_id)
            user = get_writer(change)
            if not _end(change, session_id, user.id):
                raise NotFound

    @retried
    def _touch(self, session: Session) -> bool:
        with self._transactions.change(session.origin(None)) as change:
            expires = self.limits.end(session.created, change.now)
            return stored.touch_session(change.connection, session.id, now=change.now, expires=expires)


def require_session(change: Change, session: Session) -> User:
    """The user of a session that is still there, both kept until the change ends. Raises Unauthorized."""
    user_id = stored.keep_session(change.connection, session.id)
    user = None if user_id is None else find_user_by_id(change.connection, user_id)
    if user is None:
        raise Unauthorized
    return user


def end_sessions_of(change: Change, user_id: int, *, kept: int | None = None) -> int:
    """End all sessions of a user who is claimed but the one that is `kept`, in a change of the caller's; how many."""
    ended = stored.delete_sessions_of(change.connection, user_id, kept=kept)
    change.record(*(SessionEnded(user_id, session_id) for session_id in ended))
    return len(ended)


def _end(change: Change, session_id: int, user_id: int) -> bool:
    ended = stored.delete_session(change.connection, session_id, user_id=user_id)
    if ended:
        change.record(SessionEnded(user_id, session_id))
    return ended
