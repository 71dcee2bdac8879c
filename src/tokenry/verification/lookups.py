"""One connection to PostgreSQL for look-ups, read and written in the event loop, on libpq itself.

psycopg opens it; the one statement then needs nothing of psycopg's cursors, which cost three times as much as this.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy import URL

from tokenry.printable import first_line
from tokenry.storage.credentials import postgres_statement
from tokenry.storage.failures import NotPrimary, sort_state
from tokenry.storage.postgres import IDENTIFY, finding_primary, parameters_of

_NAME = "look_up"
_STATEMENT = postgres_statement()
# The statement joins five tables: planning takes longer than running it. The server ends what takes too long, also the
# preparing, which waits for locks on the tables.
_SESSION = "SET plan_cache_mode = force_generic_plan; SET statement_timeout = {milliseconds}"
_PREPARE = f"PREPARE {_NAME} (varchar[]) AS {_STATEMENT}"
BINARY = pq.Format.BINARY
Rows = Sequence[tuple[Any, ...]]
Answered = Callable[[Rows | Exception], None]


class Lost(Exception):  # noqa: N818 - what happened
    """The connection is of no use any more; another may be."""


async def open_line(url: URL, *, seconds: float) -> "Line":
    """Open a connection to a server that is to be believed, whose statements end after so many seconds.

    Behind a pooler a statement has no such end at the server, nor is it prepared: the next one may be in another
    session. Raises psycopg.Error, Lost, NotPrimary, TimeoutError.
    """
    with finding_primary():
        connection = await psycopg.AsyncConnection.connect("", autocommit=True, **parameters_of(url))
    line = Line(connection)
    try:
        async with asyncio.timeout(seconds):
            await line.prepare(seconds)
    except BaseException:
        line.close()
        raise
    return line


class Line:
    """A connection that carries one look-up statement at a time. To be used in the event loop that opened it."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection  # which would close itself
        self._libpq = connection.pgconn
        self._transformer = Transformer(connection)
        self._loop = asyncio.get_running_loop()
        self._pooled = True
        self._answered: Answered | None = None
        self._result: Any = None
        self._libpq.nonblocking = 1
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._read)

    async def prepare(self, seconds: float) -> None:
        """Make ready for look-ups, and look up nothing, to see that it can be done. Raises like `open_line`."""
        [[process]] = await self._exchange(
            partial(self._libpq.send_query_params, IDENTIFY.encode(), None, result_format=BINARY)
        )
        self._pooled = process != self._libpq.backend_pid
        if not self._pooled:
            for text in (_SESSION.format(milliseconds=int(1000 * seconds)), _PREPARE):
                await self._exchange(partial(self._libpq.send_query, text.encode()))
        await self._exchange(partial(self._send_previews, []))

    def ask(self, previews: list[str], answered: Answered) -> None:
        """Look up credentials; `answered` is called with their rows, or with what went wrong, and never from here."""
        self._begin(partial(self._send_previews, previews), answered)

    def close(self) -> None:
        """Close the connection. Look-ups under way get no answer."""
        self._answered = None
        self._forget_socket()
        self._libpq.finish()

    async def _exchange(self, send: Callable[[], None]) -> Rows:
        answer: asyncio.Future[Rows | Exception] = self._loop.create_future()

        def take(found: Rows | Exception) -> None:
            if not answer.done():  # given up, a moment ago
                answer.set_result(found)

        self._begin(send, take)
        found = await answer
        if isinstance(found, Exception):
            raise found
        return found

    def _begin(self, send: Callable[[], None], answered: Answered) -> None:
        self._answered, self._result = answered, None
        try:
            send()
            self._flush()
        except psycopg.Error as error:
            self._loop.call_soon(self._fail, error)

    def _send_previews(self, previews: list[str]) -> None:
        parameters = self._transformer.dump_sequence([previews], [PyFormat.TEXT])
        if self._pooled:
            types = self._transformer.types
            self._libpq.send_query_params(_STATEMENT.encode(), parameters, param_types=types, result_format=BINARY)
        else:
            self._libpq.send_query_prepared(_NAME.encode(), parameters, result_format=BINARY)

    def _flush(self) -> None:
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._write)

    def _write(self) -> None:
        try:
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._fail(error)

    def _read(self) -> None:
        try:
            self._libpq.consume_input()
            while not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    break
                self._result = result
            else:
                return
            answer = None if self._answered is None or self._result is None else self._take()
        except Exception as error:  # noqa: BLE001 - whatever a server says that is none of PostgreSQL's
            self._fail(error)
            return
        if answer is not None:
            self._answer(answer)

    def _take(self) -> Rows | Exception:
        """The rows of the result, or what went wrong."""
        result = self._result
        if result.status == pq.ExecStatus.COMMAND_OK:
            return ()
        if result.status != pq.ExecStatus.TUPLES_OK:
            state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
            text = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
            return Lost(text) if not state or sort_state(state) is not None else _defect(state, text)
        self._transformer.set_pgresult(result)
        rows = self._transformer.load_rows(0, result.ntuples, tuple)
        return NotPrimary() if rows[0][0] is True else rows

    def _answer(self, answer: Rows | Exception) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(answer)

    def _fail(self, error: Exception) -> None:
        """The connection is broken, whether somebody waits or not."""
        try:
            self._forget_socket()
        finally:
            self._answer(Lost(first_line(error)))

    def _forget_socket(self) -> None:
        if self._socket >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = -1


def _defect(state: str, text: str) -> psycopg.Error:
    """An error that is none of the connection's, by its name where it has one."""
    try:
        return psycopg.errors.lookup(state)(text)
    except KeyError:
        return psycopg.DatabaseError(f"{state}: {text}")
