"""One page of what a statement finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from tokenry.domain.paging import Page, PageRequest

T = TypeVar("T")
RowT = TypeVar("RowT", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Pages:
    """The statements of a list: one counts its rows, one reads those of a page."""

    counting: Select[Any]
    reading: Select[Any]


def pages_of(found: Select[tuple[int]], rows: Select[Any]) -> Pages:
    """Make the statements of a list.

    `found` selects the ids of all rows, in order, with the filter's limit, and joins what the filter asks for and no
    more: so an index alone counts them, and passes over those of the pages before. `rows` selects whole rows, in the
    same order.
    """
    ids = found.limit(bindparam("size")).offset(bindparam("offset"))
    counting = select(func.count()).select_from(found.order_by(None).subquery())
    return Pages(counting, rows.where(rows.selected_columns["id"].in_(ids)))


def page_of(
    connection: Connection,
    pages: Pages,
    request: PageRequest,
    read_row: Callable[[Row[Any]], T],
    *,
    results: int | None = None,
    row: Mapping[str, Any] | None = None,
) -> Page[T]:
    """Read the page that is asked for, of `results` rows, which are counted if nobody has done so.

    `row` has what the statements name.
    """
    named = row or {}
    if results is None:
        results = connection.execute(pages.counting, named).scalar_one()
    if request.offset >= results:
        return Page((), request, results)
    # The limit of the filter and that of the page are two: the page is cut from what the filter lets through.
    cut = {"size": min(request.size, results - request.offset), "offset": request.offset}
    page = connection.execute(pages.reading, {**named, **cut}).all()
    return Page(tuple(read_row(row) for row in page), request, results)
