"""One resource of the management API: its operations, and the order in which a request is judged.

404 and 405 come before 401, that before 429, that before the scope's 401, that before 403, that before 400 and the
resource's own 404 (contract, order of checks). Operations are plain functions; they run in threads, since the database
is synchronous.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from starlette.types import Receive, Scope, Send

from tokenry.api.dialect import WIRE, Dialect
from tokenry.api.errors import BodyTooLarge, MethodNotAllowed, TooManyRequests, UnsupportedMediaType
from tokenry.api.limits import Bucket, RateLimits, network
from tokenry.api.pieces import ClientGone, Run, send_pieces
from tokenry.api.threads import SERVICES_SHARE_MAX, SHARE_MAX, Threads
from tokenry.api.wire import HeaderList, answer_headers, to_bytes, write_faults
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.errors import Fault, InsufficientScope, NotFound, Refusal, Unauthorized, Unavailable
from tokenry.domain.limits import Allowance
from tokenry.domain.networks import ADDRESS_LENGTH_MAX
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.verification.challenge import challenge
from tokenry.verification.verifier import Client, Decision, Denial, Verifier

BODY_BYTES_MAX = 64 * 1024
LENGTH_DIGITS_MAX = 10
TURN_SECONDS = 1
"""After which a request that did not get its turn may be made again."""


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation is given: who calls, from where, and what the request says. A public one may have no caller."""

    caller: Actor | None
    address: str | None
    path: Mapping[str, str]
    query: str
    headers: Mapping[bytes, str]
    body: Mapping[str, object]

    @property
    def actor(self) -> Actor:
        """Who calls, for operations that are not public."""
        assert self.caller is not None
        return self.caller

    @property
    def origin(self) -> Origin:
        """Who makes a change, for the audit."""
        return Origin.of(self.actor, self.address)

    @property
    def filter(self) -> str | None:
        """The X-Filter header."""
        return read_text(self.headers.get(b"x-filter"))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer other than a 200 with JSON. A body of None is none at all, bytes are sent as they are.

    A body that is an iterator of bytes is sent piece by piece, each made in a thread when the one before is on its way.
    What fails before the first piece is there is still answered; after that it ends the connection.
    """

    status: int
    body: object = None
    media_type: bytes = b"application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of a call that returns the JSON body of a 200, or an Answer.

    `needs` is the scope it asks for, `*` for none. A public one is for anybody, and looks at no token. `reads_body` is
    False where clients send bodies that mean nothing: those are received and dropped. `counted` is False for those that
    a service asks on each request of its own: then only tokens that are refused here count towards a limit. One with a
    `bucket` is counted there and nowhere else. One that `changes` something has threads that no reading takes.
    """

    run: Callable[[Call], object]
    needs: str = "*"
    public: bool = False
    reads_body: bool = True
    counted: bool = True
    bucket: Bucket | None = None
    changes: bool = False

    @property
    def scopes(self) -> Scopes:
        """The scope it needs, as scopes."""
        return NOTHING if self.needs == "*" else Scopes.parse(self.needs)


class Resource:
    """An ASGI application for one path: one operation for each method, HEAD as GET, OPTIONS for browsers."""

    def __init__(
        self,
        verifier: Verifier,
        limits: RateLimits,
        threads: Threads,
        dialect: Dialect = WIRE,
        **operations: Operation,
    ) -> None:
        self._verifier = verifier
        self._limits = limits
        self._threads = threads
        self._dialect = dialect
        self.operations = dict(operations)
        if "GET" in operations:
            self.operations["HEAD"] = operations["GET"]
        self.methods = frozenset({*self.operations, "OPTIONS"})
        self._needed = {method: operation.scopes for method, operation in self.operations.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Whatever is not a Refusal passes to the guard, which makes it a 500."""
        method = scope["method"]
        if method == "OPTIONS":
            await send_answer(send, 200, b"", answer_headers(ok=True, reads=False, accepted=b"*"))
            return
        operation = self.operations.get(method)
        if operation is None:
            await refuse(scope, send, MethodNotAllowed(self.methods))
            return
        decision = None
        started = time.monotonic()
        try:
            headers = single_headers(scope)
            if not operation.public:
                client = Client(client_address(scope), headers.get(b"user-agent"))
                decision = await self._verifier.verify(headers.get(b"authorization"), self._needed[method], client)
                scope["tokenry.actor"] = decision.actor
            await self._limit(scope, decision, operation)
            actor = None if decision is None else _admit(decision)
            run = partial(
                self._threads.run,
                who=network(client_address(scope)) if actor is None else actor.user_id,
                share_max=SHARE_MAX if operation.counted else SERVICES_SHARE_MAX,
            )
            spent = time.monotonic() - started
            call = Call(
                caller=actor,
                address=client_address(scope),
                path=scope["path_params"],
                query=scope["query_string"].decode("latin-1"),
                headers=headers,
                body=await read_body(method, headers, receive, operation, self._dialect),
            )
            answer = await run(partial(_run, operation, call), writes=operation.changes, spent=spent)
        except Refusal as refusal:
            await refuse(scope, send, refusal, accepted=operation.needs, decision=decision, dialect=self._dialect)
            return
        await _answer(scope, receive, send, answer, _headers(scope, operation, actor), run=run)

    async def _limit(self, scope: Scope, decision: Decision | None, operation: Operation) -> None:
        """Count the request. Whatever its answer will be, it shows the allowance. Raises TooManyRequests."""
        allowance = None
        if operation.counted or decision is None or decision.denial is not None:
            deletes = scope["method"] == "DELETE"
            allowance = await self._limits.count(decision, client_address(scope), operation.bucket, deletes=deletes)
        scope["tokenry.allowance"] = allowance
        if allowance is not None and allowance.exceeded:
            raise TooManyRequests


def _admit(decision: Decision) -> Actor:
    if decision.denial is Denial.INSUFFICIENT_SCOPE:
        raise InsufficientScope
    if decision.actor is None:
        raise Unauthorized
    return decision.actor


def _run(operation: Operation, call: Call) -> Answer:
    """Carry out an operation, and make the first piece of an answer that comes in pieces."""
    result = operation.run(call)
    answer = result if isinstance(result, Answer) else Answer(200, result)
    if isinstance(answer.body, Iterator):
        return replace(answer, body=chain([next(answer.body, b"")], answer.body))
    return answer


def _headers(scope: Scope, operation: Operation, actor: Actor | None) -> HeaderList:
    return answer_headers(
        ok=True,
        reads=scope["method"] in ("GET", "HEAD"),
        accepted=operation.needs.encode("ascii"),
        actor=actor,
        allowance=scope["tokenry.allowance"],
    )


async def _answer(scope: Scope, receive: Receive, send: Send, answer: Answer, headers: HeaderList, *, run: Run) -> None:
    if answer.body is None:
        if answer.status != 204:  # which has no length (RFC 9110 section 8.6)
            headers = [*headers, (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body"})
        return
    headers = [(b"content-type", answer.media_type), *headers]
    if isinstance(answer.body, Iterator):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        pieces = iter(()) if scope["method"] == "HEAD" else answer.body
        await send_pieces(receive, send, pieces, run)
        return
    body = answer.body if isinstance(answer.body, bytes) else to_bytes(answer.body)
    await send_answer(send, answer.status, body, headers)


async def refuse(
    scope: Scope,
    send: Send,
    refusal: Refusal,
    *,
    accepted: str = "*",
    decision: Decision | None = None,
    dialect: Dialect = WIRE,
) -> None:
    """Answer with a refusal. Without a decision no token was looked at."""
    allowance: Allowance | None = scope.get("tokenry.allowance")
    waits_for_turn = isinstance(refusal, TooManyRequests) and (allowance is None or not allowance.exceeded)
    headers = answer_headers(
        ok=False,
        reads=scope["method"] in ("GET", "HEAD"),
        accepted=accepted.encode("ascii"),
        actor=None if decision is None else decision.actor,
        allowance=allowance,
        retry_after=TURN_SECONDS if waits_for_turn else None,
    )
    if isinstance(refusal, (Unauthorized, InsufficientScope)) and decision is not None:
        headers.append((b"www-authenticate", challenge(decision, accepted).encode("ascii")))
    if isinstance(refusal, MethodNotAllowed):
        headers.append(refusal.allow)
    if isinstance(refusal, BodyTooLarge):
        headers.append((b"connection", b"close"))  # the rest of the body is not worth reading
    if isinstance(refusal, Unavailable):
        scope["tokenry.reason"] = refusal.reason  # for the guard's line in the log
    body = to_bytes(dialect.write_refusal(refusal))
    await send_answer(send, dialect.status[type(refusal)], body, [(b"content-type", b"application/json"), *headers])


def brief_refusal(
    status: int, faults: Sequence[Fault], headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Faults in the envelope, with few headers: for paths that are asked many times a second."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *headers]
    return status, to_bytes(write_faults(faults)), headers


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a path that does not exist."""
    await refuse(scope, send, NotFound())


async def send_answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Send a whole answer."""
    headers = [*headers, (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def single_headers(scope: Scope) -> dict[bytes, str]:
    """The request's headers by name; the guard has seen to it that none that matters comes twice."""
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


def client_address(scope: Scope) -> str | None:
    """The address of whoever is calling, or what a trusted proxy says instead."""
    return scope["client"][0][:ADDRESS_LENGTH_MAX] if scope.get("client") else None


def read_presented(scope: Scope) -> tuple[str | None, Client]:
    """The Authorization header of a request, and who sends it."""
    authorization = agent = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"user-agent":
            agent = value.decode("latin-1")
    return authorization, Client(client_address(scope), agent)


def read_text(header: str | None) -> str | None:
    """A header that holds JSON, which is UTF-8; bytes that are not stay a text that is no JSON string of ours."""
    return None if header is None else header.encode("latin-1").decode("utf-8", "replace")


async def read_body(
    method: str, headers: Mapping[bytes, str], receive: Receive, operation: Operation, dialect: Dialect = WIRE
) -> Mapping[str, object]:
    """Read what a request carries: with POST and PUT as the dialect has it; where no body is read anything, dropped.

    Nothing is done before the body is complete. Raises BodyTooLarge, UnsupportedMediaType, Invalid, ClientGone.
    """
    if method in ("GET", "HEAD"):
        return {}
    if method == "DELETE" or not operation.reads_body:
        await _receive_all(headers, receive)
        return {}
    media_type = headers.get(b"content-type", dialect.media_type).partition(";")[0].strip().lower()
    coding = headers.get(b"content-encoding", "identity").strip().lower()
    if media_type != dialect.media_type or coding != "identity":
        raise UnsupportedMediaType
    return dialect.read_body(await _receive_all(headers, receive))


async def _receive_all(headers: Mapping[bytes, str], receive: Receive) -> bytes:
    length = headers.get(b"content-length", "0").lstrip("0")  # the HTTP parser let only digits through, but any number
    if len(length) > LENGTH_DIGITS_MAX or int(length or "0") > BODY_BYTES_MAX:
        raise BodyTooLarge
    raw = bytearray()
    more = True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        raw += message.get("body", b"")
        more = message.get("more_body", False)
        if len(raw) > BODY_BYTES_MAX:
            raise BodyTooLarge
    return bytes(raw)
