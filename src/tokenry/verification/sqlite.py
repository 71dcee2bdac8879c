"""Looking up credentials in SQLite, on the driver itself: one prepared statement, a few microseconds.

The driver is the standard library's, the same copy of SQLite that SQLAlchemy uses here: two copies in one process
would drop each other's file locks (docs/decisions/0003).
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from tokenry.domain.errors import Unavailable
from tokenry.storage.credentials import (
    Credential,
    sqlite_newest_statement,
    sqlite_previews_statement,
    sqlite_statement,
)

LOCK_SECONDS_MAX = 0.25
"""How long a look-up, and with it all else that the process does, waits for a database that is not to be read."""
MAPPED_BYTES_MAX = 1 << 30
_FIND = sqlite_statement()
_NEWEST = sqlite_newest_statement()
_PREVIEWS = sqlite_previews_statement()


class SqliteCredentials:
    """Reads the database on every call, so its answer is as new as the last commit of any process.

    For one thread at a time. A look-up does not wait for writers.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""
        return self.find_now(preview)

    def find_now(self, preview: str) -> Credential | None:
        """Find it without waiting for anything. Raises Unavailable."""
        row = self._find_row(_FIND, preview)
        return None if row is None else Credential(*row)

    def find_newest_token(self) -> int:
        """Find the highest id of a token that has a credential; 0 if there is none. Raises Unavailable."""
        [newest] = self._find_row(_NEWEST)
        return newest or 0

    def list_previews(self, above: int, last: int) -> Sequence[bytes]:
        """List all previews of the tokens with these ids. Raises Unavailable."""
        [text] = self._find_row(_PREVIEWS, above, last)
        return (text or "").encode().split()

    async def close(self) -> None:
        """Close the connection; a later call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def _find_row(self, statement: str, *parameters: object) -> Any:
        try:
            cursor = self._cursor or self._connect()
            row = cursor.execute(statement, parameters).fetchone()
            cursor.fetchone()  # past the one row: the statement ends, and with it its view of the database
        except sqlite3.Error as error:
            raise Unavailable(str(error)) from error
        return row

    def _connect(self) -> sqlite3.Cursor:
        connection = sqlite3.connect(
            self._path,
            isolation_level=None,
            timeout=LOCK_SECONDS_MAX,
            check_same_thread=False,  # callers see to it
        )
        connection.execute("PRAGMA query_only = ON").close()
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES_MAX}").close()
        self._connection, self._cursor = connection, connection.cursor()
        return self._cursor
