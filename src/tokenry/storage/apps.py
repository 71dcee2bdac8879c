"""Statements on apps, which are what users let clients in for, and on their grants.

What ends keeps its row for a while, so that a user sees when; what could be presented is deleted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from tokenry.storage.database import to_seconds
from tokenry.storage.schema import (
    apps,
    authorization_codes,
    device_codes,
    oauth_clients,
    oauth_grants,
    pushed_requests,
    refresh_tokens,
)
from tokenry.storage.tokens import IDS_MAX, in_pieces


class EndedApp(NamedTuple):
    """An app that has just ended, and for the audit whose it was."""

    id: int
    user_id: int
    client_id: str


class EndedGrant(NamedTuple):
    """A grant that has just ended, and for the audit whose it was."""

    id: int
    app_id: int
    user_id: int


def end_app(connection: Connection, app_id: int, now: datetime) -> Sequence[EndedApp]:
    """End an app, unless it has ended."""
    return _end_apps(connection, apps.c.id == app_id, now)


def end_apps_of(connection: Connection, user_id: int, now: datetime) -> Sequence[EndedApp]:
    """End a user's live apps."""
    return _end_apps(connection, apps.c.user_id == user_id, now)


def end_apps_with(connection: Connection, oauth_client_id: int, now: datetime) -> Sequence[EndedApp]:
    """End the live apps of a client."""
    return _end_apps(connection, apps.c.oauth_client_id == oauth_client_id, now)


def end_grant(connection: Connection, grant_id: int, now: datetime) -> Sequence[EndedGrant]:
    """End a grant whose app is locked, unless it has ended or expired."""
    return _end_grants(connection, oauth_grants.c.id == grant_id, now)


def end_grants_of(connection: Connection, app_ids: Sequence[int], now: datetime) -> Sequence[EndedGrant]:
    """End the live grants of apps that are locked."""
    ended: list[EndedGrant] = []
    for some in in_pieces(app_ids):
        ended += _end_grants(connection, oauth_grants.c.app_id.in_(some), now)
    return ended


def forget_requests_of(connection: Connection, oauth_client_id: int) -> None:
    """Delete what a client has begun, and no user has answered."""
    for begun in (device_codes, pushed_requests):
        connection.execute(delete(begun).where(begun.c.oauth_client_id == oauth_client_id))


def _end_apps(connection: Connection, which: ColumnElement[bool], now: datetime) -> Sequence[EndedApp]:
    """End live apps in the order of their ids, and delete the codes with which they were about to get more."""
    found = (
        select(apps.c.id, apps.c.user_id, oauth_clients.c.client_id)
        .select_from(apps.join(oauth_clients))
        .where(which, apps.c.ended_at.is_(None), apps.c.id > bindparam("last"))
        .order_by(apps.c.id)
        .limit(IDS_MAX)
        .with_for_update(key_share=True, of=apps)
    )
    ended: list[EndedApp] = []
    while rows := connection.execute(found, {"last": ended[-1].id if ended else 0}).all():
        ids = [row.id for row in rows]
        connection.execute(update(apps).where(apps.c.id.in_(ids)).values(ended_at=to_seconds(now)))
        for codes in (authorization_codes, device_codes):
            connection.execute(delete(codes).where(codes.c.app_id.in_(ids)))
        ended += (EndedApp(*row) for row in rows)
    return ended


def _end_grants(connection: Connection, which: ColumnElement[bool], now: datetime) -> Sequence[EndedGrant]:
    """End live grants in the order of their ids, and delete their refresh tokens."""
    live = oauth_grants.c.ended_at.is_(None) & (oauth_grants.c.expires_at > to_seconds(now))
    found = (
        select(oauth_grants.c.id, apps.c.id, apps.c.user_id)
        .select_from(oauth_grants.join(apps))
        .where(which, live, oauth_grants.c.id > bindparam("last"))
        .order_by(oauth_grants.c.id)
        .limit(IDS_MAX)
        .with_for_update(key_share=True, of=oauth_grants)
    )
    ended: list[EndedGrant] = []
    while rows := connection.execute(found, {"last": ended[-1].id if ended else 0}).all():
        ids = [row[0] for row in rows]
        connection.execute(update(oauth_grants).where(oauth_grants.c.id.in_(ids)).values(ended_at=to_seconds(now)))
        connection.execute(delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(ids)))
        ended += (EndedGrant(*row) for row in rows)
    return ended
