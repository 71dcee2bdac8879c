"""What goes wrong again and again is one line in the log now and then, not one each time."""

import time
from collections.abc import Callable

from tokenry.log import Log

SECONDS = 60
REASONS_MAX = 100


class Complaints:
    """Lines in the log about one thing that fails: one a minute for each reason, with how often it was."""

    def __init__(self, event: str, now: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._now = now
        self._log = Log("tokenry.failures")
        self._said: dict[str, tuple[float, int]] = {}

    def add(self, reason: str, *, with_traceback: bool = False) -> None:
        """It has failed, for this reason; where an exception is handled, with its traceback if that is wanted."""
        now = self._now()
        said_at, silent = self._said.get(reason, (-float(SECONDS), 0))
        if now < said_at + SECONDS:
            self._said[reason] = (said_at, silent + 1)
            return
        if len(self._said) >= REASONS_MAX:
            self._said.clear()
        self._said[reason] = (now, 0)
        self._log.error(self._event, reason=reason, times=silent + 1, exc_info=with_traceback)
