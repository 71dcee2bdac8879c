"""Statements on identities: who a user is to an OpenID provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select

from tokenry.domain.providers import ProviderIdentity
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import identities, users
from tokenry.storage.users import read_user, select_users


def insert_identity(connection: Connection, *, issuer: str, subject: str, user_id: int, now: datetime) -> None:
    """Store who a user is to a provider. IntegrityError if that is somebody already."""
    row = {"issuer": issuer, "subject": subject, "user_id": user_id, "created_at": to_seconds(now)}
    connection.execute(insert(identities).values(row))


def find_identified(connection: Connection, *, issuer: str, subject: str) -> User | None:
    """Find the user that somebody is."""
    statement = select_users().join(identities, identities.c.user_id == users.c.id)
    row = connection.execute(
        statement.where(identities.c.issuer == issuer, identities.c.subject == subject)
    ).one_or_none()
    return None if row is None else read_user(row)


def find_by_email(connection: Connection, email: str) -> User | None:
    """Find the user who has an address, in whatever case it was written; None also where several have.

    Programs have none, and a product's users those that the product says: whose these are, nobody here knows.
    """
    has = users.c.email.in_({email, email.lower()}) & users.c.external_id.is_(None) & ~users.c.service
    rows = connection.execute(select_users().where(has).limit(2)).all()
    return read_user(rows[0]) if len(rows) == 1 else None


def list_identities(connection: Connection, user_id: int) -> Sequence[ProviderIdentity]:
    """List who a user is to providers, the oldest first."""
    statement = select(identities).where(identities.c.user_id == user_id).order_by(identities.c.id)
    return [_read(row) for row in connection.execute(statement).all()]


def delete_identity(connection: Connection, identity_id: int, *, user_id: int) -> ProviderIdentity | None:
    """Forget one of those; which that was, None if it was not there."""
    own = delete(identities).where(identities.c.id == identity_id, identities.c.user_id == user_id)
    row = connection.execute(own.returning(*identities.c)).one_or_none()
    return None if row is None else _read(row)


def has_identity_at(connection: Connection, user_id: int, issuer: str) -> bool:
    """Whether a user is somebody to a provider."""
    own = exists().where(identities.c.user_id == user_id, identities.c.issuer == issuer)
    return bool(connection.execute(select(own)).scalar_one())


def delete_identities_of(connection: Connection, user_id: int) -> int:
    """Forget who a user who is claimed is to providers; how many there were."""
    return connection.execute(delete(identities).where(identities.c.user_id == user_id)).rowcount


def _read(row: Row[Any]) -> ProviderIdentity:
    return ProviderIdentity(row.id, row.issuer, row.subject, from_seconds(row.created_at))
