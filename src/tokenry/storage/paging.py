"""One page of what a statement finds."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, literal, select

from tokenry.domain.paging import Page, PageRequest

T = TypeVar("T")
RowT = TypeVar("RowT", bound=tuple[Any, ...])


def page_of(
    connection: Connection, statement: Select[RowT], request: PageRequest, read_row: Callable[[Row[RowT]], T]
) -> Page[T]:
    """Read the page that is asked for, of all the rows that the statement, with the filter's limit, lets through."""
    rows = statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True).order_by(None)
    results = connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one()
    if request.offset >= results:
        return Page((), request, results)
    # The limit of the filter and that of the page are two: the page is cut from what the filter lets through.
    size = min(request.size, results - request.offset)
    found = connection.execute(statement.limit(size).offset(request.offset)).all()
    return Page(tuple(read_row(row) for row in found), request, results)
