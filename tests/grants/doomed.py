"""tokenry's command line in a process that dies in the middle of a request, by a signal that nothing can handle.

Its points are before each statement that writes, before each COMMIT of what was written, before each write to the epoch
file, and when all is done but the answer. From one effect to the next point nothing is written: to die anywhere between
the two is to die at the point. Each is told in the log as it is reached, so that a run without DIES_AT, which is the
number of the one to die at, counts them all. What is done beside requests has no deadline, and no points.
"""

import math
import os
import re
import signal
import sys
import threading

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from tokenry.cli import main as run
from tokenry.storage.deadline import seconds_left

PROGRAM = (__file__,)
COMMIT, EPOCH, DONE = "COMMIT", "write to the epoch file", "all but the answer"
REACHED = re.compile(r"^reached: (.+)$", re.MULTILINE)
"""How the log tells a point."""
_READS = re.compile(r"\s*(SELECT|BEGIN|PRAGMA|SET|SHOW)\b")
"""Whatever begins otherwise counts as a statement that writes."""
_NAME = re.compile(r"\s*((?:INSERT INTO|DELETE FROM|\w+) \w+)")


class Points:
    """Those of one process, which dies at the one with a number."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self._reached = 0
        self._pwrite = os.pwrite
        self._writing = threading.local()

    def install(self) -> None:
        """Be told of all that writes."""
        event.listen(Engine, "before_cursor_execute", self._execute)
        event.listen(Engine, "commit", self._commit)
        event.listen(Pool, "checkin", self._end)
        os.pwrite = self._write  # type: ignore[assignment]

    def _execute(self, _connection: object, _cursor: object, text: str, *_: object) -> None:
        if not _READS.match(text):
            self._writing.now = True
            found = _NAME.match(text)
            self._reach(found[1] if found else text)

    def _commit(self, _connection: object) -> None:
        if self._is_writing:
            self._reach(COMMIT)

    def _write(self, descriptor: int, data: bytes, offset: int) -> int:
        self._reach(EPOCH)
        return self._pwrite(descriptor, data, offset)

    def _end(self, *_: object) -> None:
        if self._is_writing:
            self._writing.now = False
            self._reach(DONE)

    @property
    def _is_writing(self) -> bool:
        """Whether the transaction of this thread has written something."""
        return getattr(self._writing, "now", False)

    def _reach(self, point: str) -> None:
        if seconds_left() == math.inf:
            return
        sys.stderr.write(f"reached: {point}\n")
        sys.stderr.flush()
        if self._reached == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self._reached += 1


def main() -> None:
    """Run the command line, and die at the point that the environment names."""
    last = os.environ.get("DIES_AT")
    Points(None if last is None else int(last)).install()
    run()
