"""Reading a list page by page while rows come, go and move: none that stays is skipped, none comes twice.

Pages have numbers and nothing else, and not every service has another way to continue after a row. So each
page overlaps the one before by at least one row. A page without any row that is known, and known in that place,
may begin behind a gap: it is dropped, and the walk goes back to rows that it knows. Sizes vary so that a page can
begin where it has to.
"""

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar

from tokenry.client.errors import UnreadableAnswer
from tokenry.client.tokens import Page

PAGE_SIZE_MIN = 25
"""The smallest page that services have."""
BARREN_MAX = 50
"""At most this many pages in a row, and one for each row there was, may bring nothing new."""
ORDERED_BY = ("label", "scopes", "created", "expiry", "last_used", "username", "email")
"""The fields by which a list may be ordered: with the name, they decide where a row stands."""

T = TypeVar("T")


class Walk(Generic[T]):
    """What to ask for next, a page of some size, and which of its rows are new. `page` is None at the end.

    A row that is there all the time and keeps its place comes exactly once; one that is made or moved meanwhile comes
    once or not at all. At most `limit` come. `name` reads of a row what no other has. What is remembered is that, and a
    number, for each row.
    """

    def __init__(
        self, page_size: int, limit: int | None = None, *, name: Callable[[T], Hashable] = attrgetter("id")
    ) -> None:
        self.page: int | None = 1
        self.size = page_size
        self._sizes = range(PAGE_SIZE_MIN, max(page_size, 2 * PAGE_SIZE_MIN) + 1)
        self._page_size = page_size
        self._left = limit
        self._name = name
        self._places: dict[Hashable, int] = {}
        self._results = 0
        self._reached = 0
        self._barren = 0

    def take(self, page: Page[T]) -> Sequence[T]:
        """The rows of the page asked for that are new; afterwards `page` and `size` are of the next.

        Raises UnreadableAnswer for pages that are not of one list.
        """
        assert self.page is not None
        start, rows = (self.page - 1) * self.size, page.rows
        vanished, self._results = max(0, self._results - page.results), page.results
        if start > 0 and not any(self._places.get(self._name(row)) == _place(row) for row in rows):
            self._ask_from(start - max(vanished, self._page_size))
            return self._counted(())
        named = {self._name(row): row for row in rows}
        new = [row for name, row in named.items() if name not in self._places]
        self._places.update((name, _place(row)) for name, row in named.items())
        end = start + len(rows)
        self._reached = max(self._reached, end)
        if end < page.results:
            self._ask_from(end - 1)
        else:
            self.page = None
        return self._counted(new)

    def _ask_from(self, offset: int) -> None:
        """Ask for a page that has the row at this offset, and as many as possible behind it."""
        if offset <= 0:
            self.page, self.size = 1, self._page_size
            return
        self.size = max(self._sizes, key=lambda size: (offset // size + 1) * size)
        self.page = offset // self.size + 1

    def _counted(self, rows: Sequence[T]) -> Sequence[T]:
        self._barren = 0 if rows else self._barren + 1
        if self._barren > BARREN_MAX + self._reached:
            raise UnreadableAnswer("The list", 200, "its pages do not follow one another")
        if self._left is not None:
            rows = rows[: self._left]
            self._left -= len(rows)
            self.page = self.page if self._left else None
        return rows


def _place(row: object) -> int:
    return hash(tuple(getattr(row, field, None) for field in ORDERED_BY))
