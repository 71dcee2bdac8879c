"""tokenry's command line in processes that have a fault. Each process of a service runs this file anew.

FAULT=stale   what was remembered is never forgotten
FAULT=death   whoever is about to reach the point of a change that FAULT_FILE names takes that file away and dies

Without that file nothing happens. The points, for a change of two secrets, are the writes to the epoch file by number,
and the commit.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tokenry.cli import main
from tokenry.verification.cache import Cache

PROGRAM = (sys.executable, __file__)
AFTER_COMMIT, BETWEEN_NAMES, AFTER_NAMES, BEFORE_EVEN, BEFORE_ANSWER = map(str, range(1, 6))
BEFORE_COMMIT = "commit"


class Death:
    """Counts what this process writes to the epoch file, and kills it at one point."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pwrite = os.pwrite
        self._writes = 0

    def arm(self) -> None:
        """Begin to look out for the point."""
        os.pwrite = self._write  # type: ignore[assignment]
        event.listen(Engine, "commit", self._commit)

    def _write(self, descriptor: int, data: bytes, offset: int) -> int:
        if not self._file.exists():
            return self._pwrite(descriptor, data, offset)
        self._reach(str(self._writes))
        written = self._pwrite(descriptor, data, offset)
        self._writes += 1
        if self._writes == int(BEFORE_ANSWER):
            self._reach(BEFORE_ANSWER)
        return written

    def _commit(self, _connection: object) -> None:
        if self._writes == 1 and self._file.exists():
            self._reach(BEFORE_COMMIT)

    def _reach(self, point: str) -> None:
        if self._file.read_text("ascii") == point:
            self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def _remember_all(cache: Cache, word: int) -> bool:
    cache._seen = word
    return True


match os.environ.get("FAULT"):
    case "stale":
        Cache._catch_up = _remember_all  # type: ignore[assignment, method-assign]
    case "death":
        Death(Path(os.environ["FAULT_FILE"])).arm()

if __name__ == "__main__":
    main()
