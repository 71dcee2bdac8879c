"""What a list of the console is asked for, by its address: which rows, in which order, and which page of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from tokenry.domain.filters import All, Any, Comparison, Condition, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.domain.texts import is_storable
from tokenry.pages.visits import Visit, read_id

SEARCH_LENGTH_MAX = 100
NEWEST_FIRST = "-created"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked a list for. `sort` is the name of a field, with a dash before it for the highest first.

    What an address has that means nothing is left out: an old bookmark shows a list all the same.
    """

    path: str
    search: str = ""
    show: str = ""
    sort: str = NEWEST_FIRST
    page: int = 1

    @classmethod
    def read(cls, visit: Visit, path: str, *, fields: Collection[str], choices: Collection[str]) -> Self:
        """Read the address: `fields` are those that it can be sorted by, `choices` what can be asked to be shown."""
        show, sort = visit.query.get("show"), visit.query.get("sort")
        return cls(
            path,
            visit.query.get("search").strip()[:SEARCH_LENGTH_MAX],
            show if show in choices else "",
            sort if sort.removeprefix("-") in fields else NEWEST_FIRST,
            max(1, read_id(visit.query.get("page")) or 1),
        )

    @property
    def request(self) -> PageRequest:
        """Which page of the list that is."""
        return PageRequest(self.page)

    @property
    def field(self) -> str:
        """What it is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def order_by(self) -> str | None:
        """The same, as filters say it: ids are given in the order in which things are made, and indexes have them."""
        return None if self.field == "created" else self.field

    @property
    def descending(self) -> bool:
        """Whether the highest comes first."""
        return self.sort.startswith("-")

    @property
    def narrowed(self) -> bool:
        """Whether it is asked for less than it would show by itself."""
        return bool(self.search or self.show)

    @property
    def address(self) -> str:
        """The address of this list."""
        asked = {"search": self.search, "show": self.show}
        asked["sort"] = "" if self.sort == NEWEST_FIRST else self.sort
        asked["page"] = "" if self.page == 1 else str(self.page)
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def filter(self, *, within: Sequence[str] = (), equal: Sequence[str] = ()) -> Filter:
        """What a list has to be asked for to show this, if its search is `matching` in these fields."""
        condition = matching(self.search, within=within, equal=equal) if self.search else All(())
        return Filter(condition, self.order_by, self.descending)

    def at_page(self, page: int) -> str:
        """The address of another page of it."""
        return replace(self, page=page).address

    def sorted_by(self, field: str) -> str:
        """The address of the same rows by another field, or the other way round by this one."""
        sort = f"-{field}" if self.sort == field else field
        return replace(self, sort=sort, page=1).address


def matching(text: str, *, within: Sequence[str] = (), equal: Sequence[str] = ()) -> Condition:
    """What has a text within one of some fields, or as one of others. What no database can store is nowhere."""
    if not is_storable(text):
        return Any(())
    found = [Comparison(field, Operator.CONTAINS, text) for field in within]
    return Any((*found, *(Comparison(field, Operator.EQUAL, text) for field in equal)))
