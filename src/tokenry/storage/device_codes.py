"""Statements on device codes. Whatever is done once with one is a row count: a user's answer, and the tokens for it."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tokenry.domain.device_codes import DeviceRequest, NewDeviceCode
from tokenry.domain.scopes import Scopes, stored_scopes
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import apps, oauth_clients
from tokenry.storage.schema import device_codes as codes


def insert_device_code(
    connection: Connection,
    oauth_client_id: int,
    new: NewDeviceCode,
    keyed: Keyed,
    *,
    user_code: str,
    interval: int,
    created: datetime,
    expiry: datetime,
) -> bool:
    """Store what a device waits with; False if another one has the same code for its user."""
    row = {
        **keyed._asdict(),
        "user_code": user_code,
        "oauth_client_id": oauth_client_id,
        "scopes": str(new.scopes),
        "audience": " ".join(new.audience),
        "jkt": new.jkt,
        "address": new.address,
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
        "interval_seconds": interval,
    }
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    statement = insert(codes).values(row).on_conflict_do_nothing(index_elements=[codes.c.user_code])
    return connection.execute(statement.returning(codes.c.preview)).first() is not None


def find_device_code(connection: Connection, preview: str) -> DeviceRequest | None:
    """Find what a device waits with, whatever became of it."""
    return _find(connection, codes.c.preview == preview)


def find_by_user_code(connection: Connection, user_code: str, now: datetime) -> DeviceRequest | None:
    """Find what a user may answer: what waits, and has not expired."""
    return _find(connection, _waiting(user_code, now))


def agree(connection: Connection, user_code: str, *, app_id: int, scopes: Scopes, now: datetime) -> bool:
    """Answer with yes; whether it was still waiting."""
    statement = update(codes).where(_waiting(user_code, now)).values(app_id=app_id, scopes=str(scopes))
    return connection.execute(statement).rowcount == 1


def refuse(connection: Connection, user_code: str, now: datetime) -> bool:
    """Answer with no; whether it was still waiting."""
    statement = update(codes).where(_waiting(user_code, now)).values(refused_at=to_seconds(now))
    return connection.execute(statement).rowcount == 1


def note_poll(connection: Connection, preview: str, *, interval: int, now: datetime) -> None:
    """Write down that a device has asked, and how long it has to wait from now on."""
    statement = update(codes).where(codes.c.preview == preview)
    connection.execute(statement.values(polled_at=to_seconds(now), interval_seconds=interval))


def use_device_code(connection: Connection, preview: str, now: datetime) -> bool:
    """Use a device code; whether this was its first use."""
    unused = (codes.c.preview == preview) & codes.c.used_at.is_(None)
    return connection.execute(update(codes).where(unused).values(used_at=to_seconds(now))).rowcount == 1


def _waiting(user_code: str, now: datetime) -> ColumnElement[bool]:
    return (
        (codes.c.user_code == user_code)
        & (codes.c.expires_at > to_seconds(now))
        & codes.c.app_id.is_(None)
        & codes.c.refused_at.is_(None)
    )


@cache
def _select_codes() -> Select[Any]:
    return select(codes, oauth_clients.c.client_id, apps.c.user_id).select_from(
        codes.join(oauth_clients).outerjoin(apps, codes.c.app_id == apps.c.id)
    )


def _find(connection: Connection, which: ColumnElement[bool]) -> DeviceRequest | None:
    row = connection.execute(_select_codes().where(which)).one_or_none()
    return None if row is None else _request(row)


def _request(row: Row[Any]) -> DeviceRequest:
    return DeviceRequest(
        oauth_client_id=row.oauth_client_id,
        client_id=row.client_id,
        scopes=stored_scopes(row.scopes),
        audience=tuple(row.audience.split()),
        jkt=row.jkt,
        address=row.address,
        expiry=from_seconds(row.expires_at),
        interval=row.interval_seconds,
        polled=None if row.polled_at is None else from_seconds(row.polled_at),
        app_id=row.app_id,
        user_id=row.user_id,
        refused=row.refused_at is not None,
        used=row.used_at is not None,
        digest=row.digest,
        pepper_generation=row.pepper_generation,
    )
