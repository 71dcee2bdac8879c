"""Revoking tokens otherwise than by their id: many at once, or the one that a text opens."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Forbidden
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.users import User
from tokenry.service.acting import get_writer, require_administrator
from tokenry.storage import audit
from tokenry.storage import tokens as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import Database, retried
from tokenry.storage.inventory import find_owner
from tokenry.storage.leaks import find_openers
from tokenry.storage.users import hold_entered, hold_user


class Revocations:
    """The use case of OAuth's revocation (RFC 7009): a user's own tokens; an administrator's, all of the account."""

    def __init__(self, database: Database, peppers: Peppers, now: Callable[[], datetime]) -> None:
        self._database = database
        self._peppers = peppers
        self._now = now

    @retried
    def revoke_presented(self, origin: Origin, actor: Actor, text: str) -> bool:
        """Revoke the token that a text opens, which may be the acting one; whether there was one.

        Raises Forbidden for a live token out of the actor's reach. That tells nothing new: who holds its whole text
        could as well use it. An answer as for no token would leave it open, and its finder content.
        """
        secret = Secret.parse(text)
        with self._database.write() as connection:
            now = self._now()
            token_id = self._find_opened(connection, secret, now)
            owner_id = None if token_id is None else find_owner(connection, token_id, account_id=actor.account_id)
            if owner_id is not None:
                if owner_id != actor.user_id:
                    lock_account(connection, actor.account_id)
                hold_user(connection, owner_id)
            user = get_writer(connection, actor, now=now)
            if token_id is None or self._find_opened(connection, secret, now) is None:
                return False
            if owner_id != user.id:
                require_administrator(user)
            if owner_id is None:
                raise Forbidden
            return bool(revoke_these(connection, origin, [token_id], now=now))

    def _find_opened(self, connection: Connection, secret: Secret | None, now: datetime) -> int | None:
        """The id of the token that a secret opens."""
        if secret is None:
            return None
        opener = find_openers(connection, {secret.preview}, now).get(secret.preview)
        if opener is None or not self._peppers.opens(secret, opener.digest, opener.pepper_generation):
            return None
        return opener.token_id


def revoke_everything_of(connection: Connection, origin: Origin, user: User, *, now: datetime) -> None:
    """Revoke the tokens of a user who is claimed, and those with which the user is in child accounts."""
    hold_entered(connection, user.id)
    _record(connection, origin, stored.revoke_tokens_of(connection, user.id, now=now, revoked_by=origin.name), now)
    leave_children(connection, origin, user, now=now)


def leave_children(connection: Connection, origin: Origin, user: User, *, now: datetime) -> None:
    """Revoke the tokens with which a user who is claimed is in child accounts."""
    hold_entered(connection, user.id)
    _record(connection, origin, stored.revoke_delegated_by(connection, user.id, now=now, revoked_by=origin.name), now)


def revoke_these(connection: Connection, origin: Origin, token_ids: Sequence[int], *, now: datetime) -> Sequence[int]:
    """Revoke those of some tokens that are not revoked, whose users are held; their ids."""
    revoked = stored.revoke_these(connection, token_ids, now=now, revoked_by=origin.name)
    _record(connection, origin, revoked, now)
    return revoked


def revoke_others(connection: Connection, origin: Origin, actor: Actor, *, now: datetime) -> int:
    """Revoke all live tokens of the user who acts but the one it acts with; how many there were."""
    ids = stored.revoke_others(connection, user_id=actor.user_id, kept=actor.token_id, now=now, revoked_by=origin.name)
    _record(connection, origin, ids, now)
    return len(ids)


def _record(connection: Connection, origin: Origin, token_ids: Sequence[int], now: datetime) -> None:
    events: dict[str, dict[str, object]] = {f"token:{token_id}": {} for token_id in token_ids}
    audit.record_all(connection, origin=origin, at=now, action="token.revoke", events=events)
