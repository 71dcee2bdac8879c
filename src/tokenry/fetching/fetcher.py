"""One request to another server, for JSON, and the whole answer, on a connection of its own.

A host is resolved once, every address it has is judged, and the connection goes to one that was judged: a name that
means another address a moment later (DNS rebinding) gains nothing. No redirect is followed, and no proxy asked.
"""

import ssl
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import httpcore2

from tokenry.client.connections import BoundedBackend
from tokenry.fetching import reasons
from tokenry.fetching.names import Names, NoRoom
from tokenry.fetching.reach import NotFetched, NotTried, Within

_HEADERS = [("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "tokenry")]
_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
    OSError,
)
_WHY: Sequence[tuple[type[Exception], str]] = (
    (httpcore2.ConnectError, reasons.NO_CONNECTION),
    (httpcore2.TimeoutException, reasons.TOO_SLOW),
    (httpcore2.NetworkError, reasons.BROKEN_OFF),
    (httpcore2.ProtocolError, reasons.NO_HTTP),
    (TimeoutError, reasons.NAME_TOO_SLOW),
    (OSError, reasons.NO_NAME),
)
"""By the first kind that it is; the system's own errors come from resolving names alone."""


class Answer(NamedTuple):
    """What a server answered; `media_type` is in lower case, without parameters, and empty where none is said."""

    status: int
    media_type: str
    content: bytes


class Fetcher:
    """Sends requests, each with a time that also counts the resolution of a name."""

    def __init__(self, reach: Within) -> None:
        self._backend = _Backend(reach)

    def fetch(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
        *,
        until: float,
        bytes_max: int,
    ) -> Answer:
        """Send a request, and read an answer of at most so many bytes, until a time of `time.monotonic`.

        Raises NotFetched, and NotTried where its name's turn did not come, which quote nothing of what was sent.
        """
        self._backend.deadline.at = until
        try:
            return self._exchange(method, url, [*_HEADERS, *headers], content, bytes_max)
        except NoRoom:
            raise NotTried("waited too long for other names to be resolved") from None
        except _FAILURES as error:
            raise NotFetched(reasons.UNREACHABLE.format(_explain(error))) from None

    def _exchange(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], content: bytes | None, bytes_max: int
    ) -> Answer:
        try:
            asked = httpcore2.URL(url)
        except ValueError:
            raise NotFetched(reasons.NO_ADDRESS) from None
        with (
            httpcore2.ConnectionPool(ssl_context=_certificates(), network_backend=self._backend) as pool,
            pool.stream(method, asked, headers=headers, content=content) as response,
        ):
            body = bytearray()
            for piece in response.iter_stream():
                body += piece
                if len(body) > bytes_max:
                    raise NotFetched(reasons.TOO_LONG.format(bytes_max))
            return Answer(response.status, _media_type(response.headers), bytes(body))


class _Backend(BoundedBackend):
    """Opens connections to addresses within reach alone."""

    def __init__(self, reach: Within) -> None:
        super().__init__()
        self._reach = reach
        self._names = Names()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers. Raises NotFetched."""
        addresses = self._names.find_addresses(host, port, self.left())
        if not addresses or not all(map(self._reach.allows, addresses)):
            raise NotFetched(reasons.OUT_OF_REACH.format(self._reach.value))
        *others, last = addresses
        for address in others:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return super().connect_tcp(last, port, timeout, local_address, socket_options)


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates of the system, read once: that takes some time."""
    return httpcore2.default_ssl_context()


def _explain(error: Exception) -> str:
    """Say why, in words of ours: the library's may quote what was sent."""
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        return reasons.CERTIFICATE
    if isinstance(error.__context__, ssl.SSLError):
        return reasons.NO_TLS
    return next((why for kind, why in _WHY if isinstance(error, kind)), type(error).__name__)


def _media_type(headers: Iterable[tuple[bytes, bytes]]) -> str:
    kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return kind.decode("latin-1").partition(";")[0].strip().lower()
