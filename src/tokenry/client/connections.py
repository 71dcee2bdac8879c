"""The transports over httpx2, which is imported when the first request is sent.

They work below redirects, cookies, and proxies and passwords of the environment: a token goes to the one address or
nowhere. An exception of httpx2 has frames that hold the token, so none of them leaves here, also not as a cause.
"""

import ssl
import time
from threading import Lock
from typing import TYPE_CHECKING

from tokenry.client.errors import ConnectionFailed, TimedOut
from tokenry.client.transport import Answer, Request

if TYPE_CHECKING:
    import httpx2

CONNECTIONS_MAX = 100
KEPT_SECONDS = 60
"""How long an idle connection is kept: less than the 75 seconds that the service keeps it."""
BODY_BYTES_MAX = 8 * 1024 * 1024
"""A page of 500 tokens with all their details has less than one."""


class HttpTransport:
    """A pool of connections that threads share."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._lock = Lock()
        self._pool: httpx2.HTTPTransport | None = None

    def send(self, request: Request, timeout: float) -> Answer:
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        import httpx2  # noqa: PLC0415 - see above

        failure: ConnectionFailed
        try:
            return self._exchange(request, timeout)
        except (httpx2.TimeoutException, TimeoutError):
            failure = _timed_out(timeout)
        except (httpx2.TransportError, OSError, _TooLongError) as error:
            failure = _failed(error)
        raise failure

    def close(self) -> None:
        """Close the connections; a later request opens others."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _exchange(self, request: Request, timeout: float) -> Answer:
        deadline = time.monotonic() + timeout
        response = self._opened().handle_request(_build(request, timeout))
        try:
            body = bytearray()
            for piece in response.iter_raw():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise _TooLongError
                if time.monotonic() > deadline:
                    raise TimeoutError
            return Answer.of(response.status_code, response.headers.multi_items(), bytes(body))
        finally:
            response.close()

    def _opened(self) -> "httpx2.HTTPTransport":
        import httpx2  # noqa: PLC0415

        with self._lock:
            if self._pool is None:
                self._pool = httpx2.HTTPTransport(
                    verify=True if self._ssl_context is None else self._ssl_context, limits=_limits(), trust_env=False
                )
            return self._pool


class AsyncHttpTransport:
    """A pool of connections of one event loop."""

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._pool: httpx2.AsyncHTTPTransport | None = None

    async def send(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109 - the seam's own argument
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        import asyncio  # noqa: PLC0415 - costs those who do not use it 30 ms

        import httpx2  # noqa: PLC0415

        failure: ConnectionFailed
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(request, timeout)
        except (httpx2.TimeoutException, TimeoutError):
            failure = _timed_out(timeout)
        except (httpx2.TransportError, OSError, _TooLongError) as error:
            failure = _failed(error)
        raise failure

    async def aclose(self) -> None:
        """Close the connections; a later request opens others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def _exchange(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109
        response = await self._opened().handle_async_request(_build(request, timeout))
        try:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise _TooLongError
            return Answer.of(response.status_code, response.headers.multi_items(), bytes(body))
        finally:
            await response.aclose()

    def _opened(self) -> "httpx2.AsyncHTTPTransport":
        import httpx2  # noqa: PLC0415

        if self._pool is None:
            self._pool = httpx2.AsyncHTTPTransport(
                verify=True if self._ssl_context is None else self._ssl_context, limits=_limits(), trust_env=False
            )
        return self._pool


class _TooLongError(Exception):
    """A body without a reasonable end."""

    def __str__(self) -> str:
        return f"the answer is longer than {BODY_BYTES_MAX} bytes"


def _limits() -> "httpx2.Limits":
    import httpx2  # noqa: PLC0415

    return httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEPT_SECONDS)


def _build(request: Request, timeout: float) -> "httpx2.Request":
    import httpx2  # noqa: PLC0415

    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    return httpx2.Request(
        request.method,
        request.url,
        headers=request.all_headers(),
        content=request.body,
        extensions={"timeout": timeouts},
    )


def _timed_out(timeout: float) -> TimedOut:
    return TimedOut(f"No answer within {timeout:g} seconds")


def _failed(error: Exception) -> ConnectionFailed:
    """By kind, and not by text: that may quote what was sent."""
    if isinstance(error, _TooLongError):
        return ConnectionFailed(str(error))
    return ConnectionFailed(f"The connection failed ({type(error).__name__})")
