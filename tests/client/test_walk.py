"""Going through long lists: a page at a time, in bounded memory, and without losing what moves up."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import ROW, TOKEN
from tokenry.client import (
    Answer,
    AsyncClient,
    AsyncPersonalAccessTokensApi,
    Client,
    PersonalAccessTokensApi,
    Request,
    where,
)

MANY = 10_000


@dataclass
class Listing:
    """A transport to a service with these tokens in this order, which keeps count of what it was asked."""

    ids: list[int]
    requests: int = 0
    closed: int = 0

    def send(self, request: Request, timeout: float) -> Answer:
        self.requests += 1
        parts = urlsplit(request.url)
        if request.method == "DELETE":
            self.ids.remove(int(parts.path.rpartition("/")[2]))
            return Answer(200, body=b"{}")
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        page, size = query["page"], query["page_size"]
        rows = [{**ROW, "id": each, "label": f"{each:05}" * 20} for each in self.ids[(page - 1) * size : page * size]]
        pages = max(1, -(-len(self.ids) // size))
        return Answer(
            200, {}, json.dumps({"data": rows, "page": page, "pages": pages, "results": len(self.ids)}).encode()
        )

    def close(self) -> None:
        self.closed += 1


class AsyncListing(Listing):
    """The same for an event loop."""

    async def send(self, request: Request, timeout: float) -> Answer:  # type: ignore[override]  # noqa: ASYNC109
        return super().send(request, timeout)

    async def aclose(self) -> None:
        self.close()


@pytest.fixture
def new_listing(shell: str) -> type[Listing]:
    return Listing if shell == "threads" else AsyncListing


def listed(new_client: NewClient, listing: Listing) -> Client:
    return new_client("http://service", TOKEN, transport=listing)


def test_every_token_comes_once_and_in_order(new_client: NewClient, new_listing: type[Listing]) -> None:
    listing = new_listing(list(range(1, MANY + 1)))
    ids = [token.id for token in listed(new_client, listing).tokens.list()]
    assert ids == list(range(1, MANY + 1))
    assert listing.requests <= 1.15 * MANY / 100  # pages overlap, so that none is passed over


def test_page_is_asked_for_when_it_is_needed(new_client: NewClient, new_listing: type[Listing]) -> None:
    listing = new_listing(list(range(1, MANY + 1)))
    tokens = listed(new_client, listing).tokens.list()
    assert listing.requests == 0
    for _ in range(100):
        next(tokens)
    assert listing.requests == 1
    next(tokens)
    assert listing.requests == 2


def peak_bytes(tokens: Iterator[object]) -> int:
    """The most memory that was in use while these were gone through."""
    tracemalloc.start()
    for _ in tokens:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_is_for_a_page_and_a_number_for_each_row(new_client: NewClient, new_listing: type[Listing]) -> None:
    def tokens(count: int) -> Iterator[object]:
        return listed(new_client, new_listing(list(range(1, count + 1)))).tokens.list()

    for _ in tokens(MANY):  # fills the interpreter's free lists, which are kept
        pass
    few, many = peak_bytes(tokens(500)), peak_bytes(tokens(MANY))
    assert many < 1.5 * few + 100 * MANY
    assert many < 2 * 1024 * 1024


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 350])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_revoking_while_listing_passes_over_none(
    new_client: NewClient, new_listing: type[Listing], count: int, every: int
) -> None:
    listing = new_listing(list(range(10, 10 + count)))
    seen = []
    for token in listed(new_client, listing).tokens.list():
        seen.append(token.id)
        if token.id % every == 0:
            token.revoke()
    assert seen == list(range(10, 10 + count))
    assert listing.ids == [each for each in range(10, 10 + count) if each % every]


ASKED: dict[str, dict[str, Any]] = {
    "a filter": {"filter": where.label.contains("0")},
    "an order": {"order_by": where.created.descending},
    "both": {"filter": where.label.contains("0"), "order_by": where.label.ascending},
    "JSON": {"filter": {"label": {"+contains": "0"}, "+order_by": "created", "+order": "desc"}},
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("descending", [False, True])
def test_revoking_while_listing_passes_over_none_whatever_is_asked_for(
    new_client: NewClient,
    new_listing: type[Listing],
    asked: str,
    descending: bool,  # noqa: FBT001
) -> None:
    listing = new_listing(sorted(range(1, 251), reverse=descending))
    for token in listed(new_client, listing).tokens.list(**ASKED[asked]):
        token.revoke()
    assert listing.ids == []


@pytest.mark.parametrize("filter", [{"+limit": 120}, {"+and": [{"label": {"+contains": "0"}}, {"+limit": 120}]}])
def test_revoking_while_listing_ends_at_the_limit(
    new_client: NewClient, new_listing: type[Listing], filter: dict[str, Any]
) -> None:
    listing = new_listing(list(range(1, 251)))
    for token in listed(new_client, listing).tokens.list(filter):
        token.revoke()
    assert listing.ids == list(range(121, 251))


@pytest.mark.parametrize("order", ["own", "of the service"])
def test_another_order_is_kept(new_client: NewClient, new_listing: type[Listing], order: str) -> None:
    """Of a caller's, or of a service that does not list by id."""
    listing = new_listing(list(range(250, 0, -1)))
    client = listed(new_client, listing)
    wanted = client.tokens.list(order_by=where.id.descending) if order == "own" else client.tokens.list()
    assert [token.id for token in wanted] == list(range(250, 0, -1))


def test_own_transport_is_closed_with_its_client() -> None:
    listing = Listing([])
    with Client("http://service", TOKEN, transport=listing):
        assert listing.closed == 0
    assert listing.closed == 1
    with PersonalAccessTokensApi("http://service", TOKEN, transport=listing):
        pass
    assert listing.closed == 2


def test_own_transport_of_an_event_loop_is_closed_with_its_client() -> None:
    listing = AsyncListing([])

    async def open_and_close() -> None:
        async with AsyncClient("http://service", TOKEN, transport=listing):
            assert listing.closed == 0
        async with AsyncPersonalAccessTokensApi("http://service", TOKEN, transport=listing):
            assert listing.closed == 1

    asyncio.run(open_and_close())
    assert listing.closed == 2
