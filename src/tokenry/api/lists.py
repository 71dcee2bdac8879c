"""What is asked of every list: a page, by the query, and a filter, by a header."""

from collections.abc import Mapping

from tokenry.api.filters import read_filter
from tokenry.api.wire import read_page
from tokenry.domain.errors import collect_faults
from tokenry.domain.filters import Filter, Kind
from tokenry.domain.paging import PageRequest
from tokenry.web.requests import Call


def read_list(call: Call, fields: Mapping[str, Kind]) -> tuple[PageRequest, Filter]:
    """Read which page of which rows, for a list whose filterable fields are `fields`. Raises Invalid."""
    return collect_faults(lambda: read_page(call.parameters), lambda: read_filter(filter_header(call), fields))


def filter_header(call: Call) -> str | None:
    """X-Filter. It holds JSON, which is UTF-8; bytes that are not stay a text that is no JSON string of ours."""
    header = call.headers.get(b"x-filter")
    return None if header is None else header.encode("latin-1").decode("utf-8", "replace")
