"""What users see and change of themselves."""

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Forbidden, Unauthorized, raise_faults
from tokenry.domain.events import ProfileUpdated
from tokenry.domain.profile import Profile, ProfileChange
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.service.transactions import Transactions
from tokenry.storage import users as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried


class Profiles:
    """The profile use cases. An actor sees and changes its own user's profile."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def get_profile(self, actor: Actor) -> Profile:
        """Read it."""
        with self._transactions.read() as connection:
            return _get(connection, actor)

    def get_user(self, actor: Actor) -> User:
        """Read the user alone."""
        with self._transactions.read() as connection:
            return get_reader(connection, actor)

    @retried
    def update_profile(self, origin: Origin, wanted: ProfileChange) -> Profile:
        """Change what `wanted` names. Raises Invalid, and Forbidden for another address of a proxy user."""
        with self._transactions.change(origin) as change:
            connection, actor = change.connection, change.actor
            lock_account(connection, actor.account_id)
            stored.lock_user(connection, actor.user_id)
            user = get_writer(change)
            if user.proxy and wanted.email not in {None, user.email}:
                raise Forbidden
            before = _get(connection, actor)
            raise_faults(wanted.check(before))
            after = wanted.applied_to(before)
            if after != before:
                stored.set_profile(connection, user.id, after)
                change.record(ProfileUpdated(user.id, after.differences(before)))
            return after


def _get(connection: Connection, actor: Actor) -> Profile:
    profile = stored.find_profile(connection, actor.user_id)
    if profile is None:
        raise Unauthorized
    return profile
