"""What an operator does with the users of all accounts, and what it has in common with what administrators do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Account, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.details import Reason
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound, UsernameReserved, raise_faults
from tokenry.domain.events import UserCreated, UserDeleted, UserDisabled, UserEnabled, UserUpdated
from tokenry.domain.managed import external_id_faults
from tokenry.domain.metadata import NO_METADATA, changed_keys
from tokenry.domain.profile import language_faults
from tokenry.domain.scopes import Scopes
from tokenry.domain.service_accounts import UNMANAGING
from tokenry.domain.users import User, UserChange, user_faults, username_faults
from tokenry.service.acting import get_writer
from tokenry.service.factors import forget_factors
from tokenry.service.revocation import leave_children, revoke_everything_of, shut_out
from tokenry.service.sessions import end_sessions_of
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import usernames
from tokenry.storage import users as stored
from tokenry.storage.accounts import find_accounts, find_first_account, lock_account
from tokenry.storage.database import retried
from tokenry.storage.identities import delete_identities_of
from tokenry.storage.links import delete_links_of
from tokenry.storage.passwords import delete_password

BATCH = 1000
"""Users that are read at once when all are wanted."""
NO_RESERVATION = timedelta(0)
NO_ACCOUNT = "There is no account yet: `tokenry serve` makes the first, or `tokenry admin account create`"
_TAKEN = Fault("Username is already taken", "username")


class Users:
    """What an operator does with the users of all accounts."""

    def __init__(self, transactions: Transactions, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._reservation = reservation

    @retried
    def create_user(
        self,
        origin: Origin,
        *,
        username: str,
        email: str = "",
        admin: bool = False,
        account: str | None = None,
        language: str | None = None,
    ) -> User:
        """Make a user of an account, by its name or euuid; else of the first. Raises Invalid, also if there is none.

        The user is spoken to in `language`, if there is one, until another is chosen.
        """
        raise_faults([*user_faults(username=username, email=email), *language_faults(language)])
        with unique_names(), self._transactions.change(origin) as change:
            return add_user(
                change,
                account_id=_account_or_first(change.connection, account).id,
                username=username,
                email=email,
                admin=admin,
                reservation=self._reservation,
                language=language,
            )

    @retried
    def create_service_account(
        self, origin: Origin, *, username: str, ceiling: Scopes, account: str | None = None
    ) -> User:
        """Make a service account, whose tokens may give users of the account up to `ceiling`. Raises Invalid."""
        raise_faults([*username_faults(username), *([UNMANAGING] if ceiling.management else [])])
        with unique_names(), self._transactions.change(origin) as change:
            user = add_user(
                change,
                account_id=_account_or_first(change.connection, account).id,
                username=username,
                email="",
                admin=False,
                service=True,
                reservation=self._reservation,
            )
            return store_user(change, user, replace(user, ceiling=ceiling))

    @retried
    def update_user(self, origin: Origin, username: str, wanted: UserChange) -> User:
        """Change what `wanted` names. Raises NotFound; Invalid, also for a proxy user and a last administrator."""
        with unique_names(), self._transactions.change(origin) as change:
            before = _claim(change.connection, username)
            if before.proxy:
                raise Invalid(Fault("A proxy user cannot be changed: it belongs to the parent account"))
            if wanted.external_id not in {None, before.external_id}:
                _require_linkable(change.connection, before, str(wanted.external_id))
            return change_user(change, before, wanted, reservation=self._reservation)

    @retried
    def delete_user(self, origin: Origin, username: str) -> None:
        """Delete a user, whose tokens are revoked. Raises NotFound; Invalid for a proxy user, a last administrator."""
        with self._transactions.change(origin) as change:
            user = _claim(change.connection, username)
            if user.proxy:
                raise Invalid(Fault("A proxy user cannot be deleted: detach the child account instead"))
            keep_an_administrator(change.connection, user)
            remove_user(change, user)

    def list_users(self, after: str = "") -> Iterator[tuple[User, int]]:
        """List users of all accounts by name, from the one after `after`, each with its number of live tokens.

        They are read in pieces, each as it is when it is read.
        """
        while True:
            with self._transactions.read() as connection:
                piece = stored.list_all_users(connection, self._transactions.now(), after=after, limit=BATCH)
            if not piece:
                return
            yield from piece
            after = piece[-1][0].username

    def disable_user(self, origin: Origin, username: str) -> bool:
        """Refuse all of a user's tokens and end its sessions; False if they were refused already. Raises NotFound.

        Personal tokens open again when the user is enabled. What the user let clients in for ends for good.
        """
        return self._set_disabled(origin, username, disabled=True)

    def enable_user(self, origin: Origin, username: str) -> bool:
        """Accept a disabled user's personal tokens again; False if they were accepted already. Raises NotFound."""
        return self._set_disabled(origin, username, disabled=False)

    @retried
    def _set_disabled(self, origin: Origin, username: str, *, disabled: bool) -> bool:
        with self._transactions.change(origin) as change:
            user = _claim(change.connection, username)
            if disabled:
                keep_an_administrator(change.connection, user)
            return set_user_disabled(change, user, disabled=disabled)


def add_user(
    change: Change,
    *,
    account_id: int,
    username: str,
    email: str,
    admin: bool,
    reservation: timedelta,
    service: bool = False,
    external_id: str | None = None,
    metadata: str = NO_METADATA,
    language: str | None = None,
) -> User:
    """Make a user in a change of the caller's. Raises UsernameReserved; IntegrityError for a taken name."""
    user = stored.create_user(
        change.connection,
        account_id=account_id,
        username=username,
        email=email,
        admin=admin,
        created=change.now,
        service=service,
        external_id=external_id,
        metadata=metadata,
    )
    if language is not None:
        stored.set_language(change.connection, user.id, language)
    _take_username(change, user, reservation)
    change.record(UserCreated(user.id, username, admin, changed_keys(NO_METADATA, metadata) or None))
    return user


def remove_user(change: Change, user: User) -> None:
    """Delete a claimed user and revoke all of the user's tokens, in a change of the caller's."""
    leaving = replace(change, origin=replace(change.origin, reason=change.origin.reason or Reason.OFFBOARDING))
    stored.delete_user(change.connection, user, change.now)
    if not user.proxy:  # whose name nobody can ask for
        usernames.reserve_username(change.connection, user, change.now)
    revoke_everything_of(leaving, user)
    forget_sign_in(change, user.id)
    change.record(UserDeleted(user.id, user.username))


def set_user_disabled(change: Change, user: User, *, disabled: bool, by_backend: bool = False) -> bool:
    """Refuse a claimed user's tokens in a change of the caller's, or accept them again; whether that was a change."""
    changed = stored.set_disabled(change.connection, user.id, change.now if disabled else None, by_backend=by_backend)
    if changed:
        change.record((UserDisabled if disabled else UserEnabled)(user.id, user.username))
    if changed and disabled:
        shut_out(change, user)
        end_sessions_of(change, user.id)
        delete_links_of(change.connection, user.id)
    return changed


def change_user(change: Change, before: User, wanted: UserChange, *, reservation: timedelta) -> User:
    """Change a user that is claimed, in a change of the caller's. Raises Invalid, also for the last administrator."""
    raise_faults(wanted.check(before))
    after = wanted.applied_to(before)
    if before.admin and after.restricted:
        keep_an_administrator(change.connection, before, "restricted")
    if after.username != before.username:
        usernames.reserve_username(change.connection, before, change.now)
        stored.rename_user(change.connection, after.id, after.username)
        _take_username(change, after, reservation)
    return store_user(change, before, after)


def set_rights(change: Change, user: User, *, admin: bool, ceiling: Scopes) -> User:
    """Say what a user who is claimed, with the account, may do, in a change of the caller's.

    The account's last administrator stays one.
    """
    stays = user.admin and not admin and not stored.has_other_administrator(change.connection, user)
    return store_user(change, user, replace(user, admin=admin or stays, ceiling=ceiling))


def is_free(change: Change, username: str, reservation: timedelta) -> bool:
    """Whether a new user may have a name: nobody has it, and it is not kept for who had it before."""
    if username_faults(username) or usernames.find_holders(change.connection, username):
        return False
    reserved = usernames.find_reservation(change.connection, username)
    return reserved is None or change.now >= reserved.freed + reservation


def require_free(change: Change, username: str, *, but_for: int | None = None) -> None:
    """Raise Invalid for a name that somebody has, in whatever case, but for the user of this id."""
    if usernames.find_holders(change.connection, username) - {but_for}:
        raise Invalid(_TAKEN)


def read_account(connection: Connection, text: str, field: str) -> Account:
    """The account that an operator names, by its name or euuid. Raises Invalid when that is not one."""
    found = find_accounts(connection, text)
    if not found:
        raise Invalid(Fault("There is no account of this name or euuid", field))
    if len(found) > 1:
        raise Invalid(Fault("There are several accounts of this name: use the euuid", field))
    return found[0]


def _account_or_first(connection: Connection, account: str | None) -> Account:
    found = find_first_account(connection) if account is None else read_account(connection, account, "account")
    if found is None:
        raise Invalid(Fault(NO_ACCOUNT))
    return found


def forget_sign_in(change: Change, user_id: int) -> None:
    """Forget by what a user who is claimed signs in, and end the user's sessions, in a change of the caller's."""
    delete_password(change.connection, user_id)
    forget_factors(change.connection, user_id)
    delete_links_of(change.connection, user_id)
    delete_identities_of(change.connection, user_id)
    end_sessions_of(change, user_id)


@contextmanager
def unique_names() -> Iterator[None]:
    """Turn the database's word that a name is taken into Invalid."""
    try:
        yield
    except IntegrityError as error:
        raise Invalid(_TAKEN) from error


def _require_linkable(connection: Connection, user: User, external_id: str) -> None:
    """Raise Invalid for a product's name that this user cannot have."""
    faults = external_id_faults(external_id)
    if stored.find_managed(connection, external_id, account_id=user.account_id) is not None:
        faults.append(Fault("Is already another user's", "external_id"))
    if user.admin or user.service:
        faults.append(Fault("Is not for administrators and service accounts", "external_id"))
    raise_faults(faults)


def _claim(connection: Connection, username: str) -> User:
    """Claim a user: until the transaction ends, nobody else changes the user, who does nothing. Raises NotFound."""
    found = stored.find_user(connection, username)
    if found is not None:
        lock_account(connection, found.account_id)
        stored.claim_user(connection, found.id)
    return _get_claimed(connection, found)


def claim_own(change: Change, username: str) -> User:
    """The user that an administrator is about to change. A parent account's proxy user is nobody's to change."""
    connection, account_id = change.connection, change.actor.account_id
    lock_account(connection, account_id)
    found = stored.find_user(connection, username, account_id=account_id)
    if found is not None:
        stored.claim_user(connection, found.id)  # which may be the one who acts: users come before credentials
    require_administrator(get_writer(change))
    user = _get_claimed(connection, found)
    if user.proxy:
        raise Forbidden
    return user


def _get_claimed(connection: Connection, found: User | None) -> User:
    """A user as it is now that it is claimed. Raises NotFound."""
    if found is None:
        raise NotFound
    return stored.get_user(connection, found.id)


def _take_username(change: Change, user: User, reservation: timedelta) -> None:
    """Make sure that the name a user has just got is nobody else's, and was not for as long as names are reserved.

    It is asked after the name was stored: a transaction that was about to free it has done so by then. Raises Invalid
    for a name that an older user has in another case, and UsernameReserved.
    """
    require_free(change, user.username, but_for=user.id)
    reserved = usernames.find_reservation(change.connection, user.username)
    if reserved is None:
        return
    if reserved.user_id != user.id and change.now < reserved.freed + reservation:
        raise UsernameReserved
    usernames.forget_reservation(change.connection, user.username)


def store_user(change: Change, before: User, after: User) -> User:
    """Store a changed user, and revoke the tokens that the user may no longer have."""
    changes = after.differences(before)
    if changes:
        stored.set_user(change.connection, after)
        change.record(UserUpdated(after.id, changes))
    if before.enters_children and not after.enters_children:
        leave_children(change, after)
    return after


def keep_an_administrator(connection: Connection, user: User, field: str | None = None) -> None:
    """Refuse to remove the account's last administrator. The account is locked, so no other can leave meanwhile."""
    own = user.admin and not user.proxy and user.disabled is None
    if own and not stored.has_other_administrator(connection, user):
        raise Invalid(Fault("This is the account's last administrator: make another one first", field))
