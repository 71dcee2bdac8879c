"""What an operator does with accounts."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tokenry.domain.accounts import Account, AccountChange, Actor, Contact, Origin, company_faults
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.users import User, email_faults, username_faults
from tokenry.service.acting import get_reader, get_writer, require_administrator
from tokenry.service.users import (
    NO_RESERVATION,
    add_user,
    read_account,
    remove_user,
    unique_names,
)
from tokenry.storage import accounts as stored
from tokenry.storage import audit
from tokenry.storage import users as stored_users
from tokenry.storage.database import Database, retried


class Accounts:
    """The account use cases."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], reservation: timedelta = NO_RESERVATION
    ) -> None:
        self._database = database
        self._now = now
        self._reservation = reservation

    def get_account(self, actor: Actor) -> Account:
        """Read the actor's account. Raises Forbidden for anybody but an administrator."""
        with self._database.read() as connection:
            user = get_reader(connection, actor)
            require_administrator(user)
            return stored.get_account(connection, user.account_id)

    @retried
    def update_own(self, origin: Origin, actor: Actor, change: AccountChange) -> Account:
        """Change the actor's account. Raises Forbidden for anybody but an administrator; Invalid with every fault."""
        with self._database.write() as connection:
            stored.lock_account(connection, actor.account_id)
            require_administrator(get_writer(connection, actor, now=self._now()))
            return self._update(connection, origin, stored.get_account(connection, actor.account_id), change)

    @retried
    def update_account(self, origin: Origin, text: str, change: AccountChange) -> Account:
        """Change an account, named or by its euuid, as the operator. Raises Invalid with every fault."""
        with self._database.write() as connection:
            account = read_account(connection, text, "account")
            stored.lock_account(connection, account.id)
            return self._update(connection, origin, stored.get_account(connection, account.id), change)

    def list_accounts(self) -> Sequence[Account]:
        """List all accounts, the oldest first."""
        with self._database.read() as connection:
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
        with unique_names(), self._database.write() as connection:
            above = None if parent is None else self._claim_parent(connection, parent)
            contact = Contact(email=email)
            account = self._create(connection, origin, company=company, contact=contact, parent=above)
            if admin is not None:
                self._add_administrator(connection, origin, account, admin, email)
            return account

    def create_first(self, connection: Connection, origin: Origin, *, company: str, admin_username: str) -> User | None:
        """Make the account and its administrator, in a transaction of the caller's; None if there is an account."""
        if stored.find_first_account(connection) is not None:
            return None
        account = self._create(connection, origin, company=company, contact=Contact(), parent=None)
        return self._add_administrator(connection, origin, account, admin_username, "")

    @retried
    def detach_account(self, origin: Origin, euuid: str) -> Account:
        """Let a child account be none any more; its proxy user goes, and with it all tokens that lead there.

        Raises NotFound, and Invalid for an account that is no child.
        """
        with self._database.write() as connection:
            account = stored.find_account(connection, euuid)
            if account is None:
                raise NotFound
            stored.lock_account(connection, account.id)
            if not stored.detach_account(connection, account.id):
                raise Invalid(Fault("This account is no child account", "euuid"))
            now = self._now()
            _record(connection, origin, "account.detach", account, at=now, parent_id=account.parent_id)
            proxy = stored_users.find_proxy(connection, account.id)
            if proxy is not None:
                stored_users.claim_user(connection, proxy.id)
                remove_user(connection, origin, proxy, now=now)
            return account

    def _update(self, connection: Connection, origin: Origin, before: Account, change: AccountChange) -> Account:
        raise_faults(change.check(before))
        after = change.applied_to(before)
        if after != before:
            stored.set_account(connection, after)
            _record(connection, origin, "account.update", after, at=self._now(), **change.differences(before))
        return after

    def _claim_parent(self, connection: Connection, text: str) -> Account:
        parent = read_account(connection, text, "parent")
        if parent.parent_id is not None:
            raise Invalid(Fault("A child account has no children of its own", "parent"))
        return parent

    def _create(
        self, connection: Connection, origin: Origin, *, company: str, contact: Contact, parent: Account | None
    ) -> Account:
        now = self._now()
        account = stored.create_account(
            connection,
            euuid=new_euuid(),
            company=company,
            created=now,
            contact=contact,
            parent_id=None if parent is None else parent.id,
        )
        of_parent = {} if parent is None else {"parent_id": parent.id}
        _record(connection, origin, "account.create", account, at=now, company=company, **of_parent)
        return account

    def _add_administrator(
        self, connection: Connection, origin: Origin, account: Account, username: str, email: str
    ) -> User:
        return add_user(
            connection,
            origin,
            account_id=account.id,
            username=username,
            email=email,
            admin=True,
            now=self._now(),
            reservation=self._reservation,
        )


def new_euuid() -> str:
    """Make an account's public identity: 8-4-4-16 upper-case hex, random (contract: X-Customer-UUID)."""
    digits = secrets.token_hex(16).upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:]))


def _record(
    connection: Connection, origin: Origin, action: str, account: Account, *, at: datetime, **details: object
) -> None:
    audit.record(connection, origin=origin, at=at, action=action, subject=f"account:{account.id}", details=details)
