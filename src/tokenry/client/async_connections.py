"""The transport for event loops, over httpx2. Imported by the first client that is not given another.

It works below redirects, cookies, and proxies and passwords of the environment: a token goes to the one address or
nowhere. An exception of httpx2 has frames that hold the token, so none of them leaves here, also not as a cause.
"""

import asyncio
import ssl

import httpx2

from tokenry.client.errors import ConnectionFailed
from tokenry.client.transport import CONNECTIONS_MAX, KEPT_SECONDS, Answer, Body, Request, failed, timed_out

_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, httpx2.CookieConflict, OSError)
"""Everything that httpx2 raises, which has no exception above them all."""


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
        except (httpx2.TimeoutException, TimeoutError):
            failure = timed_out(timeout)
        except _FAILURES as error:
            failure = failed(error)
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
            body = Body()
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
