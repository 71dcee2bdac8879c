"""Statements on OAuth clients. One that was deleted is found by none of them, but for `was_registered`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, case, delete, func, insert, select, update

from tokenry.domain.clients import Authentication, Client, ClientRights
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.oauth import GrantType
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.scopes import stored_scopes
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import condition_of, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.pruning import KEPT_SECONDS, some_of
from tokenry.storage.schema import apps, device_codes, oauth_clients, pushed_requests

_COLUMNS = {
    "id": oauth_clients.c.client_id,
    "label": oauth_clients.c.label,
    "public": oauth_clients.c.public,
    "status": case((oauth_clients.c.disabled_at.is_(None), "active"), else_="disabled"),
}
_IN_ORDER = (oauth_clients.c.id,)
_NOT_DELETED = oauth_clients.c.deleted_at.is_(None)
_NO_SECRET = {"preview": None, "digest": None, "pepper_generation": None}


class StoredSecret(NamedTuple):
    """What is kept of a client's secret."""

    digest: bytes
    pepper_generation: int


def insert_client(
    connection: Connection, client: Client, *, created_by: str, prune_at: datetime | None = None
) -> Client:
    """Store a client, without a secret. IntegrityError if one is called so, or was once.

    With `prune_at` it is deleted then, unless somebody was asked to let it in.
    """
    row = {
        "client_id": client.client_id,
        "account_id": client.account_id,
        "service_user_id": client.service_user_id,
        "created_at": to_seconds(client.created),
        "created_by": created_by,
        "prune_at": None if prune_at is None else to_seconds(prune_at),
        **_settings(client),
    }
    return _client(connection.execute(insert(oauth_clients).values(row).returning(*oauth_clients.c)).one())


def set_client(connection: Connection, client: Client) -> bool:
    """Store what can change about a client; whether it is there. A way to prove itself without a secret ends it."""
    values = {**_settings(client), "service_user_id": client.service_user_id}
    if not client.authentication.has_secret:
        values.update(_NO_SECRET)
    return _update(connection, client.id, values)


def set_client_secret(connection: Connection, id: int, keyed: Keyed) -> bool:
    """Give a client another secret, in the place of the one it has; whether it is there."""
    return _update(connection, id, keyed._asdict())


def set_registration(connection: Connection, id: int, *, preview: str, digest: bytes) -> bool:
    """Store what opens a client's own registration (RFC 7592); whether it is there."""
    return _update(connection, id, {"registration_preview": preview, "registration_digest": digest})


def find_registration(connection: Connection, client_id: str, preview: str) -> tuple[Client, bytes] | None:
    """Find a client by what opens its registration, of which the digest has to be compared."""
    own = _select_by_name().where(oauth_clients.c.registration_preview == preview)
    row = connection.execute(own, {"client_id": client_id}).one_or_none()
    return None if row is None else (_client(row), row.registration_digest)


def find_document_end(connection: Connection, client_id: str) -> datetime | None:
    """Until when a client's document is believed; None where there is none."""
    until = select(oauth_clients.c.document_until).where(oauth_clients.c.client_id == client_id, _NOT_DELETED)
    seconds = connection.execute(until).scalar_one_or_none()
    return None if seconds is None else from_seconds(seconds)


def set_document_end(connection: Connection, client_id: str, until: datetime) -> None:
    """Believe a client's document until then."""
    statement = update(oauth_clients).where(oauth_clients.c.client_id == client_id, _NOT_DELETED)
    connection.execute(statement.values(document_until=to_seconds(until)))


def count_without_account(connection: Connection) -> int:
    """How many clients are of no account."""
    counted = select(func.count()).where(oauth_clients.c.account_id.is_(None), _NOT_DELETED)
    return connection.execute(counted).scalar_one()


def delete_unused_clients(connection: Connection, now: datetime) -> int:
    """Look at some clients that were not used for as long as they are kept so, or were deleted; how many.

    Those that nobody has let in, nor is about to, are gone for good. Of the others, those that were deleted are looked
    at again another day. Waits for nobody.
    """
    due = select(oauth_clients.c.id).where(oauth_clients.c.prune_at <= to_seconds(now))
    ids = connection.execute(some_of(due.order_by(oauth_clients.c.prune_at))).scalars().all()
    uses = (apps, device_codes, pushed_requests)
    used = {
        id
        for table in uses
        for id in connection.execute(select(table.c.oauth_client_id).where(table.c.oauth_client_id.in_(ids))).scalars()
    }
    later = case((oauth_clients.c.deleted_at.is_(None), None), else_=to_seconds(now) + KEPT_SECONDS)
    connection.execute(update(oauth_clients).where(oauth_clients.c.id.in_(used)).values(prune_at=later))
    connection.execute(delete(oauth_clients).where(oauth_clients.c.id.in_(set(ids) - used)))
    return len(ids)


def set_client_disabled(connection: Connection, id: int, disabled: datetime | None) -> bool:
    """Disable a client (from that moment) or enable one (None); whether that changed anything."""
    at = oauth_clients.c.disabled_at
    statement = update(oauth_clients).where(
        oauth_clients.c.id == id, _NOT_DELETED, at.is_not(None) if disabled is None else at.is_(None)
    )
    value = None if disabled is None else to_seconds(disabled)
    return connection.execute(statement.values(disabled_at=value)).rowcount == 1


def delete_client(connection: Connection, id: int, now: datetime, *, prune_at: datetime | None) -> bool:
    """Hide a client from every look-up; whether it was there.

    Nobody else can be called so while the row stays: for good, or until `prune_at` if nothing refers to it by then.
    """
    forget = None if prune_at is None else to_seconds(prune_at)
    gone = {"deleted_at": to_seconds(now), "disabled_at": to_seconds(now), "prune_at": forget}
    return _update(connection, id, {**gone, **_NO_SECRET, "registration_preview": None, "registration_digest": None})


def claim_client(connection: Connection, id: int) -> Client | None:
    """Wait for what is being done with a client, and keep others from it until the transaction ends."""
    row = connection.execute(_select_clients().where(oauth_clients.c.id == id).with_for_update()).one_or_none()
    return None if row is None else _client(row)


def find_account_client(connection: Connection, client_id: str, *, account_id: int) -> Client | None:
    """Find one of an account's clients by what it calls itself, also a disabled one."""
    own = _select_by_name().where(oauth_clients.c.account_id == account_id)
    row = connection.execute(own, {"client_id": client_id}).one_or_none()
    return None if row is None else _client(row)


def count_clients(connection: Connection, *, account_id: int) -> int:
    """How many clients an account has."""
    counted = select(func.count()).where(oauth_clients.c.account_id == account_id, _NOT_DELETED)
    return connection.execute(counted).scalar_one()


def list_clients(
    connection: Connection, *, account_id: int, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Client]:
    """List an account's clients, the oldest first."""
    own = select(oauth_clients.c.id).where(oauth_clients.c.account_id == account_id, _NOT_DELETED)
    found = ordered(own.where(condition_of(filter, _COLUMNS, {})), filter, _COLUMNS, _IN_ORDER)
    rows = ordered(_select_clients(), filter, _COLUMNS, _IN_ORDER)
    return page_of(connection, pages_of(found.limit(filter.limit), rows), request, _client)


def list_all_clients(connection: Connection, *, after: int = 0, limit: int) -> Sequence[Client]:
    """List clients of all accounts and of none in the order of their ids, from the one after `after`."""
    rows = connection.execute(
        _select_clients().where(oauth_clients.c.id > after).order_by(oauth_clients.c.id).limit(limit)
    )
    return [_client(row) for row in rows.all()]


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


def was_registered(connection: Connection, client_id: str) -> bool:
    """Whether a client is called so, or was before it was deleted."""
    statement = select(oauth_clients.c.id).where(oauth_clients.c.client_id == client_id)
    return connection.execute(statement).first() is not None


def keep_client(connection: Connection, id: int) -> bool:
    """Keep a client from being claimed until the transaction ends; whether it is there and enabled."""
    return connection.execute(_keep_client(), {"kept": id}).first() is not None


@cache
def _keep_client() -> Select[Any]:
    return (
        select(oauth_clients.c.id)
        .where(oauth_clients.c.id == bindparam("kept"), _NOT_DELETED, oauth_clients.c.disabled_at.is_(None))
        .with_for_update(read=True, key_share=True)
    )


def _settings(client: Client) -> dict[str, object]:
    """The columns of what can be set."""
    rights = client.rights
    return {
        "label": client.label,
        "website": client.website,
        "public": client.public,
        "verified": client.verified,
        "redirect_uris": json.dumps(client.redirect_uris),
        "authentication": str(client.authentication),
        "jwks": client.jwks,
        "grant_types": " ".join(sorted(rights.grant_types)),
        "scopes": str(rights.scopes),
        "pkce_required": rights.pkce_required,
        "dpop_required": rights.dpop_required,
        "par_required": rights.par_required,
        "narrowing": rights.narrowing,
    }


def _update(connection: Connection, id: int, values: Mapping[str, object]) -> bool:
    statement = update(oauth_clients).where(oauth_clients.c.id == id, _NOT_DELETED)
    return connection.execute(statement.values(values)).rowcount == 1


@cache
def _select_clients() -> Select[Any]:
    return select(oauth_clients).where(_NOT_DELETED)


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
        self_registered=row.account_id is None
        and (row.registration_preview is not None or row.document_until is not None),
    )
