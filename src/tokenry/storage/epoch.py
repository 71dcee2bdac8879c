"""The epoch of a SQLite database: a file beside it by which whoever changes it tells whoever remembers something of it.

It holds two journals, one of what was changed and one of what was created, each a word and a ring:

    offset 0     the word: twice the number of previews ever named, plus 1 while a change is being committed
    offset 64    a ring of the previews named last, 16 bytes each

Whoever commits such a change makes the word odd before the commit, and writes the previews and an even word after it,
before anybody is told that it is done. A reader that finds the word it knows may use what it remembers; one that
finds a higher, even word heeds the previews between the two, or starts anew if the ring no longer holds them all; one
that finds an odd word asks the database. A crash leaves the word odd: nothing stale is ever used; `repair` ends it.

Writers exclude each other by `flock`, which the kernel lets go when a process dies. They write with `pwrite`, which the
readers' shared mapping sees, and which no processor moves past the word that follows. Readers may see the bytes of one
`pwrite` one by one; so a word never becomes even together with a change of its other bytes.
"""

import fcntl
import mmap
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tokenry.domain.errors import SetupError

RING_PREVIEWS = 4096
PREVIEW_BYTES = 16
WORD_BYTES = 8
_RING_OFFSET = 64
_JOURNAL_BYTES = _RING_OFFSET + RING_PREVIEWS * PREVIEW_BYTES
_STARTS = (0, _JOURNAL_BYTES)
_FILE_BYTES = len(_STARTS) * _JOURNAL_BYTES
_CLOSED = (1,)
EVERYTHING: Collection[str] = ()
"""What a change names that may concern any preview."""


class Journal:
    """One of the two, as one process sees it. For one thread."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.word: Sequence[int] = _CLOSED
        """`word[0]` is the word: the cheapest look there is."""

    def open(self, memory: mmap.mmap) -> None:
        """Read from this mapping of the file from now on."""
        self._memory = memory
        self.word = self._view = memoryview(memory)[self._start : self._start + WORD_BYTES].cast("Q")

    def close(self) -> None:
        """Let go of the mapping; the word is odd from then on."""
        self.word = _CLOSED
        self._view.release()

    def named_between(self, old: int, new: int) -> list[bytes] | None:
        """The previews named between two even words; None if the ring does not hold them all.

        True if the word is still `new` afterwards: whoever writes to the ring makes it odd before.
        """
        first, last = old // 2, new // 2
        if not 0 <= last - first <= RING_PREVIEWS:
            return None
        return [self._read_slot(number) for number in range(first, last)]

    def _read_slot(self, number: int) -> bytes:
        start = self._start + _slot_offset(number)
        return self._memory[start : start + PREVIEW_BYTES]


class Epoch:
    """One process's view of the file, which is made if it is missing. Raises SetupError if it cannot be.

    `change` is for any thread, all else for one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = Journal(_STARTS[0])
        """What verification had found under these previews may be different now, or gone."""
        self.created = Journal(_STARTS[1])
        """Under these previews there may be something now."""
        self._identity: tuple[int, int] | None = None
        self._open()

    def _open(self) -> None:
        with _opened(self.path) as descriptor:
            self._memory = mmap.mmap(descriptor, _FILE_BYTES, prot=mmap.PROT_READ)
            self._identity = _identity(os.fstat(descriptor))
        for journal in (self.changed, self.created):
            journal.open(self._memory)

    @contextmanager
    def change(self, changed: Collection[str] | None = None, created: Collection[str] | None = None) -> Iterator[None]:
        """Let a block commit what changes or creates what these previews open (or EVERYTHING), and then make it known.

        Also when the block raises: a commit that failed may have happened. One change at a time, whoever makes it.
        """
        named = {
            start: previews for start, previews in zip(_STARTS, (changed, created), strict=True) if previews is not None
        }
        with _locked(self.path, fcntl.LOCK_EX) as descriptor:
            words = {start: _read_word(descriptor, start) for start in named}
            for start, word in words.items():
                _write_word(descriptor, start, word | 1)
            try:
                yield
            finally:
                for start, previews in named.items():
                    _publish(descriptor, start, words[start], previews)

    def repair(self) -> bool:
        """End a change whose process died in it, without waiting for one that is under way; whether there was one."""
        if not (self.changed.word[0] | self.created.word[0]) & 1:
            return False
        try:
            with _locked(self.path, fcntl.LOCK_EX | fcntl.LOCK_NB) as descriptor:
                left = {start: word for start in _STARTS if (word := _read_word(descriptor, start)) & 1}
                for start, word in left.items():
                    _publish(descriptor, start, word, EVERYTHING)
                return bool(left)
        except BlockingIOError:
            return False

    def refresh(self) -> bool:
        """Turn to the file that is there now, if somebody replaced it; whether somebody did. Raises SetupError.

        When it cannot be opened the words are odd until a later call has opened it.
        """
        if _is_at(self._identity, self.path):
            return False
        self.close()
        self._open()
        return True

    def close(self) -> None:
        """Let go of the file; the words are odd from then on."""
        if self._identity is not None:
            self._identity = None
            for journal in (self.changed, self.created):
                journal.close()
            self._memory.close()


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[int]:
    """The file that is there, which nobody else changes meanwhile. Raises BlockingIOError, SetupError.

    It is opened anew each time: threads that shared a descriptor would share its lock.
    """
    while True:
        with _opened(path) as descriptor:
            fcntl.flock(descriptor, operation)
            try:
                if _is_at(_identity(os.fstat(descriptor)), path):  # else it was replaced before it was locked
                    yield descriptor
                    return
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing would not do if a child was forked meanwhile


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SetupError(
            f"The file {path} cannot be used ({error.strerror}): give it to the user that runs tokenry."
        ) from error
    try:
        if os.fstat(descriptor).st_size < _FILE_BYTES:
            os.ftruncate(descriptor, _FILE_BYTES)
        yield descriptor
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_at(identity: tuple[int, int] | None, path: Path) -> bool:
    try:
        return _identity(path.stat()) == identity
    except OSError:
        return False


def _publish(descriptor: int, start: int, before: int, previews: Collection[str]) -> None:
    """Name previews since the word was `before`: everything, if that was odd, for then somebody had died."""
    even = before & ~1
    if before & 1 or not 0 < len(previews) <= RING_PREVIEWS:
        word = even + 2 * (RING_PREVIEWS + 1)  # further than the ring reaches
    else:
        word = even + 2 * len(previews)
        for number, preview in enumerate(previews, even // 2):
            os.pwrite(descriptor, preview.encode("ascii"), start + _slot_offset(number))
    _write_word(descriptor, start, word | 1)
    _write_word(descriptor, start, word)


def _slot_offset(number: int) -> int:
    return _RING_OFFSET + number % RING_PREVIEWS * PREVIEW_BYTES


def _read_word(descriptor: int, start: int) -> int:
    return int.from_bytes(os.pread(descriptor, WORD_BYTES, start), sys.byteorder)


def _write_word(descriptor: int, start: int, word: int) -> None:
    os.pwrite(descriptor, word.to_bytes(WORD_BYTES, sys.byteorder), start)
