"""Statements that delete what came from grants, some time after it ended. What is in the audit stays there.

Each deletes some, the oldest first, and says how many. None waits for anybody.
"""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Delete, Select, Table, bindparam, delete, exists, select

from tokenry.storage.changes import execute_naming
from tokenry.storage.database import DELETED_MAX, to_seconds
from tokenry.storage.schema import (
    apps,
    authorization_codes,
    credentials,
    device_codes,
    oauth_grants,
    refresh_tokens,
    seen_assertions,
    token_uses,
    tokens,
)

T = TypeVar("T")
KEPT_SECONDS = 86400
"""So long users find what ended, and who presents a code again is told that it was used."""


def delete_access_tokens(connection: Connection, now: datetime) -> int:
    """Delete access tokens that expired a day ago, and what was noted of them. One that was revoked would have, too."""
    old = tokens.c.grant_id.is_not(None) & (tokens.c.expires_at <= to_seconds(now) - KEPT_SECONDS)
    ids = connection.execute(some_of(select(tokens.c.id).where(old).order_by(tokens.c.expires_at))).scalars().all()
    if ids:
        # Named, though they have expired: the clock may be set back.
        execute_naming(connection, delete(credentials).where(credentials.c.token_id.in_(ids)))
        connection.execute(delete(token_uses).where(token_uses.c.token_id.in_(ids)))
        connection.execute(delete(tokens).where(tokens.c.id.in_(ids)))
    return len(ids)


def delete_refresh_tokens(connection: Connection, now: datetime) -> int:
    """Delete refresh tokens that expired, used or not."""
    old = select(refresh_tokens.c.preview).where(refresh_tokens.c.expires_at <= to_seconds(now))
    old = some_of(old.order_by(refresh_tokens.c.expires_at))
    return _delete(connection, delete(refresh_tokens).where(refresh_tokens.c.preview.in_(old)))


def delete_codes(connection: Connection, now: datetime) -> int:
    """Delete authorization codes that expired a day ago."""
    until = to_seconds(now) - KEPT_SECONDS
    old = select(authorization_codes.c.preview).where(authorization_codes.c.expires_at <= until)
    old = some_of(old.order_by(authorization_codes.c.expires_at))
    return _delete(connection, delete(authorization_codes).where(authorization_codes.c.preview.in_(old)))


def delete_device_codes(connection: Connection, now: datetime) -> int:
    """Delete device codes that expired a day ago."""
    until = to_seconds(now) - KEPT_SECONDS
    old = select(device_codes.c.preview).where(device_codes.c.expires_at <= until)
    old = some_of(old.order_by(device_codes.c.expires_at))
    return _delete(connection, delete(device_codes).where(device_codes.c.preview.in_(old)))


def delete_assertions(connection: Connection, now: datetime) -> int:
    """Forget assertions that nobody would take any more."""
    old = select(seen_assertions.c.digest).where(seen_assertions.c.expires_at <= to_seconds(now))
    old = some_of(old.order_by(seen_assertions.c.expires_at))
    return _delete(connection, delete(seen_assertions).where(seen_assertions.c.digest.in_(old)))


def delete_grants(connection: Connection, now: datetime) -> int:
    """Delete grants that ended or expired a day ago, once nothing of them is left."""
    until = to_seconds(now) - KEPT_SECONDS
    left = (
        exists().where(tokens.c.grant_id == oauth_grants.c.id),
        exists().where(refresh_tokens.c.grant_id == oauth_grants.c.id),
        exists().where(authorization_codes.c.grant_id == oauth_grants.c.id),
    )
    old = select(oauth_grants.c.id).where(oauth_grants.c.expires_at <= until, *(~each for each in left))
    old = some_of(old.order_by(oauth_grants.c.expires_at))
    return _delete(connection, delete(oauth_grants).where(oauth_grants.c.id.in_(old)))


def delete_apps(connection: Connection, now: datetime) -> int:
    """Delete apps that ended a day ago, once nothing of them is left."""
    until = to_seconds(now) - KEPT_SECONDS
    left = (
        exists().where(oauth_grants.c.app_id == apps.c.id),
        exists().where(authorization_codes.c.app_id == apps.c.id),
        exists().where(device_codes.c.app_id == apps.c.id),
    )
    old = select(apps.c.id).where(apps.c.ended_at <= until, *(~each for each in left))
    return _delete(connection, delete(apps).where(apps.c.id.in_(some_of(old.order_by(apps.c.ended_at)))))


KINDS = (
    delete_access_tokens,
    delete_refresh_tokens,
    delete_codes,
    delete_device_codes,
    delete_assertions,
    delete_grants,
    delete_apps,
)
"""In an order in which what refers to others goes first."""


def some_of(oldest: Select[tuple[T]]) -> Select[tuple[T]]:
    """So many rows of those that a statement selects as are deleted at once, locked; none for which one would wait."""
    return oldest.limit(DELETED_MAX).with_for_update(of=oldest.get_final_froms()[0], skip_locked=True)


def delete_by_key(connection: Connection, table: Table, old: ColumnElement[bool], order: ColumnElement[Any]) -> int:
    """Delete some rows of a table whose key has several columns, as above; how many.

    One by one: PostgreSQL would read the whole table for all of them at once.
    """
    key = [*table.primary_key]
    oldest: Select[Any] = select(*key).where(old).order_by(order)
    rows = connection.execute(some_of(oldest)).mappings().all()
    found = [{f"old_{name}": value for name, value in row.items()} for row in rows]
    if found:
        connection.execute(delete(table).where(*(column == bindparam(f"old_{column.name}") for column in key)), found)
    return len(found)


def _delete(connection: Connection, statement: Delete) -> int:
    return connection.execute(statement).rowcount
