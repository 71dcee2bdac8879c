"""Looking up credentials in PostgreSQL: those that arrive together go as one statement on one connection.

While a statement is on its way, later look-ups gather; the next statement takes them all. Each is thus answered by a
statement that was sent after it came, which is what makes a revocation immediate, and the cost is shared.
"""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy import URL

from tokenry.domain.errors import Unavailable
from tokenry.printable import first_line
from tokenry.storage.credentials import Credential, postgres_statement

BATCH_LOOKUPS_MAX = 1000
LOOKUP_SECONDS_MAX = 5
"""From the question to its answer, however often the connection has to be opened again for it."""
CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 5
# What asyncpg reads from an address; any other parameter of libpq's it would send to the server as a setting.
_DSN_PARAMETERS = frozenset({"host", "port", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"})
_LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresCredentials:
    """Reads the database on every call. A lost connection is opened again, once for each batch, before giving up."""

    def __init__(self, url: URL) -> None:
        known = {name: value for name, value in url.query.items() if name in _DSN_PARAMETERS}
        self._dsn = url.set(drivername="postgresql", query=known).render_as_string(hide_password=False)
        self._statement = postgres_statement()
        self._connection: Any = None  # asyncpg ships no types
        self._waiting: dict[str, list[asyncio.Future[Credential | None]]] = {}
        self._sender: asyncio.Task[None] | None = None

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""
        try:
            async with asyncio.timeout(LOOKUP_SECONDS_MAX):
                return await self._find(preview)
        except TimeoutError as error:
            raise Unavailable from error

    async def _find(self, preview: str) -> Credential | None:
        answer: asyncio.Future[Credential | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(preview, []).append(answer)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_batches())
        return await answer

    async def close(self) -> None:
        """Wait for what is under way, then close the connection."""
        if self._sender is not None:
            await self._sender
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _send_batches(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._take_batch())
        finally:
            self._sender = None

    def _take_batch(self) -> dict[str, list[asyncio.Future[Credential | None]]]:
        if len(self._waiting) <= BATCH_LOOKUPS_MAX:
            batch, self._waiting = self._waiting, {}
            return batch
        return {preview: self._waiting.pop(preview) for preview in list(self._waiting)[:BATCH_LOOKUPS_MAX]}

    async def _answer(self, batch: dict[str, list[asyncio.Future[Credential | None]]]) -> None:
        try:
            found = {row["preview"]: Credential(*row) for row in await self._fetch(list(batch))}
        except Exception as error:  # noqa: BLE001 - raised again in whoever waits; nobody is left waiting
            for answer in _open(batch):
                answer.set_exception(_refusal(error))
            return
        for preview, answers in batch.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(preview))

    async def _fetch(self, previews: list[str]) -> Any:
        if self._connection is not None:
            try:
                return await self._connection.fetch(self._statement, previews)
            except _LOST:
                self._connection.terminate()
                self._connection = None
        self._connection = await asyncpg.connect(
            self._dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=STATEMENT_TIMEOUT_SECONDS
        )
        return await self._connection.fetch(self._statement, previews)


def _refusal(error: Exception) -> Exception:
    """What a look-up that failed raises: Unavailable for the database's part, the error itself for a defect."""
    if not isinstance(error, _LOST):
        return error
    refusal = Unavailable(f"{type(error).__name__}: {first_line(error)}")
    refusal.__cause__ = error
    return refusal


def _open(batch: dict[str, list[asyncio.Future[Credential | None]]]) -> list[asyncio.Future[Credential | None]]:
    return [answer for answers in batch.values() for answer in answers if not answer.done()]
