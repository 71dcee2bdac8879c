"""Asking the service over HTTP, one question for each request. Fails closed."""

import asyncio
import json
import re
import ssl
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from urllib.parse import urlencode

import httpx2

from tokenry.addresses import read_base_url
from tokenry.domain.catalogue import JSON_BYTES_MAX, Catalogue, read_json
from tokenry.domain.errors import Fault
from tokenry.domain.public_url import read_public_url
from tokenry.middleware.answers import Answer, Unreadable, read_answer
from tokenry.middleware.questions import Needs, Question, fail_closed, log, refuse_unknown

TIMEOUT_SECONDS = 1.0
CONNECTIONS_MAX = 100
KEPT_SECONDS = 60
"""How long an idle connection is kept: less than the 75 seconds that the service keeps it."""
BODY_BYTES_MAX = 64 * 1024
TARGETS_MAX = 256
UNIX = "unix:"

_VALUE = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110 section 5.5


class RemoteVerifier:
    """Asks the service at `url`, such as `http://127.0.0.1:8470`, over a pool of connections.

    `unix:/run/tokenry/tokenry.sock` asks at a unix socket of the service, by an absolute path.

    `timeout` is in seconds: in an event loop for a question as a whole, in a thread for each wait of it.

    What is sent is the client's Authorization and User-Agent, and its address in X-Forwarded-For: the service believes
    that only if TOKENRY_TRUSTED_PROXIES names this application.

    `origin` is the application's public address, such as `https://api.example.com`: with it tokens that are bound to a
    key are accepted, with a proof for that address (RFC 9449), which the service judges. Without it they are refused.

    It works on the transport, below redirects, cookies, proxies and passwords of the environment: a token goes to this
    one address or nowhere. Safe to be used by several threads, and by event loops one after the other.

    Where the service does not answer when the application starts, what that needs is compared with the catalogue after
    the first answer, and what the catalogue lacks is told in the log: nobody is kept from starting by a service that
    is not up yet.

    Raises ValueError for an address that is none, or one with a user or a query in it, and for an origin that is none.
    """

    counts = True
    """Whether needs may have a cost."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        connections_max: int = CONNECTIONS_MAX,
        ssl_context: ssl.SSLContext | None = None,
        origin: str | None = None,
    ) -> None:
        self._origin = None if origin is None else urlencode({"origin": read_public_url(origin)})
        self._name, self._url, self._path = _read_address(url)
        self._timeout = timeout
        self._limits = httpx2.Limits(max_connections=connections_max, keepalive_expiry=KEPT_SECONDS)
        self._verify = ssl_context if ssl_context is not None else self._url.scheme == "https"
        self._transport = self._new_transport()
        self._target = lru_cache(TARGETS_MAX)(self._make_target)  # an application has a handful
        self._async: tuple[asyncio.AbstractEventLoop, httpx2.AsyncHTTPTransport] | None = None
        self._unchecked: tuple[Needs, ...] = ()

    def check(self, *needs: Needs) -> None:
        """Refuse what the service's catalogue lacks. Raises ValueError with each, and what may be meant."""
        named = tuple(each for each in needs if each.names_any)
        if not named:
            return
        catalogue = self._find_catalogue()
        if catalogue is None:
            self._unchecked += named
            log.warning("%s does not say which scopes there are: what is needed here was not checked", self._name)
        else:
            refuse_unknown(catalogue, named)

    def verify(self, question: Question) -> Answer:
        """Ask, waiting for the answer."""
        try:
            with self._asked(self._request(question)) as response:
                body = b"".join(_bounded(response.iter_raw(), time.monotonic() + self._timeout))
            self._check_again()
            return read_answer(response.status_code, dict(response.headers.items()), body)
        except Exception as error:  # noqa: BLE001 - a failure to ask must not become the application's
            return fail_closed(self._name, question, error)

    async def verify_async(self, question: Question) -> Answer:
        """Ask."""
        try:
            async with asyncio.timeout(self._timeout), self._asked_async(self._request(question)) as response:
                body = b"".join([piece async for piece in _bounded_async(response.aiter_raw())])
            self._check_again()
            return read_answer(response.status_code, dict(response.headers.items()), body)
        except Exception as error:  # noqa: BLE001 - as above
            return fail_closed(self._name, question, error)

    def close(self) -> None:
        """Close the connections of threads; a later question opens others."""
        self._transport.close()
        self._transport = self._new_transport()

    async def close_async(self) -> None:
        """Close all connections."""
        held, self._async = self._async, None
        if held is not None and held[0] is asyncio.get_running_loop():
            await held[1].aclose()
        self.close()

    def _check_again(self) -> None:
        """Now that the service has answered, compare what could not be, in a thread of its own."""
        if self._unchecked:
            needs, self._unchecked = self._unchecked, ()
            threading.Thread(target=self._tell_unknown, args=(needs,), name="tokenry", daemon=True).start()

    def _tell_unknown(self, needs: tuple[Needs, ...]) -> None:
        catalogue = self._find_catalogue()
        if catalogue is None:
            log.warning("%s does not say which scopes there are: what is needed here stays unchecked", self._name)
            return
        try:
            refuse_unknown(catalogue, needs)
        except ValueError as error:
            log.error("what is needed here is refused with 503, since %s lacks it: %s", self._name, error)

    def _find_catalogue(self) -> Catalogue | None:
        """Ask which scopes there are; None where that cannot be told."""
        url = self._url.copy_with(raw_path=f"{self._url.path}v4/tokenry/scopes".encode("ascii"))
        try:
            with self._asked(self._get(url)) as response:
                body = b"".join(_bounded(response.iter_raw(), time.monotonic() + self._timeout, JSON_BYTES_MAX))
            return read_json(json.loads(body)) if response.status_code == 200 else None
        except (httpx2.HTTPError, Unreadable, TimeoutError, ValueError, RecursionError):
            return None

    def _request(self, question: Question) -> httpx2.Request:
        headers = []
        if question.authorization is not None:
            headers.append(("Authorization", question.authorization))
        if question.agent is not None:
            headers.append(("User-Agent", question.agent))
        if question.address:
            headers.append(("X-Forwarded-For", question.address))
        proved = self._origin is not None and question.is_bound
        if question.needs.by_method or proved:
            headers.append(("X-Original-Method", question.method))
        if proved:
            headers.append(("X-Original-URI", question.target))
        if proved and question.proof is not None:
            headers.append(("DPoP", question.proof))
        return self._get(self._target(question.needs.by_method, question.needs.query, proved), headers)

    def _get(self, url: httpx2.URL, headers: Sequence[tuple[str, str]] = ()) -> httpx2.Request:
        encoded = [(b"Host", self._url.netloc), *((name.encode("ascii"), _sendable(value)) for name, value in headers)]
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        return httpx2.Request("GET", url, headers=encoded, extensions={"timeout": timeouts})

    def _make_target(self, by_method: bool, query: str, proved: bool) -> httpx2.URL:  # noqa: FBT001 - as `Needs` has it
        path = "verify/auth-request" if by_method or proved else "verify"
        query = "&".join(filter(None, (query, self._origin if proved else None)))
        return self._url.copy_with(raw_path=f"{self._url.path}{path}?{query}".rstrip("?").encode("ascii"))

    @contextmanager
    def _asked(self, request: httpx2.Request) -> Iterator[httpx2.Response]:
        response = self._transport.handle_request(request)
        try:
            yield response
        finally:
            response.close()

    @asynccontextmanager
    async def _asked_async(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        response = await self._loop_transport().handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    def _new_transport(self) -> httpx2.HTTPTransport:
        return httpx2.HTTPTransport(verify=self._verify, limits=self._limits, trust_env=False, uds=self._path)

    def _loop_transport(self) -> httpx2.AsyncHTTPTransport:
        """The connections of the running loop. Those of a loop that has ended are of no use to another."""
        loop = asyncio.get_running_loop()
        if self._async is None or self._async[0] is not loop:
            self._async = (
                loop,
                httpx2.AsyncHTTPTransport(verify=self._verify, limits=self._limits, trust_env=False, uds=self._path),
            )
        return self._async[1]


def _read_address(text: str) -> tuple[str, httpx2.URL, str | None]:
    """Read whom to ask: its name for the log, its URL, and the path of its socket if it has one. Raises ValueError."""
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        if not path.startswith("/") or "\0" in path:
            raise ValueError("The address of a unix socket must be like unix:/run/tokenry/tokenry.sock")
        return text, httpx2.URL("http://tokenry/"), path
    try:
        url = httpx2.URL(f"{read_base_url(text)}/")
    except httpx2.InvalidURL:
        raise ValueError("The address is not one that can be asked") from None
    return str(url), url, None


def _sendable(value: str) -> bytes:
    """A header's value as bytes. What HTTP has no room for is found here: libraries quote it in their logs."""
    stripped = value.strip(" \t")
    if not _VALUE.fullmatch(stripped):
        raise Unreadable(Fault("the request has a header that cannot be passed on"))
    return stripped.encode("latin-1")


def _bounded(pieces: Iterable[bytes], deadline: float, left: int = BODY_BYTES_MAX) -> Iterator[bytes]:
    """A body as long as the service's may be, and as long as it may take. Raises Unreadable and TimeoutError."""
    for piece in pieces:
        left = _spend(left, piece)
        if time.monotonic() > deadline:
            raise TimeoutError
        yield piece


async def _bounded_async(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    left = BODY_BYTES_MAX
    async for piece in pieces:
        left = _spend(left, piece)
        yield piece


def _spend(left: int, piece: bytes) -> int:
    if len(piece) > left:
        raise Unreadable(Fault("a body that has no end"))
    return left - len(piece)
