"""The seam to the network: requests and answers as data, and who carries them.

A transport of your own is an object with `send` and `close`; for the async client `send` and `aclose`, both awaited.
It follows no redirect and repeats nothing: both are decided by its caller.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tokenry.client.errors import ConnectionFailed, TimedOut
from tokenry.client.secrets import Secret

CONNECTIONS_MAX = 100
KEPT_SECONDS = 60
"""How long an idle connection is kept: less than the 75 seconds that the service keeps it."""
BODY_BYTES_MAX = 8 * 1024 * 1024
"""A page of 500 tokens with all their details has less than one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent. The token, if there is one, is in none of `headers`: `all_headers()` adds it."""

    method: str
    url: str
    bearer: Secret | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """To whom it goes: scheme, host and port."""
        return "/".join(self.url.split("/")[:3])

    def all_headers(self) -> list[tuple[str, str]]:
        """Every header, the token's too."""
        own = [] if self.bearer is None else [("Authorization", f"Bearer {self.bearer.reveal()}")]
        return [*self.headers, *own]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it is. Names of headers are in lower case; one that came twice is joined by a comma."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> "Answer":
        """An answer from headers in any case."""
        joined: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        return cls(status, joined, body)


class Transport(Protocol):
    """Carries requests, for as long as it takes. Safe to be used by several threads."""

    def send(self, request: Request, timeout: float) -> Answer:
        """Send a request and return the whole answer, within `timeout` seconds. Raises ConnectionFailed, TimedOut."""

    def close(self) -> None:
        """Let go of connections. A later request opens others."""


class AsyncTransport(Protocol):
    """The same from an event loop."""

    async def send(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109 - the seam's own argument
        """Send a request and return the whole answer, within `timeout` seconds. Raises ConnectionFailed, TimedOut."""

    async def aclose(self) -> None:
        """Let go of connections. A later request opens others."""


# --- what those of this package share --------------------------------------------------------------------------------


class Body:
    """A body of a reasonable length. Raises OSError for one beyond."""

    def __init__(self) -> None:
        self.content = bytearray()

    def add(self, piece: bytes) -> None:
        """Append what came."""
        self.content += piece
        if len(self.content) > BODY_BYTES_MAX:
            raise TooLongError


class TooLongError(OSError):
    """The answer has no end, or none worth waiting for."""


def timed_out(request: Request, timeout: float) -> TimedOut:
    """The exception for an answer that did not come."""
    return TimedOut(f"No answer from {request.origin} within {timeout:g} seconds")


def failed(request: Request, error: Exception) -> ConnectionFailed:
    """The exception for a connection that failed: by kind, and not by text, which may quote what was sent."""
    if isinstance(error, TooLongError):
        return ConnectionFailed(f"The answer of {request.origin} is longer than {BODY_BYTES_MAX} bytes")
    kind = type(error).__name__
    failure = ConnectionFailed(f"The connection to {request.origin} failed ({kind})")
    failure.sent = kind != "ConnectError"
    return failure
