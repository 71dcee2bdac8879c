"""`/healthz`: the process lives. `/readyz`: it can also do its work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.types import Receive, Scope, Send

from tokenry.complaints import Complaints
from tokenry.domain.errors import TooSlow, Unavailable
from tokenry.storage.database import Database
from tokenry.storage.deadline import within
from tokenry.storage.migration import is_current
from tokenry.web.answers import brief_refusal, send_answer, to_bytes
from tokenry.web.errors import MethodNotAllowed

SECONDS_MAX = 1
"""The time to answer a probe, which has a thread of its own: no request holds it up, and no probe a request."""
_NO_TOKEN = ""
_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class _Problem(NamedTuple):
    """What is wrong: as strangers are told, and as the log is."""

    told: str
    reason: str


_UNANSWERED = _Problem(*["the database does not answer"] * 2)


class Liveness:
    """Answers 200 while the event loop turns; asks nothing of the database."""

    methods = frozenset({"GET", "HEAD"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one probe."""
        if scope["method"] in self.methods:
            await send_answer(send, 200, to_bytes({"status": "ok"}), [*_JSON])
        else:
            await _refuse_method(send, self.methods)


class Readiness:
    """Answers 200 while the database is there with the schema of this program and takes what is written, 503 otherwise.

    It writes only where the last change of this process failed, to see whether that is over. It looks once at a time,
    however many ask: a probe that comes during a look shares its answer.
    """

    methods = frozenset({"GET", "HEAD"})

    def __init__(self, database: Database, find: Callable[[str], Awaitable[object]]) -> None:
        """`find` looks up a token as verification does, which has ways of its own to the database."""
        self._database = database
        self._find = find
        self._thread = CapacityLimiter(1)
        self._look: asyncio.Task[_Problem | None] | None = None
        self._complaints = Complaints("the service is not ready")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one probe."""
        if scope["method"] not in self.methods:
            await _refuse_method(send, self.methods)
            return
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._find_problem())
        problem = await asyncio.shield(self._look)  # a probe that hangs up leaves it to the others
        if problem is None:
            await send_answer(send, 200, to_bytes({"status": "ready"}), [*_JSON])
        else:
            self._complaints.add(problem.reason)
            await send_answer(send, 503, to_bytes({"status": "unavailable", "reason": problem.told}), [*_JSON])

    async def _find_problem(self) -> _Problem | None:
        with within(SECONDS_MAX), move_on_after(SECONDS_MAX):
            try:
                await self._find(_NO_TOKEN)
            except Unavailable as refusal:
                return _problem("tokens cannot be verified", refusal)
            return await to_thread.run_sync(self._look_into, abandon_on_cancel=True, limiter=self._thread)
        return _UNANSWERED

    def _look_into(self) -> _Problem | None:
        try:
            with self._database.read() as connection:
                if not is_current(connection):
                    return _Problem(*["the database's schema is not this program's"] * 2)
        except TooSlow:
            return _UNANSWERED
        except Unavailable as refusal:
            return _problem("the database cannot be read", refusal)
        try:
            self._database.write_again()
        except Unavailable as refusal:
            return _problem("changes cannot be written", refusal)
        return None


def _problem(what: str, refusal: Unavailable) -> _Problem:
    """What is wrong, and why, as far as strangers may know: what a driver says may name hosts and users."""
    reason = f"{what}: {refusal.reason}"
    return _Problem(what if refusal.private else reason, reason)


async def _refuse_method(send: Send, methods: frozenset[str]) -> None:
    refusal = MethodNotAllowed(methods)
    await send_answer(send, *brief_refusal(405, refusal.faults, [refusal.allow]))
