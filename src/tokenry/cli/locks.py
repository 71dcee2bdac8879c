"""Locks between runs of the command line: each is a file that is there only while somebody has it locked."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.02


@contextmanager
def locked(
    file: Path,
    *,
    patience_seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Keep others, for a block, out of such blocks. Raises BlockingIOError if theirs take so long, and OSError."""
    end = now() + patience_seconds
    while True:
        try:
            descriptor = acquire(file)
            break
        except BlockingIOError:
            if now() > end:
                raise
            sleep(POLL_SECONDS)
    try:
        yield
    finally:
        if os.name == "posix":  # elsewhere a file that is open cannot be removed
            file.unlink(missing_ok=True)
        os.close(descriptor)


def acquire(file: Path) -> int:
    """Lock a file, which is made if there is none; it stays locked until the descriptor is closed by all who have it.

    The run that has it locked may remove the file. Raises BlockingIOError if it is locked, OSError if it cannot be.
    """
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
            if _is_there(file, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the run that had it locked has removed it since it was opened


def _is_there(file: Path, descriptor: int) -> bool:
    """Whether the file is still the one that was opened. It may be removed at any moment."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
