"""Going through a list page by page, while rows may vanish from it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from tokenry.client.tokens import Page, TokenRecord

T = TypeVar("T", bound=TokenRecord)


class Walk(Generic[T]):
    """Which page comes next, and which of its rows were not there before. `number` is None at the end.

    Whoever revokes the tokens that he goes through makes later ones move up, onto pages that he has seen. Where rows
    come by id, as they do without an order, the walk notices that there are fewer, goes back as many pages, and passes
    over what it has shown. In any other order it cannot tell.
    """

    def __init__(self, page_size: int, *, by_id: bool) -> None:
        self.number: int | None = 1
        self._page_size = page_size
        self._by_id = by_id
        self._last = 0
        self._results = 0

    def take(self, page: Page[T]) -> Sequence[T]:
        """The rows of the page numbered `number` that are new; afterwards `number` is that of the next page."""
        if not self._by_id:
            self.number = page.next
            return page.rows
        vanished, self._results = self._results - page.results, page.results
        if vanished > 0 and page.page > 1:
            self.number = max(1, page.page - -(-vanished // self._page_size))
            return ()
        rows = [row for row in page.rows if row.id > self._last]
        self._by_id = all(before.id < after.id for before, after in pairwise(page.rows))
        self._last = page.rows[-1].id if page.rows else self._last
        self.number = page.next
        return rows if self._by_id else page.rows
