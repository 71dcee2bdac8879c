"""Statements on identities: who a user is to an OpenID provider."""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select

from tokenry.domain.users import User
from tokenry.storage.database import to_seconds
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
    """Find the user who has an address, in whatever case it was written; None also where several have."""
    rows = connection.execute(select_users().where(users.c.email.in_({email, email.lower()})).limit(2)).all()
    return read_user(rows[0]) if len(rows) == 1 else None


def has_identity_at(connection: Connection, user_id: int, issuer: str) -> bool:
    """Whether a user is somebody to a provider."""
    own = exists().where(identities.c.user_id == user_id, identities.c.issuer == issuer)
    return bool(connection.execute(select(own)).scalar_one())


def delete_identities_of(connection: Connection, user_id: int) -> int:
    """Forget who a user who is claimed is to providers; how many there were."""
    return connection.execute(delete(identities).where(identities.c.user_id == user_id)).rowcount
