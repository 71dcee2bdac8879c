"""The epoch of a SQLite database: a word in a file beside it that says whether anything verified has changed since.

    offset 0     the word: twice the number of previews ever named, plus 1 while a change is being committed
    offset 64    a ring of the previews named last, 16 bytes each

Whoever commits such a change makes the word odd before the commit, and writes the previews and an even word after it,
before anybody is told that it is done. A reader that finds the word it knows may use what it remembers; one that
finds a higher, even word forgets the previews between the two, or everything if the ring no longer holds them all; one
that finds an odd word asks the database. A crash leaves the word odd: nothing stale is ever used; `repair` ends it.

Writers exclude each other by `flock`, which the kernel lets go when a process dies. They write with `pwrite`, which the
readers' shared mapping sees, and which no processor moves past the word that follows.
"""

import fcntl
import mmap
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

RING_PREVIEWS = 4096
PREVIEW_BYTES = 16
_RING_OFFSET = 64
_FILE_BYTES = _RING_OFFSET + RING_PREVIEWS * PREVIEW_BYTES
EVERYTHING: Collection[str] = ()
"""What a change names that may concern any preview."""


class Epoch:
    """One process's view of the file, which is made if it is missing. Raises OSError if it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._descriptor).st_size < _FILE_BYTES:
            os.ftruncate(self._descriptor, _FILE_BYTES)
        self._map = mmap.mmap(self._descriptor, _FILE_BYTES, prot=mmap.PROT_READ)
        view = memoryview(self._map)
        self.word = view[:8].cast("Q")
        """`word[0]` is the word: the cheapest look there is."""

    @contextmanager
    def change(self, previews: Collection[str]) -> Iterator[None]:
        """Let a block commit a change of what these previews open (or of EVERYTHING), and then make it known.

        Also when the block raises: a commit that failed may have happened. One change at a time, whoever makes it.
        """
        self.refresh()
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            word = self.word[0]
            crashed = word & 1
            self._write_word(word | 1)
            try:
                yield
            finally:
                self._publish(word & ~1, EVERYTHING if crashed else previews)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def repair(self) -> bool:
        """End a change whose process died in it, without waiting for one that is under way; whether there was one."""
        if not self.word[0] & 1:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            word = self.word[0]
            if word & 1:
                self._publish(word & ~1, EVERYTHING)
            return bool(word & 1)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def refresh(self) -> bool:
        """Turn to the file that is there now, if somebody replaced it; whether somebody did."""
        mine = os.fstat(self._descriptor)
        try:
            there = self.path.stat()
        except FileNotFoundError:
            there = None
        if there is not None and (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
            return False
        self.close()
        self._open()
        return True

    def named_between(self, old: int, new: int) -> list[bytes] | None:
        """The previews named between two even words; None if the ring does not hold them all.

        True if the word is still `new` afterwards: whoever writes to the ring makes it odd before.
        """
        first, last = old // 2, new // 2
        if not 0 <= last - first <= RING_PREVIEWS:
            return None
        return [self._read_slot(number) for number in range(first, last)]

    def close(self) -> None:
        """Let go of the file."""
        self.word.release()
        self._map.close()
        os.close(self._descriptor)

    def _read_slot(self, number: int) -> bytes:
        start = _RING_OFFSET + number % RING_PREVIEWS * PREVIEW_BYTES
        return self._map[start : start + PREVIEW_BYTES]

    def _publish(self, word: int, previews: Collection[str]) -> None:
        if not previews or len(previews) > RING_PREVIEWS:
            self._write_word(word + 2 * (RING_PREVIEWS + 1))  # further than the ring reaches
            return
        for number, preview in enumerate(previews, word // 2):
            start = _RING_OFFSET + number % RING_PREVIEWS * PREVIEW_BYTES
            os.pwrite(self._descriptor, preview.encode("ascii"), start)
        self._write_word(word + 2 * len(previews))

    def _write_word(self, word: int) -> None:
        os.pwrite(self._descriptor, word.to_bytes(8, sys.byteorder), 0)
