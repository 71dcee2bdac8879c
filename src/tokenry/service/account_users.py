"""What administrators do with the users of their account."""

from datetime import timedelta

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Fault, Forbidden, Invalid, NotFound, raise_faults
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.profile import language_faults
from tokenry.domain.users import GrantsChange, NewUser, User, UserChange
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.idempotency import do_once
from tokenry.service.transactions import Transactions
from tokenry.service.users import (
    NO_RESERVATION,
    add_user,
    change_user,
    claim_own,
    keep_an_administrator,
    remove_user,
    set_user_disabled,
    store_user,
    unique_names,
)
from tokenry.storage import users as stored
from tokenry.storage.database import retried


class AccountUsers:
    """What an administrator does with the users of the account."""

    def __init__(self, transactions: Transactions, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._reservation = reservation

    def list_users(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[User]:
        """List the account's users. Raises Forbidden."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            return stored.list_users(connection, account_id=actor.account_id, request=request, filter=filter)

    def get_user(self, actor: Actor, username: str) -> User:
        """Read one of the account's users. Raises Forbidden, NotFound."""
        with self._transactions.read() as connection:
            require_administrator(get_reader(connection, actor))
            user = stored.find_user(connection, username, account_id=actor.account_id)
            if user is None:
                raise NotFound
            return user

    @retried
    def create_user(self, origin: Origin, new: NewUser, request: KeyedRequest | None = None) -> User:
        """Make a user of the account; repeat `request` and it is made only once.

        Raises Forbidden, AlreadyMade; Invalid with every fault, also when the name is taken.
        """
        with unique_names(), self._transactions.change(origin) as change:
            require_administrator(get_writer(change))

            def make() -> User:
                raise_faults([*new.check(), *language_faults(new.language)])
                return add_user(
                    change,
                    account_id=change.actor.account_id,
                    username=new.username,
                    email=new.email,
                    admin=not new.restricted,
                    language=new.language,
                    reservation=self._reservation,
                )

            return do_once(change, request, make, lambda user: user.username)

    @retried
    def update_user(self, origin: Origin, username: str, wanted: UserChange) -> User:
        """Change what `wanted` names. Raises Forbidden, NotFound; Invalid, also for the last administrator."""
        with unique_names(), self._transactions.change(origin) as change:
            before = claim_own(change, username)
            return change_user(change, before, wanted, reservation=self._reservation)

    @retried
    def update_grants(self, origin: Origin, username: str, wanted: GrantsChange) -> User:
        """Grant a restricted user access to child accounts, or withdraw it. Raises Forbidden, NotFound, Invalid."""
        with self._transactions.change(origin) as change:
            before = claim_own(change, username)
            raise_faults(wanted.check(before))
            return store_user(change, before, wanted.applied_to(before))

    @retried
    def delete_user(self, origin: Origin, username: str) -> None:
        """Delete a user, whose tokens are revoked. Raises Forbidden, NotFound; Invalid for oneself and the last one."""
        with self._transactions.change(origin) as change:
            user = claim_own(change, username)
            if user.id == change.actor.user_id:
                raise Invalid(Fault("You cannot delete yourself"))
            keep_an_administrator(change.connection, user)
            remove_user(change, user)

    @retried
    def set_disabled(self, origin: Origin, username: str, *, disabled: bool) -> User:
        """Refuse all of a user's tokens and end its sessions, or accept its personal tokens again.

        Raises NotFound; Forbidden, also for whom an OAuth client acts as; Invalid for oneself and the last one.
        """
        with self._transactions.change(origin) as change:
            user = claim_own(change, username)
            if stored.is_of_client(change.connection, user):
                raise Forbidden
            if disabled and user.id == change.actor.user_id:
                raise Invalid(Fault("You cannot disable yourself"))
            if disabled:
                keep_an_administrator(change.connection, user)
            set_user_disabled(change, user, disabled=disabled)
            return stored.get_user(change.connection, user.id)
