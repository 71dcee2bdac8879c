"""One page of what a statement finds."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, select

from tokenry.domain.paging import Page, PageRequest

T = TypeVar("T")
RowT = TypeVar("RowT", bound=tuple[Any, ...])


def page_of(
    connection: Connection,
    found: Select[tuple[int]],
    rows: Select[RowT],
    request: PageRequest,
    read_row: Callable[[Row[RowT]], T],
    *,
    results: int | None = None,
) -> Page[T]:
    """Read the page that is asked for, of `results` rows, which are counted if nobody has done so.

    `found` selects the ids of them all, in order, with the filter's limit, and joins what the filter asks for and no
    more: so an index alone counts them, and passes over those of the pages before. `rows` selects whole rows, in the
    same order.
    """
    results = count_of(connection, found) if results is None else results
    if request.offset >= results:
        return Page((), request, results)
    # The limit of the filter and that of the page are two: the page is cut from what the filter lets through.
    size = min(request.size, results - request.offset)
    ids = found.limit(size).offset(request.offset)
    page = connection.execute(rows.where(rows.selected_columns["id"].in_(ids))).all()
    return Page(tuple(read_row(row) for row in page), request, results)


def count_of(connection: Connection, found: Select[tuple[int]]) -> int:
    """Count what a statement finds."""
    return connection.execute(select(func.count()).select_from(found.order_by(None).subquery())).scalar_one()
