"""Statements on logins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, func, insert, literal, select

from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.logins import KEPT, Login, SignIns
from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.users import User
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import logins, passwords, users

ADDRESSES_MAX = 20
"""Of a user's last logins: those of their addresses are the user's own."""
STATUS = case((logins.c.succeeded, literal("successful")), else_=literal("failed"))
_COLUMNS = {"id": logins.c.id, "datetime": logins.c.at, "ip": logins.c.address, "status": STATUS}


def insert_login(
    connection: Connection, *, user_id: int, now: datetime, address: str | None, succeeded: bool, method: str
) -> None:
    """Write down that somebody signed in, or tried to."""
    row = {
        "user_id": user_id,
        "at": to_seconds(now),
        "address": address,
        "succeeded": succeeded,
        "method": method,
    }
    connection.execute(insert(logins).values(row))


def has_signed_in_from(connection: Connection, user_id: int, address: str | None) -> bool:
    """Whether one of a user's last logins came from an address."""
    last = select(logins.c.address).where(logins.c.user_id == user_id, logins.c.succeeded)
    return address in connection.execute(last.order_by(logins.c.at.desc()).limit(ADDRESSES_MAX)).scalars().all()


def count_failures(connection: Connection, user_id: int, method: str, *, since: datetime, limit: int) -> int:
    """Count how often somebody failed to sign in as a user by a method, no further than `limit`."""
    failed = select(logins.c.id).where(
        logins.c.user_id == user_id,
        ~logins.c.succeeded,
        logins.c.at > to_seconds(since),
        logins.c.method == method,
    )
    return connection.execute(select(func.count()).select_from(failed.limit(limit).subquery())).scalar_one()


def list_logins(connection: Connection, user: User, *, request: PageRequest, filter: Filter = EVERY_ROW) -> Page[Login]:
    """List a user's logins."""
    columns = {**_COLUMNS, "username": literal(user.username)}
    found = filtered(select(logins.c.id).where(logins.c.user_id == user.id), filter, columns, {})
    rows: Select[Any] = ordered(_select(), filter, columns)
    return page_of(connection, pages_of(found, rows), request, lambda row: _login(row, user))


def find_login(connection: Connection, login_id: int, *, user: User) -> Login | None:
    """Find one of a user's logins."""
    row = connection.execute(_select().where(logins.c.id == login_id, logins.c.user_id == user.id)).one_or_none()
    return None if row is None else _login(row, user)


def find_sign_ins(connection: Connection, user_ids: Sequence[int]) -> Mapping[int, SignIns]:
    """Find the last logins of users, and when their passwords were set, by the users' ids."""
    own = logins.alias("own")
    last = select(func.max(own.c.id)).where(own.c.user_id == users.c.id).scalar_subquery()
    # Not a join, for which PostgreSQL would read all passwords for a page of users.
    changed = select(passwords.c.changed_at).where(passwords.c.user_id == users.c.id).scalar_subquery()
    statement = (
        select(users.c.id, logins.c.at, logins.c.succeeded, changed.label("changed_at"))
        .select_from(users)
        .outerjoin(logins, logins.c.id == last)
        .where(users.c.id.in_(user_ids))
    )
    return {
        row.id: SignIns(
            last_attempt=None if row.at is None else from_seconds(row.at),
            succeeded=bool(row.succeeded),
            password_set=None if row.changed_at is None else from_seconds(row.changed_at),
        )
        for row in connection.execute(statement).all()
    }


def delete_old_logins(connection: Connection, now: datetime) -> int:
    """Delete some of those that are kept no longer, oldest first; how many. Waits for nobody."""
    oldest = select(logins.c.id).where(logins.c.at <= to_seconds(now - KEPT))
    oldest = some_of(oldest.order_by(logins.c.at))
    return connection.execute(delete(logins).where(logins.c.id.in_(oldest))).rowcount


def _select() -> Select[Any]:
    return select(logins.c.id, logins.c.at, logins.c.address, logins.c.succeeded, logins.c.method)


def _login(row: Row[Any], user: User) -> Login:
    return Login(
        id=row.id,
        username=user.username,
        restricted=user.restricted,
        at=from_seconds(row.at),
        address=row.address,
        succeeded=row.succeeded,
        method=row.method,
    )
