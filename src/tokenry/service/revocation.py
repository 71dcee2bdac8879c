"""Revoking many tokens at once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.users import User
from tokenry.storage import audit
from tokenry.storage import tokens as stored


def revoke_everything_of(connection: Connection, origin: Origin, user: User, *, now: datetime) -> None:
    """Revoke a user's tokens, and those with which the user is in child accounts."""
    _record(connection, origin, stored.revoke_tokens_of(connection, user.id, now=now, revoked_by=origin.name), now)
    leave_children(connection, origin, user, now=now)


def leave_children(connection: Connection, origin: Origin, user: User, *, now: datetime) -> None:
    """Revoke the tokens with which a user is in child accounts."""
    _record(connection, origin, stored.revoke_delegated_by(connection, user.id, now=now, revoked_by=origin.name), now)


def revoke_others(connection: Connection, origin: Origin, actor: Actor, *, now: datetime) -> int:
    """Revoke all live tokens of the user who acts but the one it acts with; how many there were."""
    ids = stored.revoke_others(connection, user_id=actor.user_id, kept=actor.token_id, now=now, revoked_by=origin.name)
    _record(connection, origin, ids, now)
    return len(ids)


def _record(connection: Connection, origin: Origin, token_ids: Sequence[int], now: datetime) -> None:
    for token_id in token_ids:
        audit.record(connection, origin=origin, at=now, action="token.revoke", subject=f"token:{token_id}")
