"""When, from where and by which program each token was last used: noted in memory, written down in batches.

With the first use of a rotated token's new secret the grace of the old one begins.

A request that uses a token writes nothing. Of each token one use every few seconds is looked at: it is noted if the
last note is a minute old, or from another address or program. Every few seconds what was noted is written down. So the
first use after a quiet minute is shown within seconds, and otherwise the time that owners are shown is right to within
a minute. The many uses in between cost one comparison each, and are not told apart.
"""

import asyncio
from collections.abc import Sequence

import structlog
from anyio import to_thread

from tokenry.complaints import Complaints
from tokenry.domain.errors import Unavailable
from tokenry.domain.secrets import mask_secrets
from tokenry.printable import printable
from tokenry.storage.database import Database
from tokenry.storage.deadline import within
from tokenry.storage.rotations import activate_used
from tokenry.storage.uses import AGENT_LENGTH_MAX, Use, record_uses
from tokenry.verification.cache import Known

INTERVAL_SECONDS = 5
PRECISION_SECONDS = 60
LOOK_SECONDS = 5
NOTED_MAX = 100_000
"""Uses of so many tokens are kept while the database cannot take them; those of further tokens are not noted."""

log = structlog.get_logger("tokenry.verification")


class Uses:
    """The uses of one worker. Any thread may note one; one task writes them down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, Use] = {}
        self._complaints = Complaints("uses of tokens cannot be written down yet")

    def note(self, known: Known, seconds: float, address: str | None, agent: str | None) -> None:
        """Note a use unless it is like the one noted last. Callers spare themselves the call until `known.note_at`."""
        known.note_at = seconds + LOOK_SECONDS
        source = hash((address, agent))
        if source == known.source and seconds < known.noted_at + PRECISION_SECONDS:
            return
        known.source, known.noted_at = source, seconds
        if len(self._noted) < NOTED_MAX:
            actor = known.actor
            agent = None if agent is None else agent[:AGENT_LENGTH_MAX]
            self._noted[actor.preview] = Use(actor.token_id, actor.preview, int(seconds), address, agent)

    async def run(self) -> None:
        """Write down what was noted, at the end of each interval, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await self.flush()
            except Exception:
                log.exception("uses of tokens were lost")  # a defect, but none that the next interval should pay for

    async def flush(self) -> None:
        """Write down what was noted so far. What the database cannot take now is kept for the next time."""
        noted = {}
        while self._noted:  # one by one out of the same dictionary, so that none is lost that is noted meanwhile
            preview, use = self._noted.popitem()
            noted[preview] = use
        if not noted:
            return
        try:
            with within(INTERVAL_SECONDS):
                await to_thread.run_sync(self._write, list(noted.values()))
        except Unavailable as error:
            self._complaints.add(error.reason)
            for preview, use in noted.items():
                self._noted.setdefault(preview, use)

    def _write(self, uses: Sequence[Use]) -> None:
        with self._database.write() as connection:
            record_uses(connection, [use._replace(agent=_readable(use.agent)) for use in uses])
            activate_used(connection, {use.preview: use.used_at for use in uses})


def _readable(agent: str | None) -> str | None:
    """A program's name for itself, fit to be stored and shown; a token pasted into it is cut to its preview."""
    if agent is None:
        return None
    return mask_secrets(printable(agent))
