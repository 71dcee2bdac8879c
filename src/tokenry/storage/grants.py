"""Statements on apps, grants and refresh tokens.

Single use is a row count: of two who present a refresh token at once, one is told that it used it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tokenry.domain.grants import App, Grant, NewGrant
from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import Scopes, stored_scopes
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import apps, credentials, oauth_clients, oauth_grants, refresh_tokens, tokens

GRANTS_MAX = 100
"""How many of an app's grants are looked at, for what its user agreed to."""

# Put together once, as they are carried out for each token that is given.
_LOCK_APP = (
    select(apps)
    .where(
        apps.c.user_id == bindparam("owner"),
        apps.c.oauth_client_id == bindparam("client"),
        apps.c.ended_at.is_(None),
    )
    .with_for_update(key_share=True)
)
_INSERT_GRANT = insert(oauth_grants).returning(oauth_grants.c.id)
_INSERT_REFRESH_TOKEN = insert(refresh_tokens)
_USE_REFRESH_TOKEN = (
    update(refresh_tokens)
    .where(refresh_tokens.c.preview == bindparam("used"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("used_at"))
)


class Presentable(NamedTuple):
    """What a client can present once: whether a text is it, until when, and whether it was used."""

    digest: bytes
    pepper_generation: int
    expiry: datetime
    used: bool
    grant_id: int
    oauth_client_id: int


class AccessToken(NamedTuple):
    """An access token as it can be presented, by the client that it was given to: maybe for another, by its id."""

    digest: bytes
    pepper_generation: int
    token_id: int
    grant_id: int
    subject_id: int | None
    client_id: str
    scopes: Scopes
    audience: tuple[str, ...]
    jkt: str | None
    expiry: datetime


def lock_app(connection: Connection, *, user_id: int, oauth_client_id: int) -> App | None:
    """Find what a user let a client in for, and keep others from it until the transaction ends."""
    row = connection.execute(_LOCK_APP, {"owner": user_id, "client": oauth_client_id}).one_or_none()
    return None if row is None else _app(row)


def lock_app_of(connection: Connection, grant_id: int) -> App | None:
    """Find the app of a grant, and keep others from it until the transaction ends."""
    statement = select(apps).join(oauth_grants).where(oauth_grants.c.id == grant_id, apps.c.ended_at.is_(None))
    row = connection.execute(statement.with_for_update(key_share=True, of=apps)).one_or_none()
    return None if row is None else _app(row)


def insert_app(
    connection: Connection, *, user_id: int, oauth_client_id: int, scopes: Scopes, created: datetime
) -> App | None:
    """Store an app, unless the user has let that client in meanwhile; waits for whoever is about to."""
    row = {
        "user_id": user_id,
        "oauth_client_id": oauth_client_id,
        "scopes": str(scopes),
        "created_at": to_seconds(created),
    }
    insertion = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(apps).values(row)
    lets_in = insertion.on_conflict_do_nothing(
        index_elements=[apps.c.user_id, apps.c.oauth_client_id], index_where=apps.c.ended_at.is_(None)
    )
    inserted = connection.execute(lets_in.returning(*apps.c)).one_or_none()
    return None if inserted is None else _app(inserted)


def widen_app(connection: Connection, app_id: int, scopes: Scopes) -> None:
    """Store what a user lets a client in for by now."""
    connection.execute(update(apps).where(apps.c.id == app_id).values(scopes=str(scopes)))


def insert_grant(
    connection: Connection, app: App, client_id: str, new: NewGrant, *, created: datetime, expiry: datetime
) -> Grant:
    """Store a grant of an app, whose client calls itself so. Both times are in whole seconds."""
    row = {
        "app_id": app.id,
        "grant_type": str(new.type),
        "scopes": str(new.scopes),
        "audience": " ".join(new.audience),
        "jkt": new.jkt,
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
    }
    return Grant(
        id=connection.execute(_INSERT_GRANT, row).scalar_one(),
        app_id=app.id,
        user_id=app.user_id,
        client_id=client_id,
        type=new.type,
        scopes=new.scopes,
        audience=new.audience,
        jkt=new.jkt,
        expiry=expiry,
    )


def find_grant(connection: Connection, grant_id: int) -> Grant | None:
    """Find a grant that has not ended."""
    row = connection.execute(_select_grant(), {"grant_id": grant_id}).one_or_none()
    return None if row is None else _grant(row)


def bind_grant(connection: Connection, grant_id: int, jkt: str) -> None:
    """Bind a grant whose app is locked to a key: from now on it is refreshed with that alone."""
    connection.execute(update(oauth_grants).where(oauth_grants.c.id == grant_id).values(jkt=jkt))


def list_granted(
    connection: Connection, *, user_id: int, oauth_client_id: int, audience: tuple[str, ...], now: datetime
) -> Sequence[Scopes]:
    """List what a client has from a user by live grants for this audience: of many, some."""
    statement = (
        select(oauth_grants.c.scopes)
        .select_from(oauth_grants.join(apps))
        .where(
            apps.c.user_id == user_id,
            apps.c.oauth_client_id == oauth_client_id,
            apps.c.ended_at.is_(None),
            oauth_grants.c.audience == " ".join(audience),
            oauth_grants.c.ended_at.is_(None),
            oauth_grants.c.expires_at > to_seconds(now),
        )
        .limit(GRANTS_MAX)
    )
    return [stored_scopes(text) for text in connection.execute(statement).scalars()]


def insert_refresh_token(
    connection: Connection, keyed: Keyed, *, grant_id: int, created: datetime, expiry: datetime
) -> None:
    """Store what the next tokens of a grant are given for."""
    row = {
        **keyed._asdict(),
        "grant_id": grant_id,
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
    }
    connection.execute(_INSERT_REFRESH_TOKEN, row)


def find_refresh_token(connection: Connection, preview: str) -> Presentable | None:
    """Find a refresh token, also a used one."""
    row = connection.execute(_select_refresh_token(), {"preview": preview}).one_or_none()
    if row is None:
        return None
    return Presentable(
        row.digest,
        row.pepper_generation,
        from_seconds(row.expires_at),
        row.used_at is not None,
        row.grant_id,
        row.oauth_client_id,
    )


def find_access_token(connection: Connection, preview: str, now: datetime) -> AccessToken | None:
    """Find an access token that opens something."""
    opens = (credentials.c.preview == preview) & (credentials.c.expires_at > to_seconds(now))
    row = connection.execute(_select_access_token().where(opens)).one_or_none()
    if row is None:
        return None
    return AccessToken(
        row.digest,
        row.pepper_generation,
        row.token_id,
        row.grant_id,
        row.subject_id,
        row.client_id,
        stored_scopes(row.scopes),
        tuple(row.audience.split()),
        row.jkt,
        from_seconds(row.expires_at),
    )


def find_keys(connection: Connection, previews: Sequence[str]) -> Mapping[str, str]:
    """Find the thumbprints of the keys that access tokens are bound to, by preview."""
    bound = credentials.c.preview.in_(previews) & credentials.c.jkt.is_not(None)
    rows = connection.execute(select(credentials.c.preview, credentials.c.jkt).where(bound))
    return {row.preview: row.jkt for row in rows}


def use_refresh_token(connection: Connection, preview: str, now: datetime) -> bool:
    """Use a refresh token; whether this was its first use."""
    return connection.execute(_USE_REFRESH_TOKEN, {"used": preview, "used_at": to_seconds(now)}).rowcount == 1


@cache
def _select_refresh_token() -> Select[Any]:
    return (
        select(refresh_tokens, apps.c.oauth_client_id)
        .select_from(refresh_tokens.join(oauth_grants).join(apps))
        .where(refresh_tokens.c.preview == bindparam("preview"))
    )


@cache
def _select_access_token() -> Select[Any]:
    return (
        select(credentials, tokens.c.grant_id, tokens.c.subject_id, tokens.c.scopes)
        .select_from(credentials.join(tokens))
        .where(tokens.c.grant_id.is_not(None))
    )


@cache
def _select_grant() -> Select[Any]:
    return (
        select(oauth_grants, apps.c.user_id, oauth_clients.c.client_id)
        .select_from(oauth_grants.join(apps).join(oauth_clients))
        .where(oauth_grants.c.id == bindparam("grant_id"), oauth_grants.c.ended_at.is_(None))
    )


def _app(row: Row[Any]) -> App:
    return App(
        id=row.id,
        user_id=row.user_id,
        oauth_client_id=row.oauth_client_id,
        scopes=stored_scopes(row.scopes),
        created=from_seconds(row.created_at),
    )


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        app_id=row.app_id,
        user_id=row.user_id,
        client_id=row.client_id,
        type=GrantType(row.grant_type),
        scopes=stored_scopes(row.scopes),
        audience=tuple(row.audience.split()),
        jkt=row.jkt,
        expiry=from_seconds(row.expires_at),
    )
