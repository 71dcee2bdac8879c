"""Noticing that the clock of the machine was set back: what had expired is valid again until it expires once more."""

import time
from collections.abc import Callable

from tokenry.log import Log

LOOK_SECONDS = 1
JUMP_SECONDS_MIN = 1
"""Smaller steps are the machine's own corrections."""

log = Log("tokenry.verification")


class ClockWatch:
    """Compares the clock that tokens expire by with one that is never set. Both give seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steady = steady
        self._ahead = clock() - steady()

    def look(self) -> None:
        """Say in the log, once, that the clock was set back since the last look."""
        before, self._ahead = self._ahead, self._clock() - self._steady()
        back = before - self._ahead
        if back >= JUMP_SECONDS_MIN:
            log.error("the clock was set back: what expired meanwhile is valid again", seconds=round(back, 1))
