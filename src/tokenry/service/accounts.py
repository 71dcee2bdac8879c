"""What an operator does with accounts and users, and how an installation begins."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Account, Origin, User, user_faults
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.storage import accounts as stored
from tokenry.storage import audit
from tokenry.storage.database import Database


class Accounts:
    """The account and user use cases."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def create_first(self, connection: Connection, origin: Origin, *, company: str, admin_username: str) -> User | None:
        """Make the account and its administrator, in a transaction of the caller's; None if there is an account."""
        if stored.find_first_account(connection) is not None:
            return None
        now = self._now()
        account = stored.create_account(connection, euuid=new_euuid(), company=company, created=now)
        audit.record(
            connection,
            origin=origin,
            at=now,
            action="account.create",
            subject=f"account:{account.id}",
            details={"company": company},
        )
        return self._create_user(connection, origin, account, username=admin_username, email="", admin=True)

    def create_user(self, origin: Origin, *, username: str, email: str = "", admin: bool = False) -> User:
        """Make a user of the first account. Raises Invalid, also when the name is taken."""
        raise_faults(user_faults(username=username, email=email))
        try:
            with self._database.write() as connection:
                account = stored.find_first_account(connection)
                if account is None:
                    raise NotFound
                return self._create_user(connection, origin, account, username=username, email=email, admin=admin)
        except IntegrityError as error:
            raise Invalid(Fault("Username is already taken", "username")) from error

    def list_users(self) -> Sequence[tuple[User, int]]:
        """List all users by name, each with its number of open tokens."""
        with self._database.read() as connection:
            return stored.list_users(connection, self._now())

    def disable_user(self, origin: Origin, username: str) -> bool:
        """Refuse all of a user's tokens from now on; whether that is news. Raises NotFound."""
        return self._set_disabled(origin, username, disabled=True)

    def enable_user(self, origin: Origin, username: str) -> bool:
        """Let a disabled user's tokens in again; whether that is news. Raises NotFound."""
        return self._set_disabled(origin, username, disabled=False)

    def _set_disabled(self, origin: Origin, username: str, *, disabled: bool) -> bool:
        with self._database.write() as connection:
            user = stored.find_user(connection, username)
            if user is None:
                raise NotFound
            now = self._now()
            changed = stored.set_disabled(connection, user.id, now if disabled else None)
            if changed:
                audit.record(
                    connection,
                    origin=origin,
                    at=now,
                    action="user.disable" if disabled else "user.enable",
                    subject=f"user:{user.id}",
                    details={"username": username},
                )
            return changed

    def _create_user(
        self, connection: Connection, origin: Origin, account: Account, *, username: str, email: str, admin: bool
    ) -> User:
        now = self._now()
        user = stored.create_user(
            connection, account_id=account.id, username=username, email=email, admin=admin, created=now
        )
        audit.record(
            connection,
            origin=origin,
            at=now,
            action="user.create",
            subject=f"user:{user.id}",
            details={"username": username, "admin": admin},
        )
        return user


def new_euuid() -> str:
    """Make an account's public identity: 8-4-4-16 upper-case hex, random (contract: X-Customer-UUID)."""
    digits = secrets.token_hex(16).upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:]))
