"""Asking a provider: one answer of JSON, within a time and a size, from where it was asked and nowhere else."""

import json
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from tokenry.domain.providers import NotSignedIn, Trouble
from tokenry.fetching.fetcher import Fetcher
from tokenry.fetching.reach import NotFetched

SECONDS_MAX = 6
"""For all that one step of a sign-in asks of a provider."""
BYTES_MAX = 256 * 1024
"""Of an answer. The largest documents of providers have a tenth of it."""
_HTTP_OK = 200
_REDIRECTS = range(300, 400)


class Reply(NamedTuple):
    """What a provider answered: a status, and an object of JSON."""

    status: int
    document: Mapping[str, Any]


class Fetching:
    """The requests of one step of a sign-in, which end together when its time is up.

    Each has a connection of its own: sign-ins are rare, and no connection is kept for a provider. What is asked of one
    goes there directly, through no proxy that the environment names.
    """

    def __init__(self, fetcher: Fetcher, seconds: float = SECONDS_MAX) -> None:
        self._fetcher = fetcher
        self._until = time.monotonic() + seconds

    def get(self, url: str, *, bearer: str | None = None) -> Mapping[str, Any]:
        """GET a document. Raises NotSignedIn."""
        headers = [] if bearer is None else [("Authorization", f"Bearer {bearer}")]
        reply = self._exchange("GET", url, headers, None)
        if reply.status != _HTTP_OK:
            raise unreachable(f"{url} answered {reply.status}")
        return reply.document

    def post(self, url: str, form: Sequence[tuple[str, str]], *, basic: tuple[str, str] | None = None) -> Reply:
        """POST a form, with a name and a password if the endpoint takes them so. Raises NotSignedIn."""
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if basic is not None:  # each encoded as in a form first (RFC 6749 section 2.3.1)
            pair = ":".join(quote(part, safe="") for part in basic)
            headers.append(("Authorization", f"Basic {b64encode(pair.encode('ascii')).decode('ascii')}"))
        return self._exchange("POST", url, headers, urlencode(form).encode("ascii"))

    def _exchange(self, method: str, url: str, headers: Sequence[tuple[str, str]], content: bytes | None) -> Reply:
        try:
            answer = self._fetcher.fetch(method, url, headers, content, until=self._until, bytes_max=BYTES_MAX)
        except NotFetched as failure:
            raise unreachable(f"{url}: {failure}") from None
        if answer.status in _REDIRECTS:
            raise unreachable(f"{url} redirects elsewhere, where nothing is asked")
        try:
            document = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise unreachable(f"{url} answered {answer.status}, and not with JSON") from None
        if not isinstance(document, dict):
            raise unreachable(f"{url} answered {answer.status}, and not with an object of JSON")
        return Reply(answer.status, document)


def unreachable(reason: str) -> NotSignedIn:
    """The refusal for a provider that does not answer as it should."""
    return NotSignedIn(Trouble.UNREACHABLE, reason)
