"""Statements that disable tokens and enable them again.

What opens a disabled token has the moment of its expiry as a negative number. So whoever compares that with any moment
refuses it, as verification does anyhow, and each of a rotated token's two secrets keeps its own.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, delete, exists, func, insert, select, update

from tokenry.storage.changes import execute_naming
from tokenry.storage.database import to_seconds
from tokenry.storage.schema import credentials, disabled_tokens, tokens


def ends_at() -> ColumnElement[int]:
    """When what opens a token expires, whether or not the token is disabled."""
    return func.abs(credentials.c.expires_at)


def ending(at: ColumnElement[int] | int) -> ColumnElement[int]:
    """What is stored so that it expires then; what is disabled stays so."""
    return case((credentials.c.expires_at < 0, -at), else_=at)


def is_disabled() -> ColumnElement[bool]:
    """Whether a token is disabled, for a statement on tokens."""
    return exists().where(disabled_tokens.c.token_id == tokens.c.id).correlate(tokens)


def disable_these(connection: Connection, token_ids: Sequence[int], *, now: datetime, by: str) -> Sequence[int]:
    """Disable those of some personal tokens that are live and not disabled; their ids. Their users are locked."""
    ids = _lock_some(connection, token_ids, (tokens.c.expires_at > to_seconds(now)) & ~is_disabled())
    if ids:
        rows = [{"token_id": token_id, "disabled_at": to_seconds(now), "disabled_by": by} for token_id in ids]
        connection.execute(insert(disabled_tokens), rows)
        _turn_credentials(connection, ids)
    return ids


def enable_these(connection: Connection, token_ids: Sequence[int]) -> Sequence[int]:
    """Enable those of some tokens that are disabled and not revoked; their ids. Their users are locked."""
    ids = _lock_some(connection, token_ids, is_disabled())
    if ids:
        connection.execute(delete(disabled_tokens).where(disabled_tokens.c.token_id.in_(ids)))
        _turn_credentials(connection, ids)
    return ids


def was_disabled(connection: Connection, token_id: int) -> bool:
    """Whether a token that is locked is disabled."""
    found = select(disabled_tokens.c.token_id).where(disabled_tokens.c.token_id == token_id)
    return connection.execute(found).first() is not None


def _lock_some(connection: Connection, token_ids: Sequence[int], which: ColumnElement[bool]) -> Sequence[int]:
    """In the order of their ids, as everywhere."""
    unrevoked = tokens.c.grant_id.is_(None) & tokens.c.revoked_at.is_(None)
    found = select(tokens.c.id).where(tokens.c.id.in_(token_ids), unrevoked, which).order_by(tokens.c.id)
    return connection.execute(found.with_for_update(key_share=True, of=tokens)).scalars().all()


def _turn_credentials(connection: Connection, token_ids: Sequence[int]) -> None:
    opening = update(credentials).where(credentials.c.token_id.in_(token_ids))
    execute_naming(connection, opening.values(expires_at=-credentials.c.expires_at))
