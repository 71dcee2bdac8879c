"""Walking a list while others change it: whatever stays comes exactly once, whatever else happens in between."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry.client import Page, UnreadableAnswer
from tokenry.client.walk import BARREN_MAX, Walk

bounded = settings(deadline=None, max_examples=150, derandomize=os.environ.get("CI") == "true")


@dataclass(frozen=True)
class Row:
    """What a list shows of a token."""

    id: int
    label: str
    scopes: str
    created: int
    expiry: int
    last_used: int


Order = Callable[[Row], object]
FIELDS = ("id", "label", "scopes", "created", "expiry", "last_used")
LABELS = "abcdefgh"


@dataclass
class Service:
    """A list with a filter and an order, and people who change what is in it; all rows of an instant make a page."""

    chance: Random
    field: str
    descending: bool
    filtered: bool
    ties_descend: bool
    """Of rows that compare equal services differ in which comes first."""

    def __post_init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.second = 0
        self.moved: set[int] = set()

    def create(self) -> None:
        self.second += self.chance.randrange(2)
        chance, token_id = self.chance, self.second * 1000 + len(self.rows) + len(self.moved)
        while token_id in self.rows or token_id in self.moved:
            token_id += 1
        label = chance.choice(LABELS)
        self.rows[token_id] = Row(token_id, label, chance.choice("xy"), self.second, chance.randrange(5), 0)
        self.moved.add(token_id)

    def revoke(self, token_id: int) -> None:
        del self.rows[token_id]
        self.moved.add(token_id)

    def change(self, token_id: int) -> None:
        """Rename a token, or use it: it may come to stand elsewhere, or leave what the filter lets through."""
        row, chance = self.rows[token_id], self.chance
        other = (
            replace(row, label=chance.choice(LABELS))
            if chance.randrange(2)
            else replace(row, last_used=row.last_used + chance.randrange(1, 5))
        )
        self.rows[token_id] = other
        if self.key(other) != self.key(row) or self.lets_through(other) != self.lets_through(row):
            self.moved.add(token_id)

    def key(self, row: Row) -> object:
        return attrgetter(self.field)(row)

    def lets_through(self, row: Row) -> bool:
        return not self.filtered or row.label < "g"

    def listed(self) -> list[Row]:
        rows = sorted(filter(self.lets_through, self.rows.values()), key=attrgetter("id"), reverse=self.ties_descend)
        return sorted(rows, key=attrgetter(self.field), reverse=self.descending)

    def page(self, number: int, size: int) -> Page[Row]:
        rows = self.listed()
        cut = tuple(rows[(number - 1) * size : number * size])
        return Page(cut, number, max(1, -(-len(rows) // size)), len(rows))


def disturb(service: Service, seen: Sequence[Row]) -> None:
    """What happens between two pages: single changes, a script that revokes what it was shown, a burst of creations."""
    chance = service.chance
    for _ in range(chance.choice([0, 0, 1, 2, 5])):
        match chance.randrange(4):
            case 0:
                service.create()
            case 1 if service.rows:
                service.revoke(chance.choice(list(service.rows)))
            case _ if service.rows:
                service.change(chance.choice(list(service.rows)))
    if not chance.randrange(3):
        for row in seen:
            if row.id in service.rows and chance.randrange(4):
                service.revoke(row.id)
    if not chance.randrange(8):
        for _ in range(60):
            service.create()


services = st.builds(
    Service,
    chance=st.randoms(use_true_random=False),
    field=st.sampled_from(FIELDS),
    descending=st.booleans(),
    filtered=st.booleans(),
    ties_descend=st.booleans(),
)


def walked(service: Service, walk: Walk[Row], disturbances: int) -> list[Row]:
    shown: list[Row] = []
    while walk.page is not None:
        new = walk.take(service.page(walk.page, walk.size))
        shown += new
        if disturbances:
            disturbances -= 1
            disturb(service, new if service.chance.randrange(2) else shown)
    return shown


@bounded
@given(service=services, size=st.sampled_from([25, 26, 40, 100]), count=st.integers(0, 300), times=st.integers(0, 12))
def test_row_that_stays_comes_once_and_none_twice(service: Service, size: int, count: int, times: int) -> None:
    for _ in range(count):
        service.create()
    service.moved.clear()
    there = {row.id for row in service.listed()}
    shown = [row.id for row in walked(service, Walk(size), times)]
    assert len(shown) == len(set(shown))
    assert there - service.moved <= set(shown)
    assert times or shown == [row.id for row in service.listed()]


@bounded
@given(service=services, limit=st.integers(1, 120), count=st.integers(0, 60))
def test_no_more_come_than_were_asked_for(service: Service, limit: int, count: int) -> None:
    for _ in range(count):
        service.create()
    assert len(walked(service, Walk(25, limit), 6)) <= limit
    assert [row.id for row in walked(service, Walk(25, limit), 0)] == [row.id for row in service.listed()[:limit]]


def test_row_that_moved_ahead_is_no_sign_that_nothing_is_missing() -> None:
    service = Service(Random(0), "label", descending=False, filtered=False, ties_descend=False)
    service.rows = {number: Row(number, f"{number:03}", "x", 0, 0, 0) for number in range(300)}
    walk: Walk[Row] = Walk(100)
    shown = list(walk.take(service.page(1, 100)))
    for number in range(99):
        service.revoke(number)
    service.rows[99] = replace(service.rows[99], label="250")
    shown += walked(service, walk, 0)
    assert [row.id for row in shown] == list(range(300))


@pytest.mark.parametrize("page_size", [25, 26, 100, 500])
def test_pages_hardly_overlap(page_size: int) -> None:
    service = Service(Random(0), "id", descending=False, filtered=False, ties_descend=False)
    for _ in range(20 * page_size):
        service.create()
    walk: Walk[Row] = Walk(page_size)
    pages = 0
    while walk.page is not None:
        walk.take(service.page(walk.page, walk.size))
        pages += 1
    assert pages <= 24


def test_service_that_counts_rows_it_does_not_have_is_no_endless_list() -> None:
    service = Service(Random(0), "id", descending=False, filtered=False, ties_descend=False)
    for _ in range(30):
        service.create()
    walk: Walk[Row] = Walk(25)

    def claimed() -> int:
        assert walk.page is not None
        return len(walk.take(replace(service.page(walk.page, walk.size), results=10**9)))

    assert sum(claimed() for _ in range(BARREN_MAX)) == 30
    with pytest.raises(UnreadableAnswer, match="do not follow one another"):
        all(claimed() == 0 for _ in range(2 * BARREN_MAX))
