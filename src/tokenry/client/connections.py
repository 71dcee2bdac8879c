"""The transport for threads: httpcore2, the pool of httpx2. Imported by the first client that is not given another.

It works below redirects, cookies, and proxies and passwords of the environment: a token goes to the one address or
nowhere. An exception of httpcore2 has frames that hold the token, so none of them leaves here, also not as a cause.

httpx2's own transport lets nobody in between the pool and the socket, and all of its timeouts are for one wait: only
there can a server be stopped that sends a header one byte at a time, each within the time.
"""

import os
import ssl
import time
from collections.abc import Iterable
from threading import Lock, local

import httpcore2

from tokenry.client.errors import ConnectionFailed
from tokenry.client.transport import CONNECTIONS_MAX, KEPT_SECONDS, Answer, Body, Request, failed, timed_out

_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
    OSError,
)
"""Everything that httpcore2 raises, besides TimeoutException; it has no exception above them all."""


class HttpTransport:
    """A pool of connections that threads share; a process that was forked opens its own."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._lock = Lock()
        self._pool: httpcore2.ConnectionPool | None = None
        self._process = os.getpid()
        self._backend = BoundedBackend()

    def send(self, request: Request, timeout: float) -> Answer:
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        failure: ConnectionFailed
        try:
            return self._exchange(request, timeout)
        except (httpcore2.TimeoutException, TimeoutError):
            failure = timed_out(request, timeout)
        except _FAILURES as error:
            failure = failed(request, error)
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
            body = Body()
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


class BoundedBackend(httpcore2.SyncBackend):
    """Opens connections on which nothing takes longer than until the deadline of the thread that waits.

    `deadline.at` is that, in seconds of `time.monotonic`.
    """

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
    def __init__(self, stream: httpcore2.NetworkStream, backend: BoundedBackend) -> None:
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


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
