"""What an operator does with accounts."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Account, Actor, Origin
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, require_administrator
from tokenry.service.users import add_user
from tokenry.storage import accounts as stored
from tokenry.storage import audit
from tokenry.storage.database import Database


class Accounts:
    """The account use cases."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def get_account(self, actor: Actor) -> Account:
        """Read the actor's account. Raises Forbidden for anybody but an administrator."""
        with self._database.read() as connection:
            user = get_reader(connection, actor)
            require_administrator(user)
            return stored.get_account(connection, user.account_id)

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
        return add_user(
            connection, origin, account_id=account.id, username=admin_username, email="", admin=True, now=now
        )


def new_euuid() -> str:
    """Make an account's public identity: 8-4-4-16 upper-case hex, random (contract: X-Customer-UUID)."""
    digits = secrets.token_hex(16).upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:]))
