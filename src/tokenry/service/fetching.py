"""Fetching a document whose address a stranger chose: nothing of this network can be reached by it."""

import time
from functools import cache
from typing import TYPE_CHECKING

from tokenry.fetching.reach import NotFetched, Reach

if TYPE_CHECKING:
    from tokenry.fetching.fetcher import Fetcher

FETCH_SECONDS_MAX = 5
DOCUMENT_BYTES_MAX = 32 * 1024
_HTTP_OK = 200
_JSON = "application/json"


def fetch_json(url: str, reach: Reach = Reach.INTERNET) -> bytes:
    """Fetch a JSON document, which has to be within reach, bounded in size and time; nothing but a 200 is taken.

    Raises NotFetched, in words for the developer of a client.
    """
    until = time.monotonic() + FETCH_SECONDS_MAX
    answer = _fetcher(reach).fetch("GET", url, until=until, bytes_max=DOCUMENT_BYTES_MAX)
    kind = answer.media_type
    if answer.status != _HTTP_OK or not (kind == _JSON or kind.endswith("+json")):
        raise NotFetched(f"it answers {answer.status} with {kind or 'nothing'}, not 200 with {_JSON}")
    return answer.content


@cache
def _fetcher(reach: Reach) -> "Fetcher":
    from tokenry.fetching.fetcher import Fetcher  # noqa: PLC0415 - it imports httpcore2

    return Fetcher(reach)
