"""One page: its operations by method, and the order in which a request for it is judged.

405 comes before 429, that before 413 and 415, that before 403 for a form that is not ours, that before what the page
says. Operations are plain functions, which run in threads. One that has steps is a coroutine function, and says of each
where it is done. Nothing is shown before it is known by which address browsers reach the service.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from tokenry.domain.errors import Fault, Invalid, NoPublicUrl, Refusal, Unauthorized, Unavailable
from tokenry.domain.profile import LANGUAGES
from tokenry.pages.cookies import NEXT, NEXT_SECONDS, SESSION, VISIT, VISIT_VALUE, Cookies, form_token
from tokenry.pages.fields import Fields, Form
from tokenry.pages.forgery import Forged, require_own_site, require_token, tells_own_site
from tokenry.pages.kept_forms import show_kept
from tokenry.pages.languages import LANGUAGE_COOKIE, choose_language
from tokenry.pages.paths import AGAIN, SECURITY, sign_in_path
from tokenry.pages.replies import Written, refuse, send_download, send_written, write_reply
from tokenry.pages.signed_in import NotRecent
from tokenry.pages.visits import Cookie, Download, Redirect, Reply, Visit
from tokenry.service.sessions import Sessions
from tokenry.web.bodies import receive_body
from tokenry.web.errors import MethodNotAllowed, TooManyRequests, UnsupportedMediaType
from tokenry.web.forms import URLENCODED
from tokenry.web.limits import RateLimits, network
from tokenry.web.requests import client_address, single_headers
from tokenry.web.threads import Threads

T = TypeVar("T")
F = TypeVar("F", bound=Fields)


class Run(Protocol):
    """Does a step of an operation in a thread, one of those for changes if it `writes`."""

    def __call__(self, work: Callable[[], T], *, writes: bool = False) -> Awaitable[T]:
        """Do it; what it gives or raises."""


class Steps:
    """An operation whose steps are done in different places: a coroutine function, given how to run one."""

    def __init__(self, take: Callable[[Visit, Run], Awaitable[Reply]]) -> None:
        self.take = take


Operation: TypeAlias = Callable[[Visit], Reply] | Steps


@dataclass(frozen=True, slots=True)
class Checks:
    """What stands before every page: who is signed in, how often an address asks, in which thread, and where we are."""

    sessions: Sessions
    limits: RateLimits
    threads: Threads
    now: Callable[[], datetime]
    public_url: str | None


class _FactorWanted(Refusal):
    """The policy asks who is signed in for a second factor, which is not there yet."""


class Page:
    """An ASGI application for one path: an operation for GET, and for POST if it has a form. HEAD is as GET.

    A page whose GET `acts` has no HEAD, of which nobody expects it (RFC 9110 section 9.2.1). Only a page that is
    part of setting up a second factor opens `without_factor` to those of whom the policy wants one. One that
    `keeps_form` offers what was typed once more where somebody has to sign in, or prove who it is, before it can be
    sent: its operations are plain functions.
    """

    def __init__(
        self,
        checks: Checks,
        *,
        without_factor: bool = False,
        acts: bool = False,
        keeps_form: bool = False,
        **operations: Operation,
    ) -> None:
        self._checks = checks
        self._without_factor = without_factor
        self._keeps_form = keeps_form
        self._operations: Mapping[str, Operation] = operations if acts else {**operations, "HEAD": operations["GET"]}
        self.methods = frozenset(self._operations)
        self._cookies = Cookies(secure=not (checks.public_url or "").startswith("http:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is no Refusal passes to the guard, which has `refuse` say that it went wrong."""
        scope["tokenry.refuse"] = refuse
        scope["tokenry.language"] = read_language(scope, self._cookies.read(scope))
        try:
            operation = self._operations.get(scope["method"])
            if operation is None:
                raise MethodNotAllowed(self.methods)
            if self._checks.public_url is None:
                raise NoPublicUrl
            allowance = await self._checks.limits.count(None, client_address(scope))
            if allowance is not None and allowance.exceeded:
                raise TooManyRequests
            answer = await self._answer(scope, receive, operation)
        except Unauthorized:
            await self._lead_to(send, Redirect(sign_in_path(_target(scope))))
        except _FactorWanted:
            wanted = Cookie(NEXT, quote(_target(scope), safe="/"), NEXT_SECONDS)
            await self._lead_to(send, Redirect(SECURITY, [wanted] if _reads(scope) else []))
        except NotRecent:
            await self._lead_to(send, Redirect(sign_in_path(_target(scope), AGAIN)))
        except Refusal as refusal:
            await refuse(scope, send, refusal)
        else:
            await self._send(scope, receive, send, answer)

    async def _lead_to(self, send: Send, redirect: Redirect) -> None:
        await send_written(send, write_reply(self._cookies, redirect, None))

    async def _send(self, scope: Scope, receive: Receive, send: Send, answer: Written | Download) -> None:
        if isinstance(answer, Download):
            run = partial(self._checks.threads.run, who=network(client_address(scope)))
            await send_download(receive, send, answer, run)
            return
        await send_written(send, answer)
        if answer.afterwards is not None:
            await self._do_afterwards(scope, answer.afterwards)

    async def _answer(self, scope: Scope, receive: Receive, operation: Operation) -> Written | Download:
        started = time.monotonic()
        who = network(client_address(scope))

        async def run(work: Callable[[], T], *, writes: bool = False) -> T:
            return await self._checks.threads.run(work, who=who, writes=writes, spent=time.monotonic() - started)

        headers = single_headers(scope)
        raw = b""
        if not _reads(scope):
            require_own_site(headers, self._checks.public_url or "")
            raw = await _receive_form(headers, receive)
        if isinstance(operation, Steps):
            visit = await run(partial(self._read_visit, scope, headers, raw))
            _require_token_of_form(visit, scope)
            # Small pages, which tell what was done: none is lost for want of a thread.
            return self._write(await operation.take(visit, run), visit)
        return await run(partial(self._carry_out, operation, scope, headers, raw), writes=not _reads(scope))

    async def _do_afterwards(self, scope: Scope, work: Callable[[], object]) -> None:
        try:
            await self._checks.threads.run(work, who=network(client_address(scope)), writes=True)
        except (TooManyRequests, Unavailable) as refusal:  # the answer is out: the log alone can be told
            scope["tokenry.reason"] = getattr(refusal, "reason", "no thread was free for what comes after the answer")

    def _carry_out(
        self, operation: Callable[[Visit], Reply], scope: Scope, headers: Mapping[bytes, str], raw: bytes
    ) -> Written | Download:
        visit = self._read_visit(scope, headers, raw)
        try:
            _require_token_of_form(visit, scope)
            reply = operation(visit)
        except (Forged, NotRecent, Unauthorized) as refusal:
            if _reads(scope) or not self._keeps_form or not tells_own_site(headers):
                raise
            reply = show_kept(visit, refusal)
        return self._write(reply, visit)

    def _write(self, reply: Reply, visit: Visit) -> Written | Download:
        return reply if isinstance(reply, Download) else write_reply(self._cookies, reply, visit)

    def _read_visit(self, scope: Scope, headers: Mapping[bytes, str], raw: bytes) -> Visit:
        """Find out who is signed in, and what is asked. Raises Invalid, _FactorWanted."""
        cookies = self._cookies.read(scope)
        session = self._checks.sessions.find_session(cookies.get(SESSION, ""))
        if session is not None:
            scope["tokenry.username"] = session.user.username
            if session.language in LANGUAGES:
                scope["tokenry.language"] = session.language
            if session.factor_wanted and not self._without_factor:
                raise _FactorWanted
        if session is None and not VISIT_VALUE.fullmatch(cookies.get(VISIT, "")):
            cookies = {**cookies, VISIT: secrets.token_urlsafe(32)}
        raw_query = scope["query_string"].decode("latin-1")
        return Visit(
            session=session,
            now=self._checks.now(),
            address=client_address(scope),
            agent=headers.get(b"user-agent"),
            path=scope["path_params"],
            query=_read(Fields, raw_query),
            raw_query=raw_query,
            form=_read(Form, raw.decode("utf-8", "replace")),
            cookies=cookies,
            form_token=form_token(cookies[VISIT if session is None else SESSION]),
            language=scope["tokenry.language"],
            target=_target(scope),
        )


MakePage: TypeAlias = Callable[..., Page]
"""Makes a page from its operations by method."""
Pages: TypeAlias = Mapping[str, ASGIApp]


def read_language(scope: Scope, cookies: Mapping[str, str]) -> str:
    """The language in which a browser is shown a page, unless who is signed in has chosen one."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    return choose_language(cookies.get(LANGUAGE_COOKIE, ""), accepted.decode("latin-1"))


def _require_token_of_form(visit: Visit, scope: Scope) -> None:
    if not _reads(scope):
        require_token(visit)


def _reads(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD")


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    path: str = scope["raw_path"].decode("ascii")
    return f"{path}?{query}" if query else path


def _read(kind: type[F], encoded: str) -> F:
    try:
        return kind(encoded)
    except ValueError:
        raise Invalid(Fault("There are too many parameters.")) from None


async def _receive_form(headers: Mapping[bytes, str], receive: Receive) -> bytes:
    """Receive a form. Raises BodyTooLarge, UnsupportedMediaType, ClientGone."""
    media_type = headers.get(b"content-type", URLENCODED).partition(";")[0].strip().lower()
    if media_type != URLENCODED or headers.get(b"content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType
    return await receive_body(headers, receive)
