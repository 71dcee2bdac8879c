"""Statements on the tokens of all users."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Connection, select

from tokenry.domain.details import LIVE_TOKENS, Details, Selection
from tokenry.domain.filters import EVERY_ROW, Filter
from tokenry.domain.paging import Page, PageRequest
from tokenry.storage.details import DETAILS_COLUMNS, read_details, select_details, selected
from tokenry.storage.filters import filtered
from tokenry.storage.paging import page_of
from tokenry.storage.schema import tokens, users
from tokenry.storage.tokens import FOLDED

_COLUMNS = {**DETAILS_COLUMNS, "username": users.c.username}


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
    """List the tokens of an account's users, or of one of them."""
    whose = _whose(account_id, username)
    statement = filtered(select_details().where(*whose, *selected(selection, now)), filter, _COLUMNS, FOLDED)
    return page_of(connection, statement, request, partial(read_details, now=now))


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
    statement = select_details().where(*_whose(account_id, username), *selected(selection, now))
    if after is not None:
        user_id = after.token.user_id
        follows = (users.c.id > user_id) | (tokens.c.id > after.token.id)
        statement = statement.where(users.c.id >= user_id, follows)
    rows = connection.execute(statement.order_by(users.c.id, tokens.c.id).limit(limit)).all()
    return [read_details(row, now) for row in rows]


def find_own(connection: Connection, token_ids: Sequence[int], *, account_id: int) -> set[int]:
    """Find which of these tokens are of the account's users."""
    statement = (
        select(tokens.c.id)
        .join(users, tokens.c.user_id == users.c.id)
        .where(tokens.c.id.in_(token_ids), users.c.account_id == account_id)
    )
    return set(connection.execute(statement).scalars())


def _whose(account_id: int | None, username: str | None) -> Iterator[ColumnElement[bool]]:
    if account_id is not None:
        yield users.c.account_id == account_id
    if username is not None:
        yield users.c.username == username
