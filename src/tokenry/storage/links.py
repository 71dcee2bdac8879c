"""Statements on links. Each is used once: by the row count of a DELETE."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from tokenry.domain.secrets import Keyed
from tokenry.domain.users import User
from tokenry.storage.database import to_seconds
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import links, users
from tokenry.storage.users import read_user, select_users


class Leading(NamedTuple):
    """Whom a link is for, with the digest of its secret and its generation."""

    user: User
    digest: bytes
    pepper_generation: int


def insert_link(connection: Connection, keyed: Keyed, *, user_id: int, now: datetime, expires: datetime) -> None:
    """Store a link."""
    row = {
        "user_id": user_id,
        **keyed._asdict(),
        "created_at": to_seconds(now),
        "expires_at": to_seconds(expires),
    }
    connection.execute(insert(links).values(row))


def find_link(connection: Connection, preview: str, now: datetime) -> Leading | None:
    """Find a link of an enabled user by its preview."""
    statement = (
        select_users()
        .add_columns(links.c.digest, links.c.pepper_generation)
        .join(links, links.c.user_id == users.c.id)
        .where(links.c.preview == preview, links.c.expires_at > to_seconds(now), users.c.disabled_at.is_(None))
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else Leading(read_user(row), row.digest, row.pepper_generation)


def delete_link(connection: Connection, preview: str) -> bool:
    """Use up a link; whether it was there. Of two who use it at once, one is told that it was."""
    return connection.execute(delete(links).where(links.c.preview == preview)).rowcount == 1


def delete_links_of(connection: Connection, user_id: int) -> int:
    """Delete all links of a user who is claimed; how many there were."""
    return connection.execute(delete(links).where(links.c.user_id == user_id)).rowcount


def delete_expired_links(connection: Connection, now: datetime) -> int:
    """Delete some of those that expired, oldest first; how many. Waits for nobody."""
    oldest = select(links.c.preview).where(links.c.expires_at <= to_seconds(now))
    oldest = some_of(oldest.order_by(links.c.expires_at))
    return connection.execute(delete(links).where(links.c.preview.in_(oldest))).rowcount
