"""When, from where and by which program each token was last used: noted in memory, written down in batches.

Beside it how often each was used, day by day (`counts.py`).

With the first use of a rotated token's new secret the grace of the old one begins.

A request that uses a token writes nothing. Of each token one use every few seconds is looked at: it is noted if the
last note is a minute old, or from another address or program. Every few seconds what was noted is written down. So the
first use after a quiet minute is shown within seconds, and otherwise the time that owners are shown is right to within
a minute. The many uses in between cost one comparison and one addition each, and are not told apart: once a minute it
is written down how many there were. What the database does not take stays noted, for as long as it takes; a thread of
its own waits for it. A process that is killed loses what it noted in the last seconds, and counted in the last minute.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from tokenry.complaints import Complaints
from tokenry.domain.errors import Unavailable
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import mask_secrets
from tokenry.domain.usage import day_of
from tokenry.log import Log
from tokenry.printable import printable
from tokenry.storage.database import Database
from tokenry.storage.notices import note_networks
from tokenry.storage.one_thread import OneThread
from tokenry.storage.revoked_uses import note_revoked_uses
from tokenry.storage.rotations import activate_used, find_unused
from tokenry.storage.usage import add_counts, store_asked
from tokenry.storage.uses import AGENT_LENGTH_MAX, Use, record_uses
from tokenry.storage.watching import add_would_be_refusals
from tokenry.verification.cache import Known
from tokenry.verification.counts import Counts, Waiting
from tokenry.verification.follower import NO_LOCK

INTERVAL_SECONDS = 5
PRECISION_SECONDS = 60
LOOK_SECONDS = 5
NOTED_MAX = 100_000
"""Uses of so many tokens are kept while the database cannot take them; those of further tokens are not noted."""
PIECE_ROWS_MAX = 1000
"""Of one transaction, which others may have to wait for."""

T = TypeVar("T")

log = Log("tokenry.verification")


class _Note(NamedTuple):
    """The last note of a token: when the next use is looked at, when it was made, and from where and by what."""

    look_at: float
    noted_at: float
    source: int


class Uses:
    """The uses of one process. One thread at a time notes them, one task writes them down.

    `now` gives seconds since 1970, by which days begin.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        self._thread = OneThread()
        self._noted: dict[str, Use] = {}
        """What is to be written down, by preview."""
        self._notes: dict[str, _Note] = {}
        """The last note of each preview that has one of the last minute, the oldest first."""
        self.counts = Counts()
        """What became of tokens, by day."""
        self._gathered_at, self._day = 0.0, day_of(now())
        self._batches: Sequence[tuple[Waiting[Any], Callable[[Connection, Sequence[Any]], None]]] = (
            (self.counts.counts, add_counts),
            (self.counts.asked, store_asked),
            (self.counts.would_be, add_would_be_refusals),
            (self.counts.suspects, note_revoked_uses),
        )
        self._complaints = Complaints("uses of tokens cannot be written down yet")

    def note(
        self, known: Known, seconds: float, address: str | None, agent: str | None, needed: Scopes = NOTHING
    ) -> None:
        """Note a use unless it is like the one noted last. Callers spare themselves the call until `known.note_at`."""
        self.counts.look_at(known, needed)
        actor = known.actor
        note = self._notes.get(actor.preview)
        known.note_at = seconds + LOOK_SECONDS
        if note is not None:
            if note.noted_at <= seconds < note.look_at:  # where nothing is remembered of it, or it is known anew
                known.note_at = note.look_at
                return
            if hash((address, agent)) == note.source and seconds < note.noted_at + PRECISION_SECONDS:
                self._notes[actor.preview] = note._replace(look_at=known.note_at)
                return
        if len(self._noted) >= NOTED_MAX and actor.preview not in self._noted:
            self._complaints.add(f"those of {NOTED_MAX} tokens wait, and none of others are noted")
            return
        self._remember(actor.preview, _Note(known.note_at, seconds, hash((address, agent))))
        agent = None if agent is None else agent[:AGENT_LENGTH_MAX]
        self._noted[actor.preview] = Use(actor.token_id, actor.preview, int(seconds), address, agent)

    def _remember(self, preview: str, note: _Note) -> None:
        """Remember it as the newest, and forget those that tell nothing any more."""
        self._notes.pop(preview, None)
        old = note.noted_at - PRECISION_SECONDS
        while self._notes:
            oldest = next(iter(self._notes))
            if self._notes[oldest].noted_at > old and len(self._notes) < NOTED_MAX:
                break
            del self._notes[oldest]
        self._notes[preview] = note

    async def close(self) -> None:
        """Write down what was noted, the last time: what the database does not take is lost."""
        self._gathered_at = 0.0
        await self.flush()
        if self._noted:
            log.error("uses of tokens were lost", tokens=len(self._noted))

    async def flush(self, lock: AbstractContextManager[object] = NO_LOCK) -> None:
        """Write down what was noted so far. What the database cannot take now is kept for the next time.

        `lock` is held by all who decide, where that is in other threads.
        """
        with lock:
            rows = self._take_rows()
        if not self._noted and not any(rows):
            return
        try:
            await self._thread.run(lambda: self._write_all(rows), seconds=INTERVAL_SECONDS)
        except Unavailable as error:
            self._complaints.add(error.reason)
        except Exception as error:  # noqa: BLE001 - a defect, for which neither these uses nor later ones should pay
            self._complaints.add(repr(error), with_traceback=True)

    def _take_rows(self) -> Sequence[Sequence[Any]]:
        """What is to be written down of what became of tokens: once a minute, and when a day is over."""
        now = self._now()
        ends = day_of(now) != self._day
        if ends or not 0 <= now - self._gathered_at < PRECISION_SECONDS:
            self.counts.gather(self._day, now, ends=ends)
            self._gathered_at, self._day = now, day_of(now)
        return [waiting.take() for waiting, _ in self._batches]

    def _write_all(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write everything down, piece by piece."""
        # In one order everywhere, so that two workers never wait for each other in a circle.
        uses = sorted(self._noted.copy().values())  # a copy in one step, as others are noted meanwhile
        defects = [*_write_pieces(uses, self._write, self._forget)]
        for some, (waiting, write) in zip(rows, self._batches, strict=True):
            defects += _write_pieces(some, partial(self._write_rows, write), waiting.forget)
        if defects:
            raise defects[0]

    def _forget(self, written: Sequence[Use]) -> None:
        for use in written:
            noted = self._noted.pop(use.preview)
            if noted is not use:  # another use, of meanwhile
                self._noted.setdefault(use.preview, noted)

    def _write(self, uses: Sequence[Use]) -> None:
        with self._database.write() as connection:
            readable = [use._replace(address=_readable(use.address), agent=_readable(use.agent)) for use in uses]
            record_uses(connection, readable)
            note_networks(connection, readable)
            used = {use.preview: use.used_at for use in uses}
            unused_before = find_unused(connection, list(used))
        for preview in unused_before:
            with self._database.write() as connection:
                activate_used(connection, preview, used[preview])

    def _write_rows(self, write: Callable[[Connection, Sequence[Any]], None], rows: Sequence[Any]) -> None:
        with self._database.write() as connection:
            write(connection, rows)


def _write_pieces(
    rows: Sequence[T], write: Callable[[Sequence[T]], None], forget: Callable[[Sequence[T]], None]
) -> Iterator[Exception]:
    """Write some rows after the others, and forget them; the defects that kept pieces from being written.

    Raises Unavailable.
    """
    for start in range(0, len(rows), PIECE_ROWS_MAX):
        piece = rows[start : start + PIECE_ROWS_MAX]
        try:
            write(piece)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - raised again when the other pieces are written
            yield error
        else:
            forget(piece)


def _readable(text: str | None) -> str | None:
    """What somebody else said of itself, fit to be stored and shown; a token pasted into it is cut to its preview."""
    return None if text is None else mask_secrets(printable(text))
