"""Pages of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE_SIZE_MIN = 25
PAGE_SIZE_MAX = 500
PAGE_SIZE_DEFAULT = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for: `page` counts from 1, `size` rows each."""

    page: int = 1
    size: int = PAGE_SIZE_DEFAULT

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * self.size


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of rows, of `results` rows in all."""

    rows: Sequence[T]
    request: PageRequest
    results: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one, even when empty."""
        return max(1, -(-self.results // self.request.size))
