"""What users see and change of themselves."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Forbidden, Unauthorized, raise_faults
from tokenry.domain.profile import Profile, ProfileChange
from tokenry.domain.users import User
from tokenry.service.acting import get_reader, get_writer
from tokenry.storage import audit
from tokenry.storage import users as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import Database, retried


class Profiles:
    """The profile use cases. An actor sees and changes its own user's profile."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def get_profile(self, actor: Actor) -> Profile:
        """Read it."""
        with self._database.read() as connection:
            return _get(connection, actor)

    def get_user(self, actor: Actor) -> User:
        """Read the user alone."""
        with self._database.read() as connection:
            return get_reader(connection, actor)

    @retried
    def update_profile(self, origin: Origin, actor: Actor, change: ProfileChange) -> Profile:
        """Change what is to be different. Raises Invalid, and Forbidden for another address of a proxy user."""
        with self._database.write() as connection:
            lock_account(connection, actor.account_id)
            stored.hold_user(connection, actor.user_id)
            user = get_writer(connection, actor, now=self._now())
            if user.proxy and change.email not in {None, user.email}:
                raise Forbidden
            before = _get(connection, actor)
            raise_faults(change.check(before))
            after = change.applied_to(before)
            if after != before:
                stored.set_profile(connection, user.id, after)
                audit.record(
                    connection,
                    origin=origin,
                    at=self._now(),
                    action="profile.update",
                    subject=f"user:{user.id}",
                    details={"changed": after.differences(before)},
                )
            return after


def _get(connection: Connection, actor: Actor) -> Profile:
    profile = stored.find_profile(connection, actor.user_id)
    if profile is None:
        raise Unauthorized
    return profile
