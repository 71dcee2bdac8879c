"""What an operator does with accounts."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from tokenry.domain.accounts import Account, AccountChange, Actor, Contact, Origin, company_faults
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.events import AccountCreated, AccountDetached, AccountUpdated
from tokenry.domain.users import User, email_faults, username_faults
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.transactions import Change, Transactions
from tokenry.service.users import NO_RESERVATION, add_user, read_account, remove_user, unique_names
from tokenry.storage import accounts as stored
from tokenry.storage import users as stored_users
from tokenry.storage.database import retried


class Accounts:
    """The account use cases."""

    def __init__(self, transactions: Transactions, reservation: timedelta = NO_RESERVATION) -> None:
        self._transactions = transactions
        self._reservation = reservation

    def get_account(self, actor: Actor) -> Account:
        """Read the actor's account. Raises Forbidden for anybody but an administrator."""
        with self._transactions.read() as connection:
            user = get_reader(connection, actor)
            require_administrator(user)
            return stored.get_account(connection, user.account_id)

    @retried
    def update_own(self, origin: Origin, wanted: AccountChange) -> Account:
        """Change the actor's account. Raises Forbidden for anybody but an administrator; Invalid with every fault."""
        with self._transactions.change(origin) as change:
            account_id = change.actor.account_id
            stored.lock_account(change.connection, account_id)
            require_administrator(get_writer(change))
            return _update(change, account_id, wanted)

    @retried
    def update_account(self, origin: Origin, text: str, wanted: AccountChange) -> Account:
        """Change an account, named or by its euuid, as the operator. Raises Invalid with every fault."""
        with self._transactions.change(origin) as change:
            account = read_account(change.connection, text, "account")
            stored.lock_account(change.connection, account.id)
            return _update(change, account.id, wanted)

    def list_accounts(self) -> Sequence[Account]:
        """List all accounts, the oldest first."""
        with self._transactions.read() as connection:
            return stored.list_accounts(connection)

    @retried
    def create_account(
        self, origin: Origin, *, company: str, email: str = "", parent: str | None = None, admin: str | None = None
    ) -> Account:
        """Make an account: a child of `parent`, named or by its euuid, if there is one; with an administrator `admin`.

        Raises Invalid with every fault.
        """
        faults = company_faults(company) + (email_faults(email) if email else [])
        faults += [] if admin is None else username_faults(admin)
        raise_faults(faults)
        with unique_names(), self._transactions.change(origin) as change:
            above = None if parent is None else _read_parent(change.connection, parent)
            account = _create(change, company=company, contact=Contact(email=email), parent=above)
            if admin is not None:
                self._add_administrator(change, account, admin, email)
            return account

    def create_first(self, change: Change, *, company: str, admin_username: str) -> User | None:
        """Make the account and its administrator, in a change of the caller's; None if there is an account."""
        if stored.find_first_account(change.connection) is not None:
            return None
        account = _create(change, company=company, contact=Contact(), parent=None)
        return self._add_administrator(change, account, admin_username, "")

    @retried
    def detach_account(self, origin: Origin, euuid: str) -> Account:
        """Detach a child account from its parent; its proxy user goes, and with it all tokens that lead there.

        Raises NotFound, and Invalid for an account that is no child.
        """
        with self._transactions.change(origin) as change:
            connection = change.connection
            account = stored.find_account(connection, euuid)
            if account is None:
                raise NotFound
            stored.lock_account(connection, account.id)
            if not stored.detach_account(connection, account.id):
                raise Invalid(Fault("This account is not a child account", "euuid"))
            change.record(AccountDetached(account.id, account.parent_id))
            proxy = stored_users.find_proxy(connection, account.id)
            if proxy is not None:
                stored_users.claim_user(connection, proxy.id)
                remove_user(change, proxy)
            return account

    def _add_administrator(self, change: Change, account: Account, username: str, email: str) -> User:
        return add_user(
            change,
            account_id=account.id,
            username=username,
            email=email,
            admin=True,
            reservation=self._reservation,
        )


def new_euuid() -> str:
    """Make an account's public identity: 8-4-4-16 upper-case hex, random. X-Customer-UUID has it."""
    digits = secrets.token_hex(16).upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:]))


def _update(change: Change, account_id: int, wanted: AccountChange) -> Account:
    """Change an account that is locked."""
    before = stored.get_account(change.connection, account_id)
    raise_faults(wanted.check(before))
    after = wanted.applied_to(before)
    if after != before:
        stored.set_account(change.connection, after)
        change.record(AccountUpdated(account_id, wanted.differences(before)))
    return after


def _read_parent(connection: Connection, text: str) -> Account:
    parent = read_account(connection, text, "parent")
    if parent.parent_id is not None:
        raise Invalid(Fault("A child account has no children of its own", "parent"))
    return parent


def _create(change: Change, *, company: str, contact: Contact, parent: Account | None) -> Account:
    parent_id = None if parent is None else parent.id
    account = stored.create_account(
        change.connection,
        euuid=new_euuid(),
        company=company,
        created=change.now,
        contact=contact,
        parent_id=parent_id,
    )
    change.record(AccountCreated(account.id, company, parent_id))
    return account
