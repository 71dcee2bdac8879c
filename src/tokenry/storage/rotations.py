"""Statements on rotations: credentials that come, stay for a while beside a newer one, and go.

They are for a transaction that has locked the token (`storage/tokens.py: lock_token`), but for `activate_used`, which
locks what it changes itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, literal, select, update

from tokenry.domain.rotation import NewRotation, Rotation
from tokenry.domain.secrets import Keyed
from tokenry.storage.changes import execute_creating, execute_naming
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.disabling import ending, ends_at
from tokenry.storage.schema import credentials, rotations, tokens

PREVIEWS_MAX = 500
"""How many previews one statement asks for."""
_UNUSED = rotations.c.first_used_at.is_(None)


def claim_rotation(connection: Connection, token_id: int) -> Rotation | None:
    """Find the last rotation of a token, and keep others from it until this transaction ends."""
    return _read(connection.execute(_of(token_id).with_for_update(of=rotations)).one_or_none())


def find_rotation(connection: Connection, token_id: int) -> Rotation | None:
    """Find the last rotation of a token, to be looked at."""
    return _read(connection.execute(_of(token_id)).one_or_none())


def _of(token_id: int) -> Select[Any]:
    return (
        select(rotations, credentials.c.expires_at)
        .select_from(rotations.outerjoin(credentials, credentials.c.preview == rotations.c.previous))
        .where(rotations.c.token_id == token_id)
    )


def _read(row: Row[Any] | None) -> Rotation | None:
    if row is None:
        return None
    return Rotation(
        newest=row.preview,
        previous=row.previous,
        previous_expiry=None if row.expires_at is None else from_seconds(row.expires_at),
        used=row.first_used_at is not None,
        new=NewRotation(row.grace_seconds, row.on_first_use),
    )


def insert_successor(connection: Connection, keyed: Keyed, *, beside: str) -> None:
    """Store what opens a token as one of its credentials does: from where, from when on, as often, until it expires."""
    successor = (
        select(
            literal(keyed.preview),
            credentials.c.kind,
            credentials.c.token_id,
            literal(keyed.digest),
            literal(keyed.pepper_generation),
            tokens.c.expires_at,
            credentials.c.networks,
            credentials.c.not_before,
            credentials.c.requests_per_minute,
        )
        .select_from(credentials.join(tokens))
        .where(credentials.c.preview == beside)
    )
    columns = ["preview", "kind", "token_id", "digest", "pepper_generation", "expires_at"]
    columns += ["networks", "not_before", "requests_per_minute"]
    execute_creating(connection, insert(credentials).from_select(columns, successor), keyed.preview)


def show_newest(connection: Connection, token_id: int, preview: str) -> None:
    """Let lists show another preview for a token."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(preview=preview))


def replace_rotation(
    connection: Connection, token_id: int, new: NewRotation, *, newest: str, previous: str, started: datetime
) -> None:
    """Store a rotation instead of the token's last one, if there is one."""
    connection.execute(delete(rotations).where(rotations.c.token_id == token_id))
    row = {
        "token_id": token_id,
        "preview": newest,
        "previous": previous,
        "started_at": to_seconds(started),
        "grace_seconds": new.grace_seconds,
        "on_first_use": new.on_first_use,
    }
    connection.execute(insert(rotations).values(row))


def rename_newest(connection: Connection, token_id: int, preview: str) -> None:
    """Let the token's last rotation, if there is one, have led to another secret."""
    connection.execute(update(rotations).where(rotations.c.token_id == token_id).values(preview=preview))


def delete_credential(connection: Connection, preview: str) -> bool:
    """Refuse a secret from the commit on; whether there was one."""
    return bool(execute_naming(connection, delete(credentials).where(credentials.c.preview == preview)))


def limit_credential(connection: Connection, preview: str, until: int) -> bool:
    """Refuse a secret from a moment on (seconds since 1970), never later than it is refused anyway; whether earlier."""
    statement = update(credentials).where(credentials.c.preview == preview, ends_at() > until)
    return bool(execute_naming(connection, statement.values(expires_at=ending(until))))


def find_unused(connection: Connection, previews: Sequence[str]) -> Sequence[str]:
    """Find which of these are new secrets that were never used: one look into an index that is nearly empty."""
    unused: list[str] = []
    for start in range(0, len(previews), PREVIEWS_MAX):
        some = rotations.c.preview.in_(previews[start : start + PREVIEWS_MAX])
        unused += connection.execute(select(rotations.c.preview).where(some, _UNUSED)).scalars()
    return unused


def activate_used(connection: Connection, preview: str, used_at: int) -> bool:
    """Note that a secret was presented (seconds since 1970), if it is a new one that was not yet.

    Where the grace of the old one waits for that, it begins. Whether the old one now ends earlier. One such secret is
    for one transaction: in the order of tokens, of which this locks none, several would have no place.
    """
    statement = (
        select(rotations.c.token_id, rotations.c.previous, rotations.c.grace_seconds, rotations.c.on_first_use)
        .where(rotations.c.preview == preview, _UNUSED)
        .with_for_update()
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return False
    connection.execute(update(rotations).where(rotations.c.token_id == row.token_id).values(first_used_at=used_at))
    return row.on_first_use and limit_credential(connection, row.previous, used_at + row.grace_seconds)
