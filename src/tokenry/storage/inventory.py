"""Statements on the tokens of all users."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Connection, FromClause, Select, case, exists, func, select, true

from tokenry.domain.details import LIVE_TOKENS, Details, Selection, State
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.storage.details import DETAILS_COLUMNS, joined, read_details, select_details, selected
from tokenry.storage.filters import condition_of, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import tokens, users
from tokenry.storage.tokens import FOLDED, PERSONAL, lives

_COLUMNS = {**DETAILS_COLUMNS, "username": users.c.username}
_BY_USER = (users.c.id, tokens.c.id)


def list_inventory(
    connection: Connection,
    *,
    account_id: int,
    now: datetime,
    request: PageRequest,
    filter: Filter = EVERY_ROW,
    selection: Selection = LIVE_TOKENS,
    username: str | None = None,
) -> Page[Details]:
    """List the tokens of an account's users, or of one of them; by user and id, unless the filter has an order."""
    of_users = list(_whose(account_id, username))
    source = joined(selection, filter)
    which = [*selected(selection, now), condition_of(filter, _COLUMNS, FOLDED)]
    results = _count(connection, of_users, source, which)
    if filter.limit is not None:
        results = min(results, filter.limit)
    if filter.order_by is None and not filter.descending:
        found = _by_user(connection, of_users, source, which, depth=request.offset + request.size, few=_few(selection))
    else:
        both = select(tokens.c.id).select_from(_with_users(source)).where(*of_users, *which)
        found = ordered(both, filter, _COLUMNS, own=_BY_USER)
    rows = ordered(select_details(), filter, _COLUMNS, own=_BY_USER)
    return page_of(connection, pages_of(found, rows), request, partial(read_details, now=now), results=results)


def list_next(
    connection: Connection,
    *,
    account_id: int | None,
    now: datetime,
    after: Details | None,
    limit: int,
    selection: Selection = LIVE_TOKENS,
    username: str | None = None,
) -> Sequence[Details]:
    """List the tokens of an account's users, or of all accounts', by user and id; those that follow `after`.

    So all of them can be read in pieces, at the cost of the piece.
    """
    user_id, token_id = (0, 0) if after is None else (after.token.user_id, after.token.id)
    of_users = [*_whose(account_id, username), users.c.id >= user_id]
    which = [*selected(selection, now), tokens.c.id > case((users.c.id == user_id, token_id), else_=0)]
    found = _by_user(connection, of_users, joined(selection, EVERY_ROW), which, depth=limit, few=_few(selection)).limit(
        limit
    )
    rows = select_details().where(tokens.c.id.in_(found)).order_by(*_BY_USER)
    return [read_details(row, now) for row in connection.execute(rows).all()]


def find_own(connection: Connection, token_ids: Sequence[int], *, account_id: int) -> Sequence[int]:
    """Find which of these tokens are of the account's users."""
    own = exists().where(users.c.id == tokens.c.user_id, users.c.account_id == account_id)
    return connection.execute(select(tokens.c.id).where(tokens.c.id.in_(token_ids), own)).scalars().all()


def find_owner(connection: Connection, token_id: int, *, account_id: int | None = None) -> int | None:
    """Find whose token it is, among the account's users, or among all; their id."""
    statement = select(users.c.id).join(tokens, tokens.c.user_id == users.c.id)
    return connection.execute(statement.where(tokens.c.id == token_id, *_whose(account_id, None))).scalar_one_or_none()


def is_live(connection: Connection, token_id: int, *, now: datetime) -> bool:
    """Whether a token is a personal one that is neither revoked nor expired."""
    live = select(tokens.c.id).where(tokens.c.id == token_id, PERSONAL, lives(now))
    return connection.execute(live).first() is not None


def _whose(account_id: int | None, username: str | None) -> Iterator[ColumnElement[bool]]:
    if account_id is not None:
        yield users.c.account_id == account_id
    if username is not None:
        yield users.c.username == username


def _few(selection: Selection) -> bool:
    return selection.state in {State.DISABLED, State.PENDING}


def _by_user(
    connection: Connection,
    of_users: Sequence[ColumnElement[bool]],
    source: FromClause,
    which: Sequence[ColumnElement[bool]],
    *,
    depth: int,
    few: bool,
) -> Select[tuple[int]]:
    """Select the ids of tokens by user and id, going from user to user; of each user no more than `depth` are wanted.

    PostgreSQL would sort all of a user's tokens unless it is told so. SQLite has no LATERAL, and needs none: it reads
    the two tables in this order. Where `few` of all tokens are asked for, PostgreSQL may begin with those.
    """
    if few or connection.dialect.name == "sqlite":
        return select(tokens.c.id).select_from(_with_users(source)).where(*of_users, *which).order_by(*_BY_USER)
    own = select(tokens.c.id).select_from(source).where(tokens.c.user_id == users.c.id, *which)
    each = own.order_by(tokens.c.id).limit(depth).lateral("each")
    return select(each.c.id).select_from(users.join(each, true())).where(*of_users).order_by(users.c.id, each.c.id)


def _count(
    connection: Connection,
    of_users: Sequence[ColumnElement[bool]],
    source: FromClause,
    which: Sequence[ColumnElement[bool]],
) -> int:
    """Count tokens user by user: from an index, where a join would read the tables of both."""
    own = select(func.count()).select_from(source).where(tokens.c.user_id == users.c.id, *which)
    sums = select(func.sum(own.correlate(users).scalar_subquery())).where(*of_users)
    return int(connection.execute(sums).scalar_one() or 0)


def _with_users(source: FromClause) -> FromClause:
    return users.join(source, tokens.c.user_id == users.c.id)
