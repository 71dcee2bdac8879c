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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pools: dict[bool, httpx2.AsyncHTTPTransport] = {}

    async def send(self, request: Request, timeout: float) -> Answer:  # noqa: ASYNC109 - the seam's own argument
        """Send a request and return the whole answer. Raises ConnectionFailed, TimedOut."""
        failure: ConnectionFailed
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(request)
        except (httpx2.TimeoutException, TimeoutError):
            failure = timed_out(request, timeout)
        except _FAILURES as error:
            failure = failed(request, error)
        raise failure

    async def aclose(self) -> None:
        """Close the connections; a later request opens others."""
        pools, self._pools = self._pools, {}
        if self._loop is asyncio.get_running_loop():
            for pool in pools.values():
                await pool.aclose()

    async def _exchange(self, request: Request) -> Answer:
        sent = httpx2.Request(request.method, request.url, headers=request.all_headers(), content=request.body)
        response = await self._opened(request.url).handle_async_request(sent)
        try:
            body = Body()
            async for piece in response.aiter_raw():
                body.add(piece)
        finally:
            await response.aclose()
        return Answer.of(response.status_code, response.headers.multi_items(), bytes(body.content))

    def _opened(self, url: str) -> httpx2.AsyncHTTPTransport:
        """The pool for such addresses. Those without TLS have one of their own: to read certificates takes 20 ms."""
        loop, plain = asyncio.get_running_loop(), url.startswith("http:")
        if self._loop is not loop:
            self._loop, self._pools = loop, {}
        if plain not in self._pools:
            verify = not plain if self._ssl_context is None else self._ssl_context
            limits = httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEPT_SECONDS)
            self._pools[plain] = httpx2.AsyncHTTPTransport(verify=verify, limits=limits)
        return self._pools[plain]
