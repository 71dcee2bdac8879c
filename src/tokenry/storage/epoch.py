"""The epoch of a SQLite database: a file beside it, through which processes tell each other's caches of changes.

What is in it is for `journal.py` to say. Writers exclude each other by `flock`, which the kernel lets go when a process
dies.

The file may be removed, replaced or cut short at any moment, by an operator or a backup; nothing stale is used for
that. A change is committed only while nobody trusts another file than the one that is at the path (`trust.py`), and
nobody is told that it is done before it is named in a file that all trust. A reader looks once a second whether its
file is still there; until all have looked, changes wait. A process that finds it cut short puts a new one in its place.
"""

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from tokenry.domain.errors import SetupError, Unavailable
from tokenry.storage.journal import FILE_BYTES, STARTS, Journal, naming, repair
from tokenry.storage.memory import SharedMemory
from tokenry.storage.trust import Trust, UntrustworthyError, is_another_trusted

_PAUSE_SECONDS = 0.0001
_PAUSE_SECONDS_MAX = 0.05


class EpochFile:
    """The file as a writer sees it. For any thread."""

    def __init__(self, path: Path, timeout: float) -> None:
        """`timeout` is how many seconds a change waits for others, and for those who trust another file."""
        self.path = path
        self._timeout = timeout

    @contextmanager
    def change(self, changed: Collection[str] | None = None, created: Collection[str] | None = None) -> Iterator[None]:
        """Let a block commit what changes or creates what these previews open (or EVERYTHING), and then make it known.

        Also when the block raises: a commit that failed may have happened. One change at a time, in all processes.
        Raises Unavailable: before the block if somebody could not be told of a change, after it if somebody was not.
        """
        named = {
            start: previews for start, previews in zip(STARTS, (changed, created), strict=True) if previews is not None
        }
        wait = _Wait(self._timeout)
        inode: int | None = None
        with _refusing(self.path):
            try:
                with _locked(self.path, wait) as descriptor:
                    while is_another_trusted(self.path, _inode(descriptor)):
                        wait.pause(f"another process still uses an earlier file at {self.path}")
                    with naming(descriptor, named):
                        inode = _inode(descriptor)
                        yield
            finally:
                # A process whose cache is older than the commit has trusted its file since then: it is seen here.
                while inode is not None and is_another_trusted(self.path, inode):
                    wait.pause(f"{self.path} was replaced during a change, and another process has yet to notice")
                    with _locked(self.path, wait) as descriptor, naming(descriptor, named):
                        inode = _inode(descriptor)


class Epoch(EpochFile):
    """One process's view of the file, which is made if it is missing. Raises SetupError if it cannot be.

    `change` is for any thread, all else for one.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__(path, timeout)
        self.changed = Journal(STARTS[0])
        """What verification had found under these previews may be different now, or gone."""
        self.created = Journal(STARTS[1])
        """Under these previews there may be something now."""
        self._trust = Trust(path)
        self._identity: tuple[int, int] | None = None
        self._looked = 0, self._words()
        with suppress(UntrustworthyError):  # which `refresh` will say
            self._open()

    def _open(self) -> None:
        while self._identity is None:
            with _opened(self.path) as descriptor:
                self._trust.begin(_inode(descriptor))
                identity = _identity(descriptor)
                if not _is_at(identity, self.path):
                    continue  # it was replaced before it was trusted: a change in the new file may have missed us
                written = self._written_at()
                try:
                    self._memory = SharedMemory(descriptor, FILE_BYTES)
                except ValueError:
                    continue  # it was cut short since then
                self._identity = identity
        for journal in (self.changed, self.created):
            journal.open(self._memory.view)
        self._looked = written, self._words()

    def repair(self) -> bool:
        """End a change whose process died in it, without waiting for one that is under way; whether there was one."""
        if not (self.changed.word[0] | self.created.word[0]) & 1:
            return False
        try:
            with _locked(self.path, None) as descriptor:
                return repair(descriptor)
        except BlockingIOError:
            return False

    def refresh(self) -> bool:
        """Turn to the file that is there now, if somebody replaced it; whether somebody did. Raises SetupError.

        When it cannot be used the words are odd until a later call has opened it.
        """
        if _is_at(self._identity, self.path) and not self._memory.was_cut:
            return False
        self.close()
        self._open()
        return True

    def was_written_over(self, catch_up: Callable[[], None]) -> bool:
        """Whether the file was written to since the last call and says the same as then: no change does that.

        `catch_up` heeds what is named, and is called until nobody writes meanwhile.
        """
        before = self._looked
        while self._identity is not None:
            self._looked = self._written_at(), self._words()
            catch_up()
            if (self._written_at(), self._words()) == self._looked:
                break
        return self._looked != before and self._looked[1] == before[1]

    def _words(self) -> tuple[int, int]:
        return self.changed.word[0], self.created.word[0]

    def _written_at(self) -> int:
        """When the file was last written to: by the one time that nobody can set. 0 if it is not there."""
        try:
            return self.path.stat().st_ctime_ns
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of the file; the words are odd from then on."""
        if self._identity is not None:
            self._identity = None
            for journal in (self.changed, self.created):
                journal.close()
            self._memory.close()
        self._trust.end()

    def leave_to_parent(self) -> None:
        """In a process that was forked: take no part in the parent's trust, which would outlive it here."""
        self._trust.end()


class _Wait:
    """A wait that ends, in ever longer pauses. `now` and `sleep` are of a clock that is never set."""

    def __init__(
        self, seconds: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now, self._sleep = now, sleep
        self._until = now() + seconds
        self._pause = _PAUSE_SECONDS

    def pause(self, reason: str) -> None:
        """Wait a little. Raises Unavailable, with this reason, when that has been done for long enough."""
        left = self._until - self._now()
        if left <= 0:
            raise Unavailable(reason)
        self._sleep(min(self._pause, left))
        self._pause = min(2 * self._pause, _PAUSE_SECONDS_MAX)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what is wrong with the file into Unavailable."""
    try:
        yield
    except SetupError as error:
        raise Unavailable(str(error)) from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path, wait: _Wait | None) -> Iterator[int]:
    """The file that is there, which nobody else changes meanwhile. Raises Unavailable, SetupError.

    Without a `wait`, raises BlockingIOError if somebody does. It is opened anew each time: threads that shared a
    descriptor would share its lock.
    """
    while True:
        with _opened(path) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(_identity(descriptor), path):  # else it was replaced, or cut short, before it was locked
                    yield descriptor
                    return
            except BlockingIOError:
                if wait is None:
                    raise
                wait.pause(f"another process holds the lock on {path}")
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing would not do if a child was forked meanwhile


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file that is there, or a new one if there is none, or none that is whole. Raises SetupError."""
    try:
        descriptor = _open(path)
    except OSError as error:
        raise SetupError(
            f"The file {path} cannot be used ({error.strerror}): it has to be a file that tokenry may write, or absent."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    while True:
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            if _is_whole(descriptor):
                return descriptor
            os.close(descriptor)
        _make(path)


def _make(path: Path) -> None:
    """Put a new file in place, whole from the beginning. What somebody trusts under this path is the old one."""
    new = path.with_name(f"{path.name}-{token_hex(8)}")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, bytes(FILE_BYTES), 0)  # so that a full disk is met now
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _is_whole(descriptor: int) -> bool:
    return os.fstat(descriptor).st_size >= FILE_BYTES


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


def _is_at(identity: tuple[int, int] | None, path: Path) -> bool:
    """Whether this file is there, and whole."""
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == identity and status.st_size >= FILE_BYTES
