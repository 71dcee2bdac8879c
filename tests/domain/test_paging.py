"""Pages of a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_SIZE_MIN, Page, PageRequest

sizes = st.integers(PAGE_SIZE_MIN, PAGE_SIZE_MAX)


def pages(results: int, size: int) -> int:
    page: Page[object] = Page((), PageRequest(1, size), results)
    return page.pages


def test_sizes_are_those_of_the_wire_format() -> None:
    assert (PAGE_SIZE_MIN, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX) == (25, 100, 500)


def test_first_page_of_100_is_the_default() -> None:
    assert PageRequest() == PageRequest(1, 100)


@pytest.mark.parametrize(("page", "offset"), [(1, 0), (2, 25), (10**18, (10**18 - 1) * 25)])
def test_offset_is_the_number_of_rows_before_the_page(page: int, offset: int) -> None:
    assert PageRequest(page, 25).offset == offset


@pytest.mark.parametrize(("results", "number"), [(0, 1), (1, 1), (25, 1), (26, 2), (330, 14)])
def test_there_is_at_least_one_page(results: int, number: int) -> None:
    assert pages(results, 25) == number


@given(st.integers(1, 2**63), sizes)
def test_pages_are_as_few_as_hold_every_row(results: int, size: int) -> None:
    assert (pages(results, size) - 1) * size < results <= pages(results, size) * size


@given(st.integers(1, 2**63), sizes)
def test_last_page_begins_before_the_end(results: int, size: int) -> None:
    assert PageRequest(pages(results, size), size).offset < results
