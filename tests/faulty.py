"""tokenry's command line in processes that have a fault. Each process of a service runs this file anew.

FAULT=slow        a worker takes some seconds to begin
FAULT=unscheduled the system refuses another scheduling policy
FAULT_FILE=path   what that file names, as long as it is there:
    stale         what was remembered is not forgotten
    a point       whoever is about to reach that point of a change takes the file away and dies

The points, for a change of two secrets, are the writes to the epoch file by number, and the commit.
"""

import errno
import os
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tokenry.cli import main
from tokenry.verification.cache import Cache

PROGRAM = (sys.executable, __file__)
STALE = "stale"
BEFORE_COMMIT = "commit"
AFTER_COMMIT, BETWEEN_NAMES, AFTER_NAMES, BEFORE_EVEN, BEFORE_ANSWER = map(str, range(1, 6))
BEGIN_SECONDS = 7


class Faults:
    """Those of one process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pwrite = os.pwrite
        self._catch_up = Cache._catch_up
        self._writes = 0

    def install(self) -> None:
        """Replace what may fail."""
        os.pwrite = self.pwrite  # type: ignore[assignment]
        event.listen(Engine, "commit", self.commit)

        def catch_up(cache: Cache, word: int) -> bool:
            return self.catch_up(cache, word)

        Cache._catch_up = catch_up  # type: ignore[assignment, method-assign]

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        """Write; a process dies before it, or after the last one."""
        if self._fault in {None, STALE}:
            return self._pwrite(descriptor, data, offset)
        self._reach(str(self._writes))
        written = self._pwrite(descriptor, data, offset)
        self._writes += 1
        if self._writes == int(BEFORE_ANSWER):
            self._reach(BEFORE_ANSWER)
        return written

    def commit(self, _connection: object) -> None:
        """Die, or let it be."""
        if self._writes == 1:
            self._reach(BEFORE_COMMIT)

    def catch_up(self, cache: Cache, word: int) -> bool:
        """Forget, or not."""
        if self._fault != STALE:
            return self._catch_up(cache, word)
        cache._seen = word
        return True

    @property
    def _fault(self) -> str | None:
        return self._file.read_text("ascii") if self._file.exists() else None

    def _reach(self, point: str) -> None:
        if self._fault == point:
            self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def refuse_policy(_process: int, _policy: int, _parameters: os.sched_param) -> None:
    """Refuse as a seccomp filter does."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


if "FAULT_FILE" in os.environ:
    Faults(Path(os.environ["FAULT_FILE"])).install()
if __name__ == "__main__":
    main()
elif os.environ.get("FAULT") == "slow":
    time.sleep(BEGIN_SECONDS)
elif os.environ.get("FAULT") == "unscheduled":
    os.sched_setscheduler = refuse_policy
