"""Signing in by OpenID providers: which user somebody is, making that user the first time, and the operator's say."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Fault, Invalid, NotFound, Unavailable
from tokenry.domain.providers import (
    NotSignedIn,
    Person,
    Provider,
    ProviderIdentity,
    Trouble,
    candidate_usernames,
    is_subject,
)
from tokenry.domain.scopes import Scopes
from tokenry.domain.seals import Ticket
from tokenry.domain.secrets import Secret
from tokenry.domain.sessions import Session
from tokenry.domain.sign_in_events import IdentityLinked, IdentityUnlinked
from tokenry.domain.users import User
from tokenry.service.sessions import Sessions, end_sessions_of
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import NO_RESERVATION, add_user, is_free, read_account, set_rights
from tokenry.storage import identities as stored
from tokenry.storage.accounts import find_first_account, lock_account
from tokenry.storage.assertions import see_assertion
from tokenry.storage.database import retried
from tokenry.storage.logins import insert_login
from tokenry.storage.users import claim_user, find_user, find_user_by_id, get_user, keep_user


class Identities:
    """The use cases of identities."""

    def __init__(self, transactions: Transactions, sessions: Sessions, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._sessions = sessions
        self._reservation = reservation

    @retried
    def use_ticket(self, ticket: Ticket) -> bool:
        """Use the ticket of a sign-in up, whatever comes of that; whether it was not used before."""
        with self._transactions.database.write() as connection:
            return see_assertion(connection, ticket.digest, ticket.expires)

    def sign_in(
        self,
        provider: Provider,
        person: Person,
        *,
        address: str | None,
        agent: str | None,
        replaced: Session | None = None,
    ) -> Secret:
        """Begin a session of the user that somebody is, in place of one that this browser had.

        Who is nobody yet is linked to the user of a verified address, or made a user, where the operator allows that
        for this provider. Who is an administrator follows its mapping, each time. Raises NotSignedIn.
        """
        secret = self._sign_in(provider, person, address, agent, replaced)
        if secret is None:
            raise NotSignedIn(Trouble.DISABLED, "the user is disabled")
        return secret

    def authenticate_again(self, person: Person, session: Session, address: str | None) -> Secret:
        """Note that it was proved anew who is signed in; the new secret of the session. Raises NotSignedIn.

        So it does for somebody else. Raises Unauthorized if the session has been ended.
        """
        with self._transactions.read() as connection:
            user = stored.find_identified(connection, issuer=person.issuer, subject=person.subject)
        if user is None or user.id != session.user.id:
            raise NotSignedIn(Trouble.STRANGER, "it is somebody else who proved who it is")
        return self._sessions.authenticate_again(session.origin(address), session)

    def list_of_user(self, username: str) -> Sequence[ProviderIdentity]:
        """List who a user is to providers, the oldest first. Raises NotFound."""
        with self._transactions.read() as connection:
            return stored.list_identities(connection, _get_named(connection, username).id)

    @retried
    def link(self, origin: Origin, username: str, provider: Provider, subject: str) -> bool:
        """Say, as the operator, who a user is to a provider; whether that is news.

        Raises NotFound; Invalid for what is no subject, for who never signs in, and for what is somebody else already.
        """
        if not is_subject(subject):
            raise Invalid(Fault("This is not what a provider calls somebody (sub)", "subject"))
        with _once_each(), self._transactions.change(origin) as change:
            connection = change.connection
            user = _claim_named(connection, username)
            if user.proxy or user.service:
                raise Invalid(Fault("This user never signs in", "user"))
            known = stored.find_identified(connection, issuer=provider.issuer, subject=subject)
            if known is not None and known.id != user.id:
                raise Invalid(Fault(f"That is user {known.username} already: unlink it there first", "subject"))
            if known is None:
                stored.insert_identity(
                    connection, issuer=provider.issuer, subject=subject, user_id=user.id, now=change.now
                )
                change.record(IdentityLinked(user.id, provider.name, provider.issuer, subject, "operator"))
            return known is None

    @retried
    def unlink(self, origin: Origin, username: str, identity_id: int) -> ProviderIdentity:
        """Take from a user, as the operator, who a provider says it is, and end the user's sessions.

        Raises NotFound; Invalid for what the user is not.
        """
        with self._transactions.change(origin) as change:
            user = _claim_named(change.connection, username)
            identity = stored.delete_identity(change.connection, identity_id, user_id=user.id)
            if identity is None:
                raise Invalid(Fault(f"User {username} has no identity of this id", "id"))
            change.record(IdentityUnlinked(user.id, identity.issuer, identity.subject))
            end_sessions_of(change, user.id)
            return identity

    @retried
    def _sign_in(
        self, provider: Provider, person: Person, address: str | None, agent: str | None, replaced: Session | None
    ) -> Secret | None:
        """Begin a session; None for a disabled user, of whom it is written down that somebody tried."""
        with _once_each(), self._transactions.change(Origin(provider.method, address=address)) as change:
            user = self._identify(change, provider, person)
            enabled = user.disabled is None
            insert_login(
                change.connection,
                user_id=user.id,
                now=change.now,
                address=address,
                succeeded=enabled,
                method=provider.method,
            )
            if not enabled:
                return None
            return self._sessions.begin_session(
                change, user.id, method=provider.method, address=address, agent=agent, replaced=replaced
            )

    def _identify(self, change: Change, provider: Provider, person: Person) -> User:
        """The user that somebody is, who is kept; linked or made if it is the first time. Raises NotSignedIn."""
        connection = change.connection
        user = stored.find_identified(connection, issuer=person.issuer, subject=person.subject)
        if user is not None:
            return _as_mapped(change, user, provider, person)
        account_id = _find_account(connection, provider, person)
        user, by = _find_linkable(connection, provider, person, account_id), "address"
        if user is None:
            made = self._make_user(change, provider, person, account_id)
            admin, ceiling = _rights(made, provider, person)
            user, by = set_rights(change, made, admin=admin, ceiling=ceiling), "sign-in"
        else:
            user = _claim(change, user)
            if _find_linkable(connection, provider, person, account_id) != user:
                raise Unavailable("the user was changed meanwhile", collided=True)
            user = _as_mapped(change, user, provider, person)
        stored.insert_identity(
            connection, issuer=person.issuer, subject=person.subject, user_id=user.id, now=change.now
        )
        change.record(IdentityLinked(user.id, provider.name, person.issuer, person.subject, by))
        return user

    def _make_user(self, change: Change, provider: Provider, person: Person, account_id: int) -> User:
        if not provider.create_users:
            raise NotSignedIn(Trouble.STRANGER, "there is no user for this person, and none is made")
        free = (name for name in candidate_usernames(person) if is_free(change, name, self._reservation))
        username = next(free, None)
        if username is None:
            raise NotSignedIn(Trouble.STRANGER, "there is no name that the user could have")
        return add_user(
            change,
            account_id=account_id,
            username=username,
            email=person.email,
            admin=person.admin is True,
            reservation=self._reservation,
        )


def _find_account(connection: Connection, provider: Provider, person: Person) -> int:
    """Find the account that somebody's user is of. Raises NotSignedIn."""
    if provider.account_claim is not None and person.account is None:
        raise NotSignedIn(Trouble.STRANGER, f"the provider says nothing as {provider.account_claim}")
    try:
        found = (
            find_first_account(connection) if person.account is None else read_account(connection, person.account, "")
        )
    except Invalid as refusal:
        raise NotSignedIn(Trouble.STRANGER, f"account: {refusal}") from None
    if found is None:
        raise NotSignedIn(Trouble.STRANGER, "there is no account yet")
    return found.id


def _find_linkable(connection: Connection, provider: Provider, person: Person, account_id: int) -> User | None:
    """Find the user whom a verified address makes somebody; None where the operator does not allow that.

    The user is of the account that the provider is believed for, and nobody yet to it: an address that was given to
    somebody else there leads to no user of before.
    """
    if not provider.link_by_verified_email or not person.email_verified:
        return None
    user = stored.find_by_email(connection, person.email)
    if user is None or user.proxy or user.account_id != account_id:
        return None
    return None if stored.has_identity_at(connection, user.id, person.issuer) else user


def _as_mapped(change: Change, user: User, provider: Provider, person: Person) -> User:
    """The user, kept, with the rights that the mapping gives; as before where it has no say."""
    if _rights(user, provider, person) == (user.admin, user.ceiling):
        keep_user(change.connection, user.id)
        return _reread(change, user)
    claimed = _claim(change, user)
    if claimed.disabled is not None:
        return claimed
    admin, ceiling = _rights(claimed, provider, person)
    return set_rights(change, claimed, admin=admin, ceiling=ceiling)


def _rights(user: User, provider: Provider, person: Person) -> tuple[bool, Scopes]:
    return (
        user.admin if person.admin is None else person.admin,
        user.ceiling if provider.ceiling is None else provider.ceiling,
    )


def _claim(change: Change, user: User) -> User:
    lock_account(change.connection, user.account_id)
    claim_user(change.connection, user.id)
    return _reread(change, user)


def _get_named(connection: Connection, username: str) -> User:
    found = find_user(connection, username)
    if found is None:
        raise NotFound
    return found


def _claim_named(connection: Connection, username: str) -> User:
    """Claim a user, as it is from then on. Raises NotFound."""
    found = _get_named(connection, username)
    claim_user(connection, found.id)
    return get_user(connection, found.id)


def _reread(change: Change, user: User) -> User:
    current = find_user_by_id(change.connection, user.id)
    if current is None:
        raise Unavailable("the user was deleted meanwhile", collided=True)
    return current


@contextmanager
def _once_each() -> Iterator[None]:
    """Begin anew where another transaction has just made the same user, or somebody the same user's.

    What was taken then is found there.
    """
    try:
        yield
    except IntegrityError as error:
        raise Unavailable("somebody else signed in for the first time", collided=True) from error
