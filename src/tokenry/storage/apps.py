"""Statements on apps, which are what users let clients in for, and on their grants.

What ends keeps its row for a while, so that a user sees when; what could be presented is deleted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, func, select, update

from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.grants import AuthorizedApp
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.scopes import stored_scopes
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.paging import page_of, pages_of
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

NO_LONGER = 0
"""When an app counts as expired that has no grant: before any that has one."""


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


def list_apps(
    connection: Connection, *, user_id: int, now: datetime, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[AuthorizedApp]:
    """List what a user lets clients in for."""
    columns = {
        "id": apps.c.id,
        "label": oauth_clients.c.label,
        "scopes": apps.c.scopes,
        "created": apps.c.created_at,
        "expiry": _expiry(now),
    }
    source = apps.join(oauth_clients) if "label" in filter.fields else apps
    own = select(apps.c.id).select_from(source).where(*_live(user_id))
    found = filtered(own, filter, columns, {})
    rows = ordered(_select_apps(now), filter, columns)
    return page_of(connection, pages_of(found, rows), request, _app)


def find_app(connection: Connection, app_id: int, *, user_id: int, now: datetime) -> AuthorizedApp | None:
    """Find one of them."""
    row = connection.execute(_select_apps(now).where(apps.c.id == app_id, *_live(user_id))).one_or_none()
    return None if row is None else _app(row)


def end_app(connection: Connection, app_id: int, now: datetime) -> Sequence[EndedApp]:
    """End an app, unless it has ended."""
    return _end_apps(connection, apps.c.id == app_id, now)


def end_apps_of(connection: Connection, user_id: int, now: datetime) -> Sequence[EndedApp]:
    """End a user's live apps."""
    return _end_apps(connection, apps.c.user_id == user_id, now)


def end_apps_with(connection: Connection, oauth_client_id: int, now: datetime) -> Sequence[EndedApp]:
    """End the live apps of a client."""
    return _end_apps(connection, apps.c.oauth_client_id == oauth_client_id, now)


def end_grants(connection: Connection, grant_ids: Sequence[int], now: datetime) -> Sequence[EndedGrant]:
    """End grants whose apps are locked, unless they have ended or expired."""
    ended: list[EndedGrant] = []
    for some in in_pieces(grant_ids):
        ended += _end_grants(connection, oauth_grants.c.id.in_(some), now)
    return ended


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


def _live(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return apps.c.user_id == user_id, apps.c.ended_at.is_(None)


def _expiry(now: datetime) -> ColumnElement[int]:
    """When the last of an app's grants expires; the past for none."""
    last = select(func.max(oauth_grants.c.expires_at)).where(
        oauth_grants.c.app_id == apps.c.id,
        oauth_grants.c.ended_at.is_(None),
        oauth_grants.c.expires_at > to_seconds(now),
    )
    return func.coalesce(last.scalar_subquery(), NO_LONGER)


def _select_apps(now: datetime) -> Select[Any]:
    return select(
        apps.c.id,
        oauth_clients.c.label,
        oauth_clients.c.website,
        apps.c.scopes,
        apps.c.created_at,
        _expiry(now).label("expires_at"),
    ).select_from(apps.join(oauth_clients))


def _app(row: Row[Any]) -> AuthorizedApp:
    return AuthorizedApp(
        id=row.id,
        label=row.label,
        website=row.website,
        scopes=stored_scopes(row.scopes),
        created=from_seconds(row.created_at),
        expiry=None if row.expires_at == NO_LONGER else from_seconds(row.expires_at),
    )


def _end_apps(connection: Connection, which: ColumnElement[bool], now: datetime) -> Sequence[EndedApp]:
    """End live apps in the order of their ids, and delete the codes with which they were about to get more."""
    found = (
        select(apps.c.id, apps.c.user_id, oauth_clients.c.client_id)
        .select_from(apps.join(oauth_clients))
        .where(apps.c.id.in_(select(apps.c.id).where(which)), apps.c.ended_at.is_(None), apps.c.id > bindparam("last"))
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
    at = to_seconds(now)
    ended: list[EndedGrant] = []
    while rows := connection.execute(found, {"last": ended[-1].id if ended else 0}).all():
        ids = [row[0] for row in rows]
        connection.execute(update(oauth_grants).where(oauth_grants.c.id.in_(ids)).values(ended_at=at, expires_at=at))
        connection.execute(delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(ids)))
        ended += (EndedGrant(*row) for row in rows)
    return ended
