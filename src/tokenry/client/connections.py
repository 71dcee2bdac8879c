"""The transports over httpx2. Imported by the first client that is not given another.

They work below redirects, cookies, and proxies and passwords of the environment: a token goes to the one address or
nowhere. An exception of httpx2 has frames that hold the token, so none of them leaves here, also not as a cause.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Iterable
from threading import Lock, local

import httpcore2
import httpx2

from tokenry.client.errors import ConnectionFailed, TimedOut
from tokenry.client.transport import Answer, Request

CONNECTIONS_MAX = 100
KEPT_SECONDS = 60
"""How long an idle connection is kept: less than the 75 seconds that the service keeps it."""
BODY_BYTES_MAX = 8 * 1024 * 1024
"""A page of 500 tokens with all their details has less than one."""

_TIMEOUTS = (httpcore2.TimeoutException, httpx2.TimeoutException, TimeoutError)
_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
    httpx2.TransportError,
    OSError,
)


class HttpTransport:
    """A pool of connections that threads share; a process that was forked opens its own.

    It uses the pool below httpx2's transport, which lets nobody in between it and the socket: only there can a server
    be stopped that sends a header one byte at a time, each within the time.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._lock = Lock()
        self._pool: httpcore2.ConnectionPool | None = None
        self._process = os.getpid()
        self._backend = _BoundedBackend()

    def send(self, request: Request, timeout: float) -> Answer:
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        failure: ConnectionFailed
        try:
            return self._exchange(request, timeout)
        except _TIMEOUTS:
            failure = _timed_out(timeout)
        except _FAILURES as error:
            failure = _failed(error)
        raise failure

    def close(self) -> None:
        """Close the connections; a later request opens others."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _exchange(self, request: Request, timeout: float) -> Answer:
        self._backend.deadline.at = time.monotonic() + timeout
        with self._opened().stream(
            request.method,
            request.url,
            headers=request.all_headers(),
            content=request.body,
            extensions={"timeout": {"pool": timeout}},
        ) as response:
            body = _Body()
            for piece in response.iter_stream():
                body.add(piece)
        return Answer.of(response.status, _decoded(response.headers), bytes(body.content))

    def _opened(self) -> httpcore2.ConnectionPool:
        with self._lock:
            if self._pool is None or self._process != os.getpid():
                self._process = os.getpid()
                self._pool = httpcore2.ConnectionPool(
                    ssl_context=self._ssl_context,
                    max_connections=CONNECTIONS_MAX,
                    keepalive_expiry=KEPT_SECONDS,
                    network_backend=self._backend,
                )
            return self._pool


class AsyncHttpTransport:
    """A pool of connections of the running event loop; those of a loop that has ended are of no use to another."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._held: tuple[asyncio.AbstractEventLoop, httpx2.AsyncHTTPTransport] | None = None

    async def send(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109 - the seam's own argument
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        failure: ConnectionFailed
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(request)
        except _TIMEOUTS:
            failure = _timed_out(timeout)
        except _FAILURES as error:
            failure = _failed(error)
        raise failure

    async def aclose(self) -> None:
        """Close the connections; a later request opens others."""
        held, self._held = self._held, None
        if held is not None and held[0] is asyncio.get_running_loop():
            await held[1].aclose()

    async def _exchange(self, request: Request) -> Answer:
        sent = httpx2.Request(request.method, request.url, headers=request.all_headers(), content=request.body)
        response = await self._opened().handle_async_request(sent)
        try:
            body = _Body()
            async for piece in response.aiter_raw():
                body.add(piece)
        finally:
            await response.aclose()
        return Answer.of(response.status_code, response.headers.multi_items(), bytes(body.content))

    def _opened(self) -> httpx2.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if self._held is None or self._held[0] is not loop:
            verify = True if self._ssl_context is None else self._ssl_context
            limits = httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEPT_SECONDS)
            self._held = loop, httpx2.AsyncHTTPTransport(verify=verify, limits=limits)
        return self._held[1]


class _BoundedBackend(httpcore2.SyncBackend):
    """Opens connections on which nothing takes longer than until the deadline of the thread that waits."""

    def __init__(self) -> None:
        self.deadline = local()

    def left(self) -> float:
        """The seconds until then. Raises httpcore2.TimeoutException."""
        seconds: float = self.deadline.at - time.monotonic()
        if seconds <= 0:
            raise httpcore2.TimeoutException
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect."""
        return _BoundedStream(super().connect_tcp(host, port, self.left(), local_address, socket_options), self)


class _BoundedStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, backend: _BoundedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, self._backend.left()), self._backend)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _Body:
    """A body of a reasonable length. Raises OSError for one beyond."""

    def __init__(self) -> None:
        self.content = bytearray()

    def add(self, piece: bytes) -> None:
        self.content += piece
        if len(self.content) > BODY_BYTES_MAX:
            raise _TooLongError


class _TooLongError(OSError):
    """The answer has no end, or none worth waiting for."""


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _timed_out(timeout: float) -> TimedOut:
    return TimedOut(f"No answer within {timeout:g} seconds")


def _failed(error: Exception) -> ConnectionFailed:
    """By kind, and not by text: that may quote what was sent."""
    if isinstance(error, _TooLongError):
        return ConnectionFailed(f"The answer is longer than {BODY_BYTES_MAX} bytes")
    return ConnectionFailed(f"The connection failed ({type(error).__name__})")
