"""Telling without the database that nothing was ever stored under a preview, as for most tokens that somebody made up.

A look-up costs twice what the rest of an answer does, and guesses cost their sender nothing. So a worker keeps a filter
(B. H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970) of all previews.
It never lacks one that is stored: that rests on the journal of what is created (`storage/epoch.py`).
"""

import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from zlib import crc32

from anyio import sleep
from anyio.lowlevel import checkpoint

from tokenry.storage.credentials import Credential
from tokenry.storage.journal import Journal
from tokenry.verification.follower import NO_LOCK, Follower
from tokenry.verification.sqlite import SqliteCredentials

SLOTS_PER_TOKEN = 16
"""At least: of the previews that are not stored up to one in 16 is looked up nevertheless, and one in 8 when full."""
SLOTS_MAX = 1 << 28
"""32 MiB. With more than 16 million tokens more previews are looked up."""
TOKENS_AT_ONCE = 1000
LOOK_SECONDS = 5
RESTS = 10


class PreviewFilter:
    """Which of all possible previews may be stored: a bit for each of many slots, one slot for each preview."""

    def __init__(self, tokens: int) -> None:
        self._slots = min(1 << max(10, (tokens * SLOTS_PER_TOKEN - 1).bit_length()), SLOTS_MAX)
        self._bits = bytearray(self._slots // 8)
        self._mask = self._slots - 1
        self._added = 0

    def add(self, previews: Collection[bytes]) -> None:
        """Let it not lack these previews from now on."""
        bits, mask = self._bits, self._mask
        for check in map(crc32, previews):
            bits[(check & mask) >> 3] |= 1 << (check & 7)
        self._added += len(previews)

    def lacks(self, preview: bytes) -> bool:
        """Whether this preview was never added. False tells nothing."""
        check = crc32(preview)
        return not self._bits[(check & self._mask) >> 3] & 1 << (check & 7)

    @property
    def is_full(self) -> bool:
        """Whether one made anew would lack more."""
        return self._slots < SLOTS_MAX and self._added > 2 * self._slots // SLOTS_PER_TOKEN


class Screen(Follower):
    """Credentials of a SQLite database, behind a filter once `fill` has filled it; until then each look-up is made."""

    def __init__(self, credentials: SqliteCredentials, created: Journal) -> None:
        super().__init__(created)
        self._credentials = credentials
        self._filter: PreviewFilter | None = None
        self._filling: PreviewFilter | None = None

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""
        return self.find_now(preview)

    def find_now(self, preview: str) -> Credential | None:
        """Find it without waiting for anything. Raises Unavailable."""
        return None if self.lacks(preview.encode()) else self._credentials.find_now(preview)

    def lacks(self, preview: bytes) -> bool:
        """Whether nothing was ever stored under this preview; False also where the filter cannot tell."""
        return self.is_current() and self._filter is not None and self._filter.lacks(preview)

    async def close(self) -> None:
        """Let go of the database."""
        await self._credentials.close()

    async def fill(self, lock: AbstractContextManager[object] = NO_LOCK) -> None:
        """Fill the filter, if there is none, or another one if it is full. Raises Unavailable.

        `lock` is held by all who look up, where that is in other threads; here for a piece at a time.
        """
        if self._filter is None or self._filter.is_full:
            await self._fill(lock)

    async def _fill(self, lock: AbstractContextManager[object] = NO_LOCK) -> None:
        """Fill a new filter with all that is stored, and with what is created meanwhile. Raises Unavailable.

        What was committed before the word last seen is found in the database, and all else is named after it.
        """
        with lock:
            if not self.is_current():
                return
            newest = self._credentials.find_newest_token()
            filling = self._filling = PreviewFilter(newest)
        try:
            for above in range(0, newest, TOKENS_AT_ONCE):
                with lock:
                    filling.add(self._credentials.list_previews(above, above + TOKENS_AT_ONCE))
                await _make_way()
                with lock:
                    self.is_current()  # before the ring comes round
            with lock:
                if self._filling is not filling:
                    return  # it did
                self._filter = filling
        finally:
            with lock:
                self._filling = None

    def _heed(self, named: Collection[bytes] | None) -> None:
        if named is None:
            self._filter = self._filling = None
            return
        for filter in (self._filter, self._filling):
            if filter is not None:
                filter.add(named)


async def _make_way() -> None:
    """Let requests go first: the longer the event loop takes to come round, the longer the rest."""
    began = time.monotonic()
    await checkpoint()
    await sleep((time.monotonic() - began) * RESTS)
