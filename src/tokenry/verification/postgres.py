"""Looking up credentials in PostgreSQL: those that arrive together go as one statement.

While a statement is on its way, later look-ups go with another connection's, or gather for the next one, which takes
them all. Each is thus answered by a statement that was sent after it came, which is what makes a revocation immediate,
and the cost is shared.

A look-up waits a second at most, whatever becomes of the server. While none can be reached that is to be believed,
each is refused at once; twice a second somebody else tries whether there is one again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from math import inf

import psycopg
import structlog
from sqlalchemy import URL

from tokenry.domain.errors import Unavailable
from tokenry.printable import first_line
from tokenry.storage.credentials import Credential
from tokenry.storage.failures import NotPrimary
from tokenry.verification.lookups import Line, Lost, Rows, open_line

BATCH_LOOKUPS_MAX = 1000
CONNECTIONS_MAX = 2
"""Of each worker for look-ups: what waits for one statement does not wait for a slow one before it."""
LOOKUP_SECONDS_MAX = 1.0
"""From the question to its answer, however often the connection has to be opened again for it."""
PROBE_SECONDS = 0.5
_SILENT = "it does not answer"

log = structlog.get_logger("tokenry.verification")
Answer = asyncio.Future[Credential | None]


class _Batch:
    """Look-ups that are sent together, until when they wait, and whether they were sent before."""

    __slots__ = ("again", "answers", "timer", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.answers: dict[str, list[Answer]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.again = False

    def settle(self, found: Mapping[str, Credential]) -> None:
        """Tell each look-up what was found."""
        self.stop()
        for preview, answers in self.answers.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(preview))

    def refuse(self, error: Exception) -> None:
        """Tell each look-up why there is no answer."""
        self.stop()
        for answers in self.answers.values():
            for answer in answers:
                if not answer.done():
                    answer.set_exception(_another(error) if isinstance(error, Unavailable) else error)

    def take(self, other: "_Batch") -> None:
        """Take the look-ups of another batch, which were made later."""
        other.stop()
        for preview, answers in other.answers.items():
            self.answers.setdefault(preview, []).extend(answers)

    def stop(self) -> None:
        """Let its time be no matter."""
        if self.timer is not None:
            self.timer.cancel()


class PostgresCredentials:
    """Reads the database on every call, within one event loop. What a lost connection left open is sent once more.

    A connection is being opened, idle, or busy with a batch. Look-ups wait only while none is idle. Whenever there is a
    fault, somebody is opening one, and clears it.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._waiting = _Batch()
        self._idle: dict[Line, float] = {}
        """Since when."""
        self._busy: dict[Line, _Batch] = {}
        self._opening: asyncio.Task[None] | None = None
        self._fault: Unavailable | None = None
        """Why no look-up can be answered; None while one may be."""

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""
        return await self.find_soon(preview)

    def find_soon(self, preview: str) -> Answer:
        """Begin to find it: the future of the answer, or of Unavailable."""
        answer: Answer = asyncio.get_running_loop().create_future()
        if self._fault is not None:
            answer.set_exception(_another(self._fault))
            return answer
        if not self._waiting.answers:
            self._begin_batch(asyncio.get_running_loop().time() + LOOKUP_SECONDS_MAX)
        self._waiting.answers.setdefault(preview, []).append(answer)
        return answer

    async def close(self) -> None:
        """Wait for what is under way, then close the connections. A later look-up opens another."""
        batches = [*self._busy.values(), self._waiting]
        answers = [answer for batch in batches for answers in batch.answers.values() for answer in answers]
        if answers:
            await asyncio.wait(answers)
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        self._fault = None
        self._waiting.stop()
        for line in self._busy:  # whose clients are gone
            line.close()
        self._busy.clear()
        self._drop_idle()

    def _send(self) -> None:
        """Send what waits, if a connection is free; if none is, and there may be another, open it."""
        if not self._waiting.answers:
            return
        if self._idle:
            (line, _), batch = self._idle.popitem(), self._take()
            self._busy[line] = batch
            line.ask(list(batch.answers), partial(self._receive, line))
        elif self._opening is None and len(self._busy) < CONNECTIONS_MAX:
            self._opening = asyncio.create_task(self._open())

    def _take(self) -> _Batch:
        batch, self._waiting = self._waiting, _Batch()
        for preview in list(batch.answers)[BATCH_LOOKUPS_MAX:]:
            self._waiting.answers[preview] = batch.answers.pop(preview)
        if self._waiting.answers:
            self._waiting.again = batch.again
            self._begin_batch(batch.until)
        return batch

    def _begin_batch(self, until: float) -> None:
        """Send what waits as soon as whatever else is to be sent has come; refuse it when its time is up."""
        loop = asyncio.get_running_loop()
        self._waiting.until = until
        self._waiting.timer = loop.call_at(until, self._time_out, self._waiting)
        loop.call_soon(self._send)

    def _receive(self, line: Line, answer: Rows | Exception) -> None:
        batch = self._busy.pop(line)
        if isinstance(answer, (Lost, NotPrimary)):
            line.close()
            self._drop_idle()
            self._send_again(batch, answer)
            return
        self._idle[line] = asyncio.get_running_loop().time()
        if isinstance(answer, Exception):
            batch.refuse(answer)
        else:
            batch.settle({row[1]: Credential(*row[1:]) for row in answer if row[1] is not None})
        self._send()

    def _send_again(self, batch: _Batch, error: Exception) -> None:
        if batch.again:
            batch.refuse(_refusal(error))
        else:
            batch.again = True
            batch.take(self._waiting)
            self._waiting = batch
        self._send()

    def _time_out(self, batch: _Batch) -> None:
        """Refuse look-ups whose time is up, and wait no longer for the connection that carries them."""
        if batch is self._waiting:
            self._waiting = _Batch()
        for line in [line for line, carried in self._busy.items() if carried is batch]:
            del self._busy[line]
            line.close()
            self._drop_idle(before=batch.until - LOOKUP_SECONDS_MAX)  # what has answered since does not stand still
        batch.refuse(Unavailable(_SILENT))
        if self._idle or self._busy:
            self._send()
        else:
            self._give_up(Unavailable(_SILENT))

    def _give_up(self, refusal: Unavailable) -> None:
        """Refuse every look-up, until somebody else has found a server."""
        self._fault = refusal
        batch, self._waiting = self._waiting, _Batch()
        batch.refuse(refusal)
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        """Open one more connection. When there is none at all, try until there is."""
        try:
            while (line := await self._try_to_open()) is None:
                if self._idle or self._busy:
                    return
                await asyncio.sleep(PROBE_SECONDS)
        finally:
            self._opening = None
        self._fault = None
        self._idle[line] = asyncio.get_running_loop().time()
        self._send()

    async def _try_to_open(self) -> Line | None:
        try:
            return await open_line(self._url, seconds=LOOKUP_SECONDS_MAX)
        except Exception as error:
            if not isinstance(error, (psycopg.Error, OSError, TimeoutError, Lost, NotPrimary)):
                log.exception("a connection could not be opened")  # a defect, or no threads; it is tried again
            if not self._idle and not self._busy:
                self._give_up(_refusal(error))
            return None

    def _drop_idle(self, *, before: float = inf) -> None:
        """Close connections that have been idle since before then: all of them lead to the same server."""
        for line in [line for line, since in self._idle.items() if since < before]:
            del self._idle[line]
            line.close()


def _refusal(error: Exception) -> Unavailable:
    """What a look-up is told when there is no server for it."""
    if isinstance(error, NotPrimary):
        return error.refusal
    if isinstance(error, TimeoutError):
        return Unavailable(_SILENT)
    kind = "" if isinstance(error, Lost) else f"{type(error).__name__}: "
    return Unavailable(f"{kind}{first_line(error)}", private=True)


def _another(refusal: Unavailable) -> Unavailable:
    """A copy for one more look-up: each raise adds to an error's traceback."""
    return Unavailable(refusal.reason, private=refusal.private)
