"""One resource of a face: its operations, and the order in which a request is judged.

404 and 405 come before 401, that before 429, that before the scope's 401, that before 403, that before 400 and the
resource's own 404, for every face. What is wrong with how a body is sent, 413 and 415, is told as soon as
that is seen. Operations are plain functions; they run in threads, since the database is synchronous. What only asks the
verifier is an Inquiry, and runs on the event loop, as `/verify` does.
"""

import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from anyio import from_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from tokenry.domain.accounts import Actor
from tokenry.domain.callers import Callers
from tokenry.domain.checks import Denial, presents_bound
from tokenry.domain.errors import (
    Forbidden,
    InsufficientScope,
    NoPublicUrl,
    NotFound,
    Refusal,
    Unauthorized,
    Unavailable,
)
from tokenry.domain.idempotency import HEADER as IDEMPOTENCY_KEY
from tokenry.domain.limits import Allowance
from tokenry.domain.oauth import OAuthError, OAuthRefusal
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.service.admission import Admission
from tokenry.verification.bound_tokens import BoundTokens, Shown
from tokenry.verification.challenge import challenge
from tokenry.verification.verifier import Decision, KnownPresenter, Verifier
from tokenry.web.answers import Answer, HeaderList, send_answer, send_result, to_bytes
from tokenry.web.bodies import BODY_BYTES_MAX, receive_body
from tokenry.web.dialect import Dialect, Heading
from tokenry.web.errors import BodyTooLarge, MethodNotAllowed, TooManyRequests, UnsupportedMediaType
from tokenry.web.limits import Bucket, RateLimits, network
from tokenry.web.requests import Call, client_address, single_headers
from tokenry.web.threads import Threads

TURN_SECONDS = 1
"""After which a request that did not get its turn may be made again."""
UNAUTHENTICATED = 401
ITSELF_ONLY = "This token may rotate itself, and do nothing else here"


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of a call that returns the JSON body of a 200, or an Answer.

    `needs` is the scope it asks for, `*` for none, and `who` may call it. `reads_body` is False where clients send
    bodies that mean nothing: those are received and dropped. None is longer than `body_bytes_max`. `counted` is False
    for those that a service asks on each request of its own: then only tokens and clients that are refused here count
    towards a limit. One with a `bucket` is counted there and nowhere else. One that `changes` something has threads
    that no reading takes. `for_clients` is done instead for OAuth clients, which present no token of their own, but by
    HTTP Basic or in the body who they are; `for_managers` for who has its scope, and is no administrator or has not the
    one that is asked for here; `for_itself` for a token that rotates itself only, for which no other operation is done.
    """

    run: Callable[[Call], object]
    needs: str = "*"
    who: Callers = Callers.USERS
    reads_body: bool = True
    body_bytes_max: int = BODY_BYTES_MAX
    counted: bool = True
    bucket: Bucket | None = None
    changes: bool = False
    for_clients: "Operation | None" = None
    for_managers: "Operation | None" = None
    for_itself: "Operation | None" = None

    def meant(self, headers: Mapping[bytes, str]) -> "Operation":
        """What a request with such headers asks for."""
        scheme = headers.get(b"authorization", "basic").partition(" ")[0]
        return self if self.for_clients is None or scheme.lower() != "basic" else self.for_clients

    @property
    def scopes(self) -> Scopes:
        """The scope it needs, as scopes."""
        return NOTHING if self.needs == "*" else Scopes.parse(self.needs)


class Inquiry(Operation):
    """An operation that waits for nothing but verification: a coroutine function, which needs no thread.

    It is for callers whom no database has to be asked about, and its body is short.
    """

    run: Callable[[Call], Awaitable[object]]


def in_thread(run: Callable[[Call], Coroutine[Any, Any, object]]) -> Callable[[Call], object]:
    """What an inquiry runs, as that of an operation: for callers whom the database has to be asked about."""

    def run_on_loop(call: Call) -> object:
        return from_thread.run(run, call)

    return run_on_loop


@dataclass(frozen=True, slots=True)
class Checks:
    """What stands before every operation: who calls, how often, whether such users may, and in which thread."""

    verifier: Verifier
    limits: RateLimits
    admission: Admission
    threads: Threads
    bound_tokens: BoundTokens
    public_url: str | None = None


change = partial(Operation, changes=True)


class Resource:
    """An ASGI application for one path: one operation for each method, HEAD as GET, OPTIONS for browsers."""

    deletes_apart = True
    """Whether DELETE is counted by token, apart from what else its user asks."""

    def __init__(self, checks: Checks, dialect: Dialect, **operations: Operation) -> None:
        self._checks = checks
        self._dialect = dialect
        self.operations = dict(operations)
        if "GET" in operations:
            self.operations["HEAD"] = operations["GET"]
        self.methods = frozenset({*self.operations, "OPTIONS"})
        self._needed = {method: operation.scopes for method, operation in self.operations.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Any other exception than a Refusal passes to the guard, which makes it a 500."""
        method = scope["method"]
        if method == "OPTIONS":
            allowing = self._dialect.write_headers(Heading(ok=True, reads=False))
            await send_answer(send, 200, b"", [*allowing, *self._allow_more(scope)])
            return
        operation = self.operations.get(method)
        if operation is None:
            await refuse(scope, send, MethodNotAllowed(self.methods), self._dialect)
            return
        decision = instead = None
        started = time.monotonic()
        try:
            headers = single_headers(scope)
            operation = operation.meant(headers)
            if operation.who is not Callers.ANYBODY:
                client = KnownPresenter(client_address(scope), headers.get(b"user-agent"))
                decision = await self._decide(scope, headers, client)
                instead = _find_other(operation, decision)
                if instead is not None:
                    operation = instead
                    self._checks.verifier.take_back(decision)
                    decision = await self._checks.verifier.verify(headers[b"authorization"], operation.scopes, client)
                scope["tokenry.actor"] = decision.actor
            await self._limit(scope, decision, operation)
            actor = None if decision is None else _admit(decision, alone=instead is None)
            run = partial(
                self._checks.threads.run,
                who=network(client_address(scope)) if actor is None else actor.user_id,
            )
            spent = time.monotonic() - started
            raw = await receive_meant(method, headers, receive, operation, self._dialect)
            call = Call(
                caller=actor,
                address=client_address(scope),
                path=scope["path_params"],
                query=scope["query_string"].decode("latin-1"),
                headers=headers,
                count=partial(self._count_for, scope),
            )
            if isinstance(operation, Inquiry):
                answer = _answer(await operation.run(self._prepare(operation, call, raw)))
            else:
                answer = await run(partial(self._run, operation, call, raw), writes=operation.changes, spent=spent)
        except Refusal as refusal:
            if isinstance(refusal, OAuthRefusal) and refusal.code is OAuthError.INVALID_CLIENT:
                refusal = await self._count_failure(scope, refusal)
            await refuse(scope, send, refusal, self._dialect, accepted=operation.needs, decision=decision)
            return
        await send_result(scope, receive, send, answer, self._headers(scope, operation, actor), run=run)

    def _allow_more(self, scope: Scope) -> HeaderList:
        """What a page of another origin may send beyond what the dialect has: told to browsers alone, when they ask."""
        if all(name != b"access-control-request-method" for name, _ in scope["headers"]):
            return []
        more = [(b"access-control-allow-headers", IDEMPOTENCY_KEY.encode("ascii"))]
        return [*more, (b"access-control-allow-methods", b"PATCH")] if "PATCH" in self.methods else more

    async def _decide(self, scope: Scope, headers: Mapping[bytes, str], client: KnownPresenter) -> Decision:
        """Decide on a token, or on one that is bound to a key and the proof that comes with it.

        Raises Unavailable, and NoPublicUrl: a proof names the address it is for, and without ours all hosts are alike.
        """
        needed, authorization = self._needed[scope["method"]], headers.get(b"authorization")
        if not presents_bound(authorization):
            return await self._checks.verifier.verify(authorization, needed, client)
        target = scope["raw_path"].decode("latin-1")
        shown = Shown(self._checks.public_url, scope["method"], target, headers.get(b"dpop"))
        decision = await self._checks.bound_tokens.decide(authorization, needed, client, shown)
        if decision.denial is Denial.UNPROVED and self._checks.public_url is None:
            raise NoPublicUrl
        return decision

    async def _limit(self, scope: Scope, decision: Decision | None, operation: Operation) -> None:
        """Count the request. Whatever its answer will be, it shows the allowance. Raises TooManyRequests."""
        allowance = None
        if operation.counted or (decision is not None and decision.denial is not None):
            deletes = self.deletes_apart and scope["method"] == "DELETE"
            allowance = await self._checks.limits.count(
                decision, client_address(scope), operation.bucket, deletes=deletes
            )
        scope["tokenry.allowance"] = allowance
        if allowance is not None and allowance.exceeded:
            raise TooManyRequests

    async def _count_failure(self, scope: Scope, refusal: Refusal) -> Refusal:
        """Count a client that proved nothing as a token that was refused; what it is told."""
        failures = await self._checks.limits.count_failure(client_address(scope))
        if failures is None or not failures.exceeded:
            return refusal
        scope["tokenry.allowance"] = failures
        return TooManyRequests()

    def _count_for(self, scope: Scope, key: str) -> None:
        """Count the request for somebody more, whom only its operation could tell. Raises TooManyRequests."""
        allowance = self._checks.limits.count_for(key)
        scope["tokenry.allowance"] = allowance
        if allowance is not None and allowance.exceeded:
            raise TooManyRequests

    def _headers(self, scope: Scope, operation: Operation, actor: Actor | None) -> HeaderList:
        reads, accepted = scope["method"] in ("GET", "HEAD"), operation.needs.encode("ascii")
        told = Heading(ok=True, reads=reads, accepted=accepted, actor=actor, allowance=scope["tokenry.allowance"])
        return self._dialect.write_headers(told)

    def _prepare(self, operation: Operation, call: Call, raw: bytes) -> Call:
        """Admit the caller, and read the body."""
        if call.caller is not None:
            self._checks.admission.admit(call.caller, operation.who)
        media_type = call.headers.get(b"content-type", self._dialect.media_types[0])
        return replace(call, raw=raw, body=self._dialect.read_body(raw, media_type))

    def _run(self, operation: Operation, call: Call, raw: bytes) -> Answer:
        """Carry out the operation, and make the first of the pieces of an answer."""
        answer = _answer(operation.run(self._prepare(operation, call, raw)))
        if isinstance(answer.body, Iterator):
            return replace(answer, body=chain([next(answer.body, b"")], answer.body))
        return answer


MakeResource = Callable[..., Resource]
"""Makes a resource in the dialect of a face, from its operations by method."""
Paths = Mapping[str, Resource]


def _answer(result: object) -> Answer:
    return result if isinstance(result, Answer) else Answer(200, result)


def _find_other(operation: Operation, decision: Decision) -> Operation | None:
    """What is done instead for whoever presents this token. None that is bound to a key is a personal one."""
    actor, for_managers = decision.actor, operation.for_managers
    if actor is None or decision.bound:
        return None
    if actor.rotates_itself_only:
        return operation.for_itself
    if for_managers is None or (decision.accepted and actor.admin) or not actor.scopes.covers(for_managers.scopes):
        return None
    return for_managers


def _admit(decision: Decision, *, alone: bool) -> Actor:
    """Who calls; `alone` is whether nothing is done instead for such tokens."""
    actor = decision.actor
    if actor is not None and actor.rotates_itself_only and alone:
        raise Forbidden(ITSELF_ONLY)
    if decision.denial is Denial.INSUFFICIENT_SCOPE:
        raise InsufficientScope
    if actor is None:
        raise Unauthorized
    return actor


async def refuse(
    scope: Scope,
    send: Send,
    refusal: Refusal,
    dialect: Dialect,
    *,
    accepted: str = "*",
    decision: Decision | None = None,
) -> None:
    """Answer with a refusal. Without a decision no token was looked at."""
    allowance: Allowance | None = scope.get("tokenry.allowance")
    waits_for_turn = isinstance(refusal, TooManyRequests) and (allowance is None or not allowance.exceeded)
    told = Heading(
        ok=False,
        reads=scope["method"] in ("GET", "HEAD"),
        accepted=accepted.encode("ascii"),
        actor=None if decision is None else decision.actor,
        allowance=allowance,
        retry_after=TURN_SECONDS if waits_for_turn else None,
    )
    headers = dialect.write_headers(told)
    if isinstance(refusal, (Unauthorized, InsufficientScope)):
        told_why = challenge(decision, accepted, realm=dialect.words.realm)
        headers.append((b"www-authenticate", told_why.encode("ascii")))
    if isinstance(refusal, MethodNotAllowed):
        headers.append(refusal.allow)
    if isinstance(refusal, BodyTooLarge):
        headers.append((b"connection", b"close"))  # the rest of the body is not worth reading
    if isinstance(refusal, Unavailable):
        scope["tokenry.reason"] = refusal.reason  # for the guard's line in the log
    status = dialect.status[type(refusal)]
    if isinstance(refusal, OAuthRefusal) and refusal.code is OAuthError.INVALID_CLIENT:
        status = UNAUTHENTICATED
        headers.append((b"www-authenticate", f'Basic realm="{dialect.words.realm}"'.encode("ascii")))  # section 5.2
    body = to_bytes(dialect.write_refusal(dialect.words.put(refusal)))
    await send_answer(send, status, body, [(b"content-type", b"application/json"), *headers])


def not_found(dialect: Dialect) -> ASGIApp:
    """An application that answers a path that does not exist."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(scope, send, NotFound(), dialect)

    return answer


async def receive_meant(
    method: str, headers: Mapping[bytes, str], receive: Receive, operation: Operation, dialect: Dialect
) -> bytes:
    """Receive what a request carries, all of it. Nothing is kept of a body that no operation reads.

    Raises BodyTooLarge, UnsupportedMediaType, ClientGone.
    """
    if method in ("GET", "HEAD"):
        return b""
    if method == "DELETE" or not operation.reads_body:
        await receive_body(headers, receive)
        return b""
    media_type = headers.get(b"content-type", dialect.media_types[0]).partition(";")[0].strip().lower()
    coding = headers.get(b"content-encoding", "identity").strip().lower()
    if media_type not in dialect.media_types or coding != "identity":
        raise UnsupportedMediaType(*dialect.media_types)
    return await receive_body(headers, receive, operation.body_bytes_max)
