"""Asking a provider: one answer of JSON, within a time and a size, from where it was asked and nowhere else."""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import httpcore2

from tokenry.client.connections import BoundedBackend
from tokenry.domain.providers import NotSignedIn, Trouble

SECONDS_MAX = 6
"""For all that one step of a sign-in asks of a provider."""
BYTES_MAX = 256 * 1024
"""Of an answer. The largest documents of providers have a tenth of it."""
_HTTP_OK = 200
_REDIRECTS = range(300, 400)
_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
    OSError,
)


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates of the system, read once: that takes some time."""
    return httpcore2.default_ssl_context()


class Reply(NamedTuple):
    """What a provider answered: a status, and an object of JSON."""

    status: int
    document: Mapping[str, Any]


class Fetching:
    """The requests of one step of a sign-in, which end together when its time is up.

    Each has a connection of its own: sign-ins are rare, and no connection is kept for a provider. What is asked of one
    goes there directly, through no proxy that the environment names.
    """

    def __init__(self, seconds: float = SECONDS_MAX) -> None:
        self._backend = BoundedBackend()
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

    def _exchange(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> Reply:
        common = [("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "tokenry")]
        try:
            status, content = self._send(method, url, [*common, *headers], body)
        except _FAILURES as error:  # by its kind: the text may quote what was sent
            raise unreachable(f"{url} cannot be reached ({type(error).__name__})") from None
        if status in _REDIRECTS:
            raise unreachable(f"{url} redirects elsewhere, where nothing is asked")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise unreachable(f"{url} answered {status}, and not with JSON") from None
        if not isinstance(document, dict):
            raise unreachable(f"{url} answered {status}, and not with an object of JSON")
        return Reply(status, document)

    def _send(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes | None) -> tuple[int, bytes]:
        self._backend.deadline.at = self._until
        with (
            httpcore2.ConnectionPool(ssl_context=_certificates(), network_backend=self._backend) as pool,
            pool.stream(method, url, headers=headers, content=body) as response,
        ):
            content = bytearray()
            for piece in response.iter_stream():
                content += piece
                if len(content) > BYTES_MAX:
                    raise unreachable(f"{url} answers with more than {BYTES_MAX} bytes")
            return response.status, bytes(content)


def unreachable(reason: str) -> NotSignedIn:
    """The refusal for a provider that does not answer as it should."""
    return NotSignedIn(Trouble.UNREACHABLE, reason)
