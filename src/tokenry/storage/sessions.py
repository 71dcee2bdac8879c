"""Statements on sessions. Those that ended are deleted; those of a disabled user are not found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Concerned, UserKind
from tokenry.domain.secrets import Keyed
from tokenry.domain.sessions import OWN_METHODS, Session
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import policy, sessions, users
from tokenry.storage.users import read_user, select_users

COLUMNS = {
    "id": sessions.c.id,
    "created": sessions.c.created_at,
    "expiry": sessions.c.expires_at,
    "last_authenticated": sessions.c.authenticated_at,
    "last_remote_addr": sessions.c.address,
    "user_agent": sessions.c.agent,
}
_OF_SESSION = (
    sessions.c.method,
    sessions.c.created_at.label("begun_at"),
    sessions.c.authenticated_at,
    sessions.c.seen_at,
    sessions.c.expires_at,
    sessions.c.address,
    sessions.c.agent,
)


def insert_session(
    connection: Connection,
    keyed: Keyed,
    *,
    user_id: int,
    method: str,
    now: datetime,
    expires: datetime,
    address: str | None,
    agent: str | None,
) -> int:
    """Store a session; its id."""
    at = to_seconds(now)
    row = {
        "user_id": user_id,
        **keyed._asdict(),
        "method": method,
        "created_at": at,
        "authenticated_at": at,
        "seen_at": at,
        "expires_at": to_seconds(expires),
        "address": address,
        "agent": agent,
    }
    return int(connection.execute(insert(sessions).values(row).returning(sessions.c.id)).scalar_one())


def find_session(connection: Connection, preview: str, *, now: datetime) -> tuple[Session, bytes, int] | None:
    """Find a session of an enabled user by its preview, with the digest of its secret and its generation."""
    statement = (
        select_users()
        .add_columns(sessions.c.id.label("session_id"), sessions.c.digest, sessions.c.pepper_generation, *_OF_SESSION)
        .add_columns(
            users.c.timezone, users.c.language, select(policy.c.second_factor).scalar_subquery().label("concerned")
        )
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(
            sessions.c.preview == preview,
            sessions.c.expires_at > to_seconds(now),
            users.c.disabled_at.is_(None),
        )
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    user = read_user(row)
    wanted = row.method in OWN_METHODS and Concerned(row.concerned).includes(admin=user.admin)
    wanted = wanted and not user.second_factor
    session = _session(row, row.session_id, user)
    session = replace(session, preview=preview, timezone=row.timezone, language=row.language, factor_wanted=wanted)
    return session, row.digest, row.pepper_generation


def keep_session(connection: Connection, session_id: int) -> int | None:
    """Keep a session and its user until the transaction ends; the user's id, or None if either was ended."""
    statement = (
        select(users.c.id)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.id == session_id, users.c.disabled_at.is_(None))
        .with_for_update(read=True, key_share=True, of=(users, sessions))
    )
    return connection.execute(statement).scalar_one_or_none()


def keep_session_open(connection: Connection, preview: str, *, now: datetime) -> UserKind | None:
    """Keep what the secret of a session opens until the transaction ends: which kind of user it is of, or None.

    Whatever ends it waits, as for tokens.
    """
    statement = (
        select(users.c.admin, users.c.proxy, users.c.service)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(
            sessions.c.preview == preview,
            sessions.c.expires_at > to_seconds(now),
            users.c.disabled_at.is_(None),
        )
        .with_for_update(read=True, key_share=True, of=(users, sessions))
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else UserKind.of(admin=row.admin, proxy=row.proxy, service=row.service)


def touch_session(connection: Connection, session_id: int, *, now: datetime, expires: datetime) -> bool:
    """Write down that a session is in use; whether it is there."""
    statement = update(sessions).where(sessions.c.id == session_id)
    values = {"seen_at": to_seconds(now), "expires_at": to_seconds(expires)}
    return connection.execute(statement.values(values)).rowcount == 1


def renew_session(connection: Connection, session_id: int, keyed: Keyed, *, now: datetime) -> bool:
    """Give a session another secret, since it was proved anew who it is; whether it is there."""
    statement = update(sessions).where(sessions.c.id == session_id)
    values = {
        **keyed._asdict(),
        "authenticated_at": to_seconds(now),
    }
    return connection.execute(statement.values(values)).rowcount == 1


def delete_session(connection: Connection, session_id: int, *, user_id: int) -> bool:
    """End one of a user's sessions; whether it was there."""
    statement = delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id)
    return connection.execute(statement).rowcount == 1


def delete_sessions_of(connection: Connection, user_id: int, *, kept: int | None = None) -> Sequence[int]:
    """End all sessions of a user who is claimed, but the one that is `kept`; their ids."""
    statement = delete(sessions).where(sessions.c.user_id == user_id)
    if kept is not None:
        statement = statement.where(sessions.c.id != kept)
    return sorted(connection.execute(statement.returning(sessions.c.id)).scalars())


def delete_expired_sessions(connection: Connection, now: datetime) -> int:
    """Delete some of those that expired, oldest first; how many. Waits for nobody."""
    oldest = select(sessions.c.id).where(sessions.c.expires_at <= to_seconds(now))
    oldest = some_of(oldest.order_by(sessions.c.expires_at))
    return connection.execute(delete(sessions).where(sessions.c.id.in_(oldest))).rowcount


def list_sessions(
    connection: Connection, user: User, *, now: datetime, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Session]:
    """List a user's sessions."""
    live = (sessions.c.user_id == user.id, sessions.c.expires_at > to_seconds(now))
    found = filtered(select(sessions.c.id).where(*live), filter, COLUMNS, {})
    rows: Select[Any] = ordered(select(sessions.c.id, *_OF_SESSION), filter, COLUMNS)
    return page_of(connection, pages_of(found, rows), request, lambda row: _session(row, row.id, user))


def find_session_of(connection: Connection, user: User, session_id: int, *, now: datetime) -> Session | None:
    """Find one of a user's sessions by its id."""
    statement: Select[Any] = select(sessions.c.id, *_OF_SESSION).where(
        sessions.c.id == session_id, sessions.c.user_id == user.id, sessions.c.expires_at > to_seconds(now)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else _session(row, row.id, user)


def _session(row: Row[Any], session_id: int, user: User) -> Session:
    return Session(
        id=session_id,
        user=user,
        method=row.method,
        created=from_seconds(row.begun_at),
        authenticated=from_seconds(row.authenticated_at),
        seen=from_seconds(row.seen_at),
        expires=from_seconds(row.expires_at),
        address=row.address,
        agent=row.agent,
    )
