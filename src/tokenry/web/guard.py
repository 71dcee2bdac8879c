"""The outermost layer of the HTTP interface.

It refuses malformed requests, names each request, logs it, and turns a defect into a 500 that says nothing.
The log holds neither query strings nor headers, and of a path at most what cannot be a secret.
"""

import re
import secrets
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tokenry.domain.errors import Fault, Invalid, NotFound
from tokenry.log import Log
from tokenry.web.answers import brief_refusal, send_answer
from tokenry.web.dialect import Dialect
from tokenry.web.errors import InternalError
from tokenry.web.headers import SINGLE
from tokenry.web.pieces import ClientGone
from tokenry.web.requests import client_address
from tokenry.web.resource import refuse
from tokenry.web.routing import mark_slashes

_SINGLE = frozenset(name.encode("ascii") for name in SINGLE)
_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
# What a router might read as something else: it takes a line feed for a line's end, and gateways in front a slash or
# backslash for one that was not escaped. Those may be in a product's names for its users.
_AMBIGUOUS = re.compile(rb"%(?:2f|5c|7f|[01][0-9a-f])", re.IGNORECASE)
_AMBIGUOUS_NAME = re.compile(rb"%(?:7f|[01][0-9a-f])", re.IGNORECASE)
_NAMES = (b"/v4/tokenry/users/", b"/v4beta/tokenry/users/")
_LONG_WORD = re.compile(r"[^/]{17,}")
_EXPOSED = (
    b"access-control-expose-headers",
    b"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Token-Expires, X-Request-Id",
)
"""What a page of another origin may read of any answer that it may read at all, refusals too (Fetch section 3.3)."""

log = Log("tokenry.access")


class Guard:
    """An ASGI middleware around everything. What it answers itself is in `dialect`.

    `direct` are applications that are asked all the time, by path: they are not routed to, nor logged unless they fail.
    One under a path that ends in a slash is asked about all that is below it: what follows is the path of a gateway's
    client, not ours to route by, nor to refuse.
    """

    def __init__(self, app: ASGIApp, dialect: Dialect, direct: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._dialect = dialect
        self._direct = direct
        self._below = tuple(path for path in direct if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a well-formed request through, and see that it is answered and logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        direct = self._find_direct(scope["path"])
        if direct is not None:
            await _answer_quietly(direct, scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        status = 0

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode("ascii")))
                _expose(scope, message)
            await send(message)

        try:
            fault = header_fault(scope)
            if fault is not None:
                await refuse(scope, observe, Invalid(fault), self._dialect)
            elif _is_ambiguous(scope["raw_path"]):
                await refuse(scope, observe, NotFound(), self._dialect)
            else:
                await self._app(scope, receive, observe)
        except ClientGone:
            status = 499
        except Exception:
            log.exception("request failed", request_id=request_id, method=scope["method"], path=safe_path(scope))
            if status:
                raise  # half an answer is out: only closing the connection tells the client
            say = scope.get("tokenry.refuse", partial(refuse, dialect=self._dialect))  # a page says it as a page
            await say(scope, observe, InternalError())
        _log(scope, request_id, status, time.perf_counter() - started)

    def _find_direct(self, path: str) -> ASGIApp | None:
        if path.startswith(self._below):
            path = next(below for below in self._below if path.startswith(below))
        return self._direct.get(path)


def header_fault(scope: Scope) -> Fault | None:
    """What the HTTP server lets pass and this service does not: a header that decides something, missing or doubled."""
    seen = set()
    for name, _ in scope["headers"]:
        if name in _SINGLE:
            if name in seen:
                return Fault("Must be sent only once", name.decode("ascii").title())
            seen.add(name)
    if b"host" not in seen and scope["http_version"] != "1.0":
        return Fault("Must be sent", "Host")
    return None


def safe_path(scope: Scope) -> str:
    """The path with every long word cut: a token pasted into a URL stays out of the log.

    A slash within a name stays escaped, or the line would be as of another path.
    """
    raw_path = scope["raw_path"]
    path = mark_slashes(raw_path, "%2F") if b"%2f" in raw_path.lower() else scope["path"]
    return _LONG_WORD.sub("…", path)


async def _answer_quietly(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without a line in the log, on the shortest way. What fails with 503 has said so itself."""
    try:
        fault = header_fault(scope)
        if fault is None:
            await app(scope, receive, send)
        else:
            await send_answer(send, *brief_refusal(400, [fault]))
    except Exception:
        log.exception("request failed", method=scope["method"], path=safe_path(scope))
        # After half an answer the server refuses this one, and closes the connection.
        await send_answer(send, *brief_refusal(500, InternalError().faults))


def _expose(scope: Scope, answer: Message) -> None:
    """Let the page that asks read what is told of requests, if it may read the answer."""
    shared = any(name == b"access-control-allow-origin" for name, _ in answer["headers"])
    if shared and any(name == b"origin" for name, _ in scope["headers"]):
        answer["headers"].append(_EXPOSED)


def _is_ambiguous(path: bytes) -> bool:
    found = _AMBIGUOUS_NAME.search(path) if path.startswith(_NAMES) else _AMBIGUOUS.search(path)
    return found is not None


def _request_id(scope: Scope) -> str:
    """The id a proxy gave the request, if it is harmless; else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _log(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    actor: Any = scope.get("tokenry.actor")
    reason = scope.get("tokenry.reason")
    write = log.info if reason is None else partial(log.error, reason=reason)
    write(
        "request",
        request_id=request_id,
        method=scope["method"],
        path=safe_path(scope),
        status=status,
        milliseconds=round(seconds * 1000, 2),
        address=client_address(scope),
        user=scope.get("tokenry.username") if actor is None else actor.username,
        token_id=None if actor is None else actor.token_id,
    )
