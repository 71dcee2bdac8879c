"""What administrators do with the users of their account, and an operator with all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Fault, Invalid, NotFound, raise_faults
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.users import User, user_faults
from tokenry.service.acting import get_reader, require_administrator
from tokenry.storage import audit
from tokenry.storage import users as stored
from tokenry.storage.accounts import find_first_account
from tokenry.storage.database import Database


class Users:
    """The user use cases."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    # --- of an administrator --------------------------------------------------------------------------------------

    def require_administrator(self, actor: Actor) -> None:
        """Raise Forbidden for anybody else: before anything that is wrong with what he asks."""
        with self._database.read() as connection:
            require_administrator(get_reader(connection, actor))

    def list_users(self, actor: Actor, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[User]:
        """List the account's users. Raises Forbidden."""
        with self._database.read() as connection:
            require_administrator(get_reader(connection, actor))
            return stored.list_users(connection, account_id=actor.account_id, request=request, filter=filter)

    def get_user(self, actor: Actor, username: str) -> User:
        """Read one of the account's users. Raises Forbidden, NotFound."""
        with self._database.read() as connection:
            require_administrator(get_reader(connection, actor))
            user = stored.find_user(connection, username, account_id=actor.account_id)
            if user is None:
                raise NotFound
            return user

    # --- of an operator -------------------------------------------------------------------------------------------

    def create_user(self, origin: Origin, *, username: str, email: str = "", admin: bool = False) -> User:
        """Make a user of the first account. Raises Invalid, also when the name is taken."""
        raise_faults(user_faults(username=username, email=email))
        with _unique_names(), self._database.write() as connection:
            account = find_first_account(connection)
            if account is None:
                raise NotFound
            return add_user(
                connection,
                origin,
                account_id=account.id,
                username=username,
                email=email,
                admin=admin,
                now=self._now(),
            )

    def list_all_users(self) -> Sequence[tuple[User, int]]:
        """List the users of all accounts by name, each with its number of open tokens."""
        with self._database.read() as connection:
            return stored.list_all_users(connection, self._now())

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


def add_user(
    connection: Connection,
    origin: Origin,
    *,
    account_id: int,
    username: str,
    email: str,
    admin: bool,
    now: datetime,
) -> User:
    """Make a user in a transaction of the caller's. The name is unique by the database's word: IntegrityError."""
    user = stored.create_user(
        connection, account_id=account_id, username=username, email=email, admin=admin, created=now
    )
    details = {"username": username, "admin": admin}
    audit.record(connection, origin=origin, at=now, action="user.create", subject=f"user:{user.id}", details=details)
    return user


@contextmanager
def _unique_names() -> Iterator[None]:
    """Turn the database's word that a name is taken into Invalid."""
    try:
        yield
    except IntegrityError as error:
        raise Invalid(Fault("Username is already taken", "username")) from error
