"""Statements on OAuth clients. One that was deleted is not found by any of them."""

import json
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, select

from tokenry.domain.clients import Authentication, Client, ClientRights
from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import stored_scopes
from tokenry.storage.database import from_seconds
from tokenry.storage.schema import oauth_clients


class StoredSecret(NamedTuple):
    """What is kept of a client's secret."""

    digest: bytes
    pepper_generation: int


def find_client(connection: Connection, client_id: str) -> Client | None:
    """Find a client by what it calls itself, also a disabled one."""
    row = connection.execute(_select_by_name(), {"client_id": client_id}).one_or_none()
    return None if row is None else _client(row)


def find_client_secret(connection: Connection, client_id: str) -> tuple[Client, StoredSecret | None] | None:
    """Find a client, also a disabled one, and its secret, if it has one."""
    row = connection.execute(_select_by_name(), {"client_id": client_id}).one_or_none()
    if row is None:
        return None
    return _client(row), None if row.digest is None else StoredSecret(row.digest, row.pepper_generation)


def keep_client(connection: Connection, id: int) -> bool:
    """Keep a client from being claimed until the transaction ends; whether it is there and enabled."""
    statement = select(oauth_clients.c.id).where(
        oauth_clients.c.id == id, oauth_clients.c.deleted_at.is_(None), oauth_clients.c.disabled_at.is_(None)
    )
    return connection.execute(statement.with_for_update(read=True, key_share=True)).first() is not None


@cache
def _select_clients() -> Select[Any]:
    return select(oauth_clients).where(oauth_clients.c.deleted_at.is_(None))


@cache
def _select_by_name() -> Select[Any]:
    return _select_clients().where(oauth_clients.c.client_id == bindparam("client_id"))


def _client(row: Row[Any]) -> Client:
    return Client(
        id=row.id,
        client_id=row.client_id,
        account_id=row.account_id,
        label=row.label,
        website=row.website,
        public=row.public,
        verified=row.verified,
        redirect_uris=tuple(json.loads(row.redirect_uris)),
        authentication=Authentication(row.authentication),
        rights=ClientRights(
            grant_types=frozenset(map(GrantType, row.grant_types.split())),
            scopes=stored_scopes(row.scopes),
            pkce_required=row.pkce_required,
            dpop_required=row.dpop_required,
            par_required=row.par_required,
            narrowing=row.narrowing,
        ),
        created=from_seconds(row.created_at),
        jwks=row.jwks,
        service_user_id=row.service_user_id,
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
    )
