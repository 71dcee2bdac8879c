"""Statements on passkeys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from tokenry.domain.passkeys import Passkey, PasskeyKey
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import passkeys

_SELECT: Select[Any] = select(
    passkeys.c.id, passkeys.c.user_id, passkeys.c.label, passkeys.c.created_at, passkeys.c.used_at
)


class FoundPasskey(NamedTuple):
    """A passkey, and what verifies it."""

    passkey: Passkey
    key: PasskeyKey


def insert_passkey(connection: Connection, user_id: int, key: PasskeyKey, *, label: str, now: datetime) -> int:
    """Store a passkey; its id. IntegrityError if somebody has it already."""
    row = {
        "user_id": user_id,
        "credential_id": key.credential_id,
        "public_key": key.public_key,
        "sign_count": key.sign_count,
        "label": label,
        "created_at": to_seconds(now),
    }
    return int(connection.execute(insert(passkeys).values(row).returning(passkeys.c.id)).scalar_one())


def list_passkeys(connection: Connection, user_id: int) -> Sequence[Passkey]:
    """List a user's passkeys, the oldest first."""
    statement = _SELECT.where(passkeys.c.user_id == user_id).order_by(passkeys.c.id)
    return [_passkey(row) for row in connection.execute(statement)]


def list_credential_ids(connection: Connection, user_id: int) -> Sequence[bytes]:
    """List what names a user's passkeys to their devices."""
    statement = select(passkeys.c.credential_id).where(passkeys.c.user_id == user_id).order_by(passkeys.c.id)
    return connection.execute(statement).scalars().all()


def count_passkeys(connection: Connection, user_id: int) -> int:
    """Count a user's passkeys."""
    return connection.execute(select(func.count()).where(passkeys.c.user_id == user_id)).scalar_one()


def find_passkey(connection: Connection, passkey_id: int, *, user_id: int) -> Passkey | None:
    """Find one of a user's passkeys."""
    own = (passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    row = connection.execute(_SELECT.where(*own)).one_or_none()
    return None if row is None else _passkey(row)


def find_by_credential(connection: Connection, credential_id: bytes) -> FoundPasskey | None:
    """Find a passkey by what its device calls it."""
    statement = _SELECT.add_columns(passkeys.c.public_key, passkeys.c.sign_count)
    row = connection.execute(statement.where(passkeys.c.credential_id == credential_id)).one_or_none()
    if row is None:
        return None
    return FoundPasskey(_passkey(row), PasskeyKey(credential_id, row.public_key, row.sign_count))


def use_passkey(connection: Connection, passkey_id: int, *, before: int, after: int, now: datetime) -> bool:
    """Write down that a passkey has signed; whether it is there, and its count still as it was."""
    statement = update(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.sign_count == before)
    return connection.execute(statement.values(sign_count=after, used_at=to_seconds(now))).rowcount == 1


def rename_passkey(connection: Connection, passkey_id: int, label: str, *, user_id: int) -> bool:
    """Give one of a user's passkeys another label; whether it is there."""
    statement = update(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    return connection.execute(statement.values(label=label)).rowcount == 1


def delete_passkey(connection: Connection, passkey_id: int, *, user_id: int) -> bool:
    """Delete one of a user's passkeys; whether it was there."""
    statement = delete(passkeys).where(passkeys.c.id == passkey_id, passkeys.c.user_id == user_id)
    return connection.execute(statement).rowcount == 1


def delete_passkeys_of(connection: Connection, user_id: int) -> int:
    """Delete all of a user's passkeys; how many there were."""
    return connection.execute(delete(passkeys).where(passkeys.c.user_id == user_id)).rowcount


def _passkey(row: Row[Any]) -> Passkey:
    used = None if row.used_at is None else from_seconds(row.used_at)
    return Passkey(row.id, row.user_id, row.label, from_seconds(row.created_at), used)
