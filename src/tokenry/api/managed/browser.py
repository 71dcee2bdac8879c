"""What a user's own browser is asked for and told: by page tokens alone, from the origins that the operator listed."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from tokenry.api.wire import answer_headers
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Forbidden
from tokenry.domain.idempotency import HEADER
from tokenry.service.page_tokens import PageTokens
from tokenry.verification.verifier import MALFORMED, MISSING, Decision, KnownPresenter, read_bearer
from tokenry.web.answers import HeaderList, send_answer
from tokenry.web.dialect import Dialect, Heading
from tokenry.web.limits import network
from tokenry.web.requests import client_address
from tokenry.web.resource import Checks, Operation, Resource, refuse

PREFLIGHT_SECONDS = 600
"""How long a browser may remember what it was allowed."""
_NOT_TOLD = (b"access-control-", b"vary", b"x-oauth-scopes", b"x-accepted-oauth-scopes", b"x-spec-version")
_VARY = (b"vary", b"Origin")
_WRONG_ORIGIN = "Page tokens are used from the origins that the operator listed in TOKENRY_ALLOWED_ORIGINS"


class BrowserResource(Resource):
    """A resource that takes page tokens, which nothing else does, and takes nothing else.

    A request without an Origin that is listed is refused before anything else is looked at: what it says. No cookie
    means anything, so a browser is not told that it may send any.
    """

    deletes_apart = False

    def __init__(
        self,
        checks: Checks,
        dialect: Dialect,
        page_tokens: PageTokens,
        origins: frozenset[str],
        **operations: Operation,
    ) -> None:
        super().__init__(checks, dialect, **operations)
        self._page_tokens = page_tokens
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request from a page of a listed origin."""
        origin = _read_origin(scope)
        allowing = [_VARY]
        if origin in self._origins:
            allowing.append((b"access-control-allow-origin", origin.encode("ascii")))

        async def send_to_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].extend(allowing)
            await send(message)

        async def say(scope: Scope, send: Send, refusal: Any) -> None:
            await refuse(scope, send_to_page, refusal, self._dialect)

        scope["tokenry.refuse"] = say  # for the guard, when something fails
        if origin not in self._origins:
            await refuse(scope, send_to_page, Forbidden(_WRONG_ORIGIN), self._dialect)
        elif scope["method"] == "OPTIONS":
            await send_answer(send_to_page, 200, b"", self._preflight())
        else:
            await super().__call__(scope, receive, send_to_page)

    async def _decide(self, scope: Scope, headers: Mapping[bytes, str], client: KnownPresenter) -> Decision:
        """Find the page token that is presented. Raises Unavailable, TooManyRequests."""
        authorization = headers.get(b"authorization")
        if authorization is None:
            return MISSING
        text = read_bearer(authorization)
        if text is None:
            return MALFORMED
        find = partial(self._page_tokens.find_page_token, text.decode("ascii"))
        found = await self._checks.threads.run(find, who=network(client_address(scope)))
        return Decision(None, Denial.UNKNOWN) if found is None else Decision(found.bearer)

    def _preflight(self) -> HeaderList:
        return [
            *self._dialect.write_headers(Heading(ok=True, reads=False)),
            (b"access-control-allow-methods", ", ".join(sorted(self.operations)).encode("ascii")),
            (b"access-control-allow-headers", f"Authorization, Content-Type, X-Filter, {HEADER}".encode("ascii")),
            (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode("ascii")),
        ]


def page_answer_headers(told: Heading) -> HeaderList:
    """The headers of an answer to a page: those of the wire format that concern it, but for who may read it."""
    return [(name, value) for name, value in answer_headers(told) if not name.startswith(_NOT_TOLD)]


def _read_origin(scope: Scope) -> str:
    """The one Origin of a request (RFC 6454 section 7); empty if there is none, or more than one."""
    sent = [value for name, value in scope["headers"] if name == b"origin"]
    return sent[0].decode("latin-1") if len(sent) == 1 else ""
