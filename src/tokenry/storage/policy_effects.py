"""Statements on what a change of the policy would do: they read all tokens, or all users, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, func, select, true

from tokenry.domain.paging import Page, PageRequest
from tokenry.domain.policy import Concerned, UserKind
from tokenry.domain.policy_changes import Factorless, Outliving, OutlivingToken, OutlivingUser
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.policy import end_of, outlives
from tokenry.storage.schema import authenticators, passkeys, tokens, users
from tokenry.storage.tokens import PERSONAL, lives

_OWNED = tokens.join(users, tokens.c.user_id == users.c.id)


def count_outliving(connection: Connection, lifetime: timedelta, now: datetime, *, account_id: int) -> Outliving:
    """Count the tokens that outlive a maximum lifetime, as an account asks."""
    numbers = (
        func.count(),
        func.count(tokens.c.user_id.distinct()),
        func.count().filter(end_of(lifetime) <= to_seconds(now)),
        func.count().filter(users.c.account_id != account_id),
    )
    row = connection.execute(select(*numbers).select_from(_OWNED).where(outlives(lifetime, now))).one()
    return Outliving(*row)


def list_outliving_users(
    connection: Connection,
    lifetime: timedelta,
    now: datetime,
    *,
    account_id: int | None = None,
    limit: int | None = None,
) -> Sequence[OutlivingUser]:
    """List whose tokens outlive a maximum lifetime, by name.

    Those of an account, if it is named; no more than `limit`.
    """
    at_once = func.count().filter(end_of(lifetime) <= to_seconds(now))
    statement = (
        select(users.c.username, at_once.label("at_once"), func.count().label("all"))
        .select_from(_OWNED)
        .where(outlives(lifetime, now), *(() if account_id is None else (users.c.account_id == account_id,)))
        .group_by(users.c.username)
        .order_by(users.c.username)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    return [OutlivingUser(row.username, at_once=row.at_once, sooner=row.all - row.at_once) for row in rows]


def list_outliving(
    connection: Connection, lifetime: timedelta, now: datetime, *, account_id: int, request: PageRequest
) -> Page[OutlivingToken]:
    """List those of an account, by id."""
    own = (users.c.account_id == account_id) & outlives(lifetime, now)
    found = select(tokens.c.id).select_from(_OWNED).where(own).order_by(tokens.c.id)
    columns = (tokens.c.id, users.c.username, tokens.c.label, tokens.c.expires_at, end_of(lifetime).label("end"))
    rows = select(*columns).select_from(_OWNED).order_by(tokens.c.id)
    return page_of(
        connection,
        pages_of(found, rows),
        request,
        lambda row: OutlivingToken(
            row.id, row.username, row.label, from_seconds(row.expires_at), from_seconds(row.end)
        ),
    )


def count_users(connection: Connection) -> Mapping[UserKind, int]:
    """Count the users of all accounts, by kind."""
    kind = (users.c.admin, users.c.proxy, users.c.service)
    counted = select(*kind, func.count().label("number")).where(users.c.deleted_at.is_(None)).group_by(*kind)
    found = dict.fromkeys(UserKind, 0)
    for row in connection.execute(counted):
        found[UserKind.of(admin=row.admin, proxy=row.proxy, service=row.service)] += row.number
    return found


def count_without_room(connection: Connection, most: int, now: datetime) -> int:
    """Count the users who have so many live personal tokens, or more."""
    live = PERSONAL & lives(now)
    full = select(tokens.c.user_id).where(live).group_by(tokens.c.user_id).having(func.count() >= most).subquery()
    return connection.execute(select(func.count()).select_from(full)).scalar_one()


def find_factorless(connection: Connection, concerned: Concerned, *, account_id: int, limit: int) -> Factorless:
    """Count the users whom a rule is for and who have no second factor; the names of the first of an account."""
    if concerned is Concerned.NOBODY:
        return Factorless()
    lacking = _lack_factor(concerned)
    numbers = (func.count(), func.count().filter(users.c.account_id != account_id))
    number, elsewhere = connection.execute(select(*numbers).where(lacking)).one()
    own = select(users.c.username).where(lacking, users.c.account_id == account_id)
    names: Sequence[str] = connection.execute(own.order_by(users.c.username).limit(limit)).scalars().all()
    return Factorless(number, elsewhere, names)


def _lack_factor(concerned: Concerned) -> ColumnElement[bool]:
    """Who may sign in, is concerned, and has none."""
    signs_in = users.c.deleted_at.is_(None) & users.c.disabled_at.is_(None) & ~users.c.proxy & ~users.c.service
    without = ~exists().where(authenticators.c.user_id == users.c.id) & ~exists().where(
        passkeys.c.user_id == users.c.id
    )
    return signs_in & without & (users.c.admin if concerned is Concerned.ADMINISTRATORS else true())
