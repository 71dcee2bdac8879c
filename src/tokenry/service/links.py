"""Links by which somebody chooses a password, once."""

from datetime import timedelta

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.links import LIFETIME
from tokenry.domain.scopes import ALL
from tokenry.domain.secrets import LINK, Peppers, Secret
from tokenry.domain.sessions import PASSWORD
from tokenry.domain.sign_in_events import LinkCreated
from tokenry.domain.users import User
from tokenry.service.idempotency import do_once
from tokenry.service.passwords import PasswordProved, put_password
from tokenry.service.sessions import Sessions
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import claim_own
from tokenry.storage import links as stored
from tokenry.storage import users as stored_users
from tokenry.storage.database import retried
from tokenry.storage.logins import insert_login

NOT_ALL = "Only who acts with all scopes (*) makes links: whoever opens one may do all that its user may"


class Links:
    """The use cases of links. To see one uses nothing up: mail programs look at what they are sent."""

    def __init__(self, transactions: Transactions, peppers: Peppers, sessions: Sessions) -> None:
        self._transactions = transactions
        self._peppers = peppers
        self._sessions = sessions

    @retried
    def make_link(self, origin: Origin, username: str, lifetime: timedelta = LIFETIME) -> Secret:
        """Make a link for somebody, as the operator. Raises NotFound, and Invalid for who may not sign in."""
        with self._transactions.change(origin) as change:
            found = stored_users.find_user(change.connection, username)
            user = None if found is None else stored_users.keep_user(change.connection, found.id)
            if user is None:
                raise NotFound
            if user.proxy:
                raise Invalid(
                    Fault("User is a proxy user, and never signs in: link one of its parent account's", "user")
                )
            return self._make(change, user, lifetime)

    @retried
    def invite(self, origin: Origin, username: str, request: KeyedRequest | None = None) -> Secret:
        """Make a link for another user of the account, as an administrator who acts with all scopes.

        Whoever opens it signs in as that user, and may do all that the user may: so must whoever makes it. Repeat
        `request` and it is made only once. Raises Forbidden, NotFound, AlreadyMade, and Invalid for oneself and for who
        may not sign in.
        """
        with self._transactions.change(origin) as change:
            user = claim_own(change, username)
            if not change.actor.scopes.covers(ALL):
                raise Forbidden(NOT_ALL)
            if user.id == change.actor.user_id:
                raise Invalid(Fault("You choose another password where you are signed in"))
            return do_once(change, request, lambda: self._make(change, user, LIFETIME), lambda _: user.username)

    def find_user(self, text: str) -> User | None:
        """Find whom a link is for; None for one that leads nowhere any more."""
        secret = Secret.parse(text, (LINK.prefix,))
        if secret is None:
            return None
        with self._transactions.read() as connection:
            found = stored.find_link(connection, secret.preview, self._transactions.now())
        if found is None or not self._peppers.opens(secret, found.digest, found.pepper_generation):
            return None
        return found.user

    @retried
    def use_link(self, text: str, hash: str, *, address: str | None, agent: str | None) -> Secret | PasswordProved:
        """Set the password of whom a link is for, end the user's sessions, and begin one; its secret.

        There is none yet for who has a second factor.
        Once: the link is deleted, by one of those who use it. Raises NotFound for one that leads nowhere any more.
        """
        secret, user = Secret.parse(text, (LINK.prefix,)), self.find_user(text)
        if secret is None or user is None:
            raise NotFound
        with self._transactions.change(Origin(user.username, address=address, user_id=user.id)) as change:
            connection = change.connection
            stored_users.claim_user(connection, user.id)
            found = stored.find_link(connection, secret.preview, change.now)
            if found is None or not stored.delete_link(connection, secret.preview):
                raise NotFound
            put_password(change, found.user, hash, by="link")
            if found.user.second_factor:
                return PasswordProved(found.user, hash)
            insert_login(connection, user_id=user.id, now=change.now, address=address, succeeded=True, method=PASSWORD)
            return self._sessions.begin_session(change, user.id, method=PASSWORD, address=address, agent=agent)

    def _make(self, change: Change, user: User, lifetime: timedelta) -> Secret:
        """Make a link for a user who is kept. Raises Invalid for who may not sign in."""
        if user.disabled is not None:
            raise Invalid(Fault("User is disabled: enable it first", "user"))
        if user.service:
            raise Invalid(Fault("User is a service account, and never signs in", "user"))
        secret, expires = Secret.generate(kind=LINK), change.now + lifetime
        stored.insert_link(
            change.connection, self._peppers.key(secret), user_id=user.id, now=change.now, expires=expires
        )
        change.record(LinkCreated(user.id, expires))
        return secret
