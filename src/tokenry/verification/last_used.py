"""When, from where and by which program each token was last used: noted in memory, written down in batches.

With the first use of a rotated token's new secret the grace of the old one begins.

A request that uses a token writes nothing. Of each token one use every few seconds is looked at: it is noted if the
last note is a minute old, or from another address or program. Every few seconds what was noted is written down. So the
first use after a quiet minute is shown within seconds, and otherwise the time that owners are shown is right to within
a minute. The many uses in between cost one comparison each, and are not told apart. What the database does not take
stays noted, for as long as it takes; a thread of its own waits for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tokenry.complaints import Complaints
from tokenry.domain.errors import Unavailable
from tokenry.domain.secrets import mask_secrets
from tokenry.log import Log
from tokenry.printable import printable
from tokenry.storage.database import Database
from tokenry.storage.one_thread import OneThread
from tokenry.storage.rotations import activate_used, find_unused
from tokenry.storage.uses import AGENT_LENGTH_MAX, Use, record_uses
from tokenry.verification.cache import Known

INTERVAL_SECONDS = 5
PRECISION_SECONDS = 60
LOOK_SECONDS = 5
NOTED_MAX = 100_000
"""Uses of so many tokens are kept while the database cannot take them; those of further tokens are not noted."""
PIECE_ROWS_MAX = 1000
"""Of one transaction, which others may have to wait for."""

log = Log("tokenry.verification")


class _Note(NamedTuple):
    """The last note of a token: when the next use is looked at, when it was made, and from where and by what."""

    look_at: float
    noted_at: float
    source: int


class Uses:
    """The uses of one worker. One thread at a time notes them, one task writes them down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = OneThread()
        self._noted: dict[str, Use] = {}
        """What is to be written down, by preview."""
        self._notes: dict[str, _Note] = {}
        """The last note of each preview that has one of the last minute, the oldest first."""
        self._complaints = Complaints("uses of tokens cannot be written down yet")

    def look_at(self, preview: str) -> float:
        """From when on a use of a token is to be looked at (seconds since 1970); 0 if none was noted lately."""
        note = self._notes.get(preview)
        return 0.0 if note is None else note.look_at

    def note(self, known: Known, seconds: float, address: str | None, agent: str | None) -> None:
        """Note a use unless it is like the one noted last. Callers spare themselves the call until `known.note_at`."""
        known.note_at = seconds + LOOK_SECONDS
        actor, source = known.actor, hash((address, agent))
        note = self._notes.get(actor.preview)
        if note is not None and source == note.source and seconds < note.noted_at + PRECISION_SECONDS:
            self._notes[actor.preview] = note._replace(look_at=known.note_at)
            return
        if len(self._noted) >= NOTED_MAX and actor.preview not in self._noted:
            self._complaints.add(f"those of {NOTED_MAX} tokens wait, and none of others are noted")
            return
        self._remember(actor.preview, _Note(known.note_at, seconds, source))
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
        await self.flush()
        if self._noted:
            log.error("uses of tokens were lost", tokens=len(self._noted))

    async def flush(self) -> None:
        """Write down what was noted so far. What the database cannot take now is kept for the next time."""
        if not self._noted:
            return
        try:
            await self._thread.run(self._write_pieces, seconds=INTERVAL_SECONDS)
        except Unavailable as error:
            self._complaints.add(error.reason)
        except Exception as error:  # noqa: BLE001 - a defect, for which neither these uses nor later ones should pay
            self._complaints.add(repr(error), with_traceback=True)

    def _write_pieces(self) -> None:
        """Write everything down, piece by piece."""
        defect: Exception | None = None
        # In one order everywhere, so that two workers never wait for each other in a circle.
        uses = sorted(self._noted.copy().values())  # a copy in one step, as others are noted meanwhile
        for start in range(0, len(uses), PIECE_ROWS_MAX):
            piece = uses[start : start + PIECE_ROWS_MAX]
            try:
                self._write(piece)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - raised again when the other pieces are written
                defect = error
            else:
                self._forget(piece)
        if defect is not None:
            raise defect

    def _forget(self, written: Sequence[Use]) -> None:
        for use in written:
            noted = self._noted.pop(use.preview)
            if noted is not use:  # another use, of meanwhile
                self._noted.setdefault(use.preview, noted)

    def _write(self, uses: Sequence[Use]) -> None:
        with self._database.write() as connection:
            readable = [use._replace(address=_readable(use.address), agent=_readable(use.agent)) for use in uses]
            record_uses(connection, readable)
            used = {use.preview: use.used_at for use in uses}
            unused_before = find_unused(connection, list(used))
        for preview in unused_before:
            with self._database.write() as connection:
                activate_used(connection, preview, used[preview])


def _readable(text: str | None) -> str | None:
    """What somebody else said of itself, fit to be stored and shown; a token pasted into it is cut to its preview."""
    return None if text is None else mask_secrets(printable(text))
