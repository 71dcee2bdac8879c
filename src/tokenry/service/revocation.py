"""Revoking tokens otherwise than by their id: many at once, or the one that a text opens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Origin
from tokenry.domain.callers import require_administrator
from tokenry.domain.errors import Forbidden
from tokenry.domain.events import TokenRevoked
from tokenry.domain.secrets import Peppers, Secret
from tokenry.domain.users import User
from tokenry.service.acting import get_writer
from tokenry.service.grants.ending import end_apps_of
from tokenry.service.transactions import Change, Transactions
from tokenry.storage import tokens as stored
from tokenry.storage.accounts import lock_account
from tokenry.storage.database import retried
from tokenry.storage.inventory import find_owner
from tokenry.storage.leaks import find_openers
from tokenry.storage.page_tokens import delete_page_tokens_of
from tokenry.storage.users import lock_entered, lock_user


class Revocations:
    """The use case of OAuth's revocation (RFC 7009): a user's own tokens; an administrator's, all of the account."""

    def __init__(self, transactions: Transactions, peppers: Peppers) -> None:
        self._transactions = transactions
        self._peppers = peppers

    @retried
    def revoke_presented(self, origin: Origin, text: str) -> bool:
        """Revoke the token that a text opens, which may be the acting one; whether there was one.

        Raises Forbidden for a live token out of the actor's reach. That tells nothing new: who holds its whole text
        could as well use it. An answer as for no token would leave it open, and its finder content.
        """
        secret = Secret.parse(text)
        with self._transactions.change(origin) as change:
            connection, now, actor = change.connection, change.now, change.actor
            token_id = self._find_opened(connection, secret, now)
            owner_id = None if token_id is None else find_owner(connection, token_id, account_id=actor.account_id)
            if owner_id is not None:
                if owner_id != actor.user_id:
                    lock_account(connection, actor.account_id)
                lock_user(connection, owner_id)
            user = get_writer(change)
            if token_id is None or self._find_opened(connection, secret, now) is None:
                return False
            if owner_id != user.id:
                require_administrator(user)
            if owner_id is None:
                raise Forbidden
            return bool(revoke_these(change, [token_id]))

    def _find_opened(self, connection: Connection, secret: Secret | None, now: datetime) -> int | None:
        """The id of the token that a secret opens."""
        if secret is None:
            return None
        opener = find_openers(connection, {secret.preview}, now).get(secret.preview)
        if opener is None or not self._peppers.opens(secret, opener.digest, opener.pepper_generation):
            return None
        return opener.token_id


def revoke_everything_of(change: Change, user: User) -> Sequence[int]:
    """Revoke the tokens of a user who is claimed, and end all else that the user let in; the tokens' ids."""
    shut_out(change, user)
    by = change.origin.name
    return _record(
        change,
        stored.revoke_tokens_of(change.connection, user.id, now=change.now, revoked_by=by, reason=change.origin.reason),
    )


def shut_out(change: Change, user: User) -> None:
    """End what a user, who is claimed, let clients and pages in for, and the tokens that are in child accounts."""
    lock_entered(change.connection, user.id)  # users come before apps
    delete_page_tokens_of(change.connection, user.id)
    end_apps_of(change, user.id)
    leave_children(change, user)


def leave_children(change: Change, user: User) -> None:
    """Revoke the tokens with which a user who is claimed is in child accounts."""
    lock_entered(change.connection, user.id)
    by = change.origin.name
    _record(
        change,
        stored.revoke_delegated_by(
            change.connection, user.id, now=change.now, revoked_by=by, reason=change.origin.reason
        ),
    )


def revoke_these(change: Change, token_ids: Sequence[int]) -> Sequence[int]:
    """Revoke those of some tokens that are not revoked, whose users are locked; their ids.

    What clients were given for these ends with them.
    """
    by = change.origin.name
    revoked = _record(
        change,
        stored.revoke_these(change.connection, token_ids, now=change.now, revoked_by=by, reason=change.origin.reason),
    )
    revoke_exchanged(change, revoked)
    return revoked


def revoke_exchanged(change: Change, revoked: Sequence[int]) -> None:
    """Revoke what clients were given for tokens that were just revoked, however often it was exchanged."""
    exchanged = stored.list_exchanged(change.connection, revoked)
    if exchanged:
        revoke_these(change, exchanged)


def revoke_others(change: Change) -> int:
    """Revoke all live personal tokens of the user who is meant but the acting one; how many there were."""
    kept, by = change.actor.token_id, change.origin.name
    ids = stored.revoke_others(
        change.connection,
        user_id=change.owner_id,
        kept=kept,
        now=change.now,
        revoked_by=by,
        reason=change.origin.reason,
    )
    return len(_record(change, ids))


def _record(change: Change, token_ids: Sequence[int]) -> Sequence[int]:
    change.record(*(TokenRevoked(token_id, reason=change.origin.reason) for token_id in token_ids))
    return token_ids
