"""The journals in an epoch file: what was changed and what was created, each a word and a ring.

    offset 0     the word of 64 bits: a stamp, how many previews were ever named, whether a change is under way
    offset 64    a ring of the previews named last, 24 bytes each, with zeros behind shorter ones

A writer makes the word odd before it commits such a change, and writes the previews and an even word after it,
before anybody is told that it is done. A reader that finds the word it knows may use what it remembers; one that
finds another, even word heeds the previews between the two, or starts anew if the ring does not hold them all; one
that finds an odd word asks the database. A crash leaves the word odd: nothing stale is ever used.

The stamp is a new random number each time, so that no word comes twice, also where somebody writes an older copy over
the file.

Writers write with `pwrite`, which the readers' shared mapping sees, and which no processor moves past the word that
follows. Readers may see the bytes of one `pwrite` one by one; so a word never becomes even together with a change of
its other bytes.
"""

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import randbits

RING_PREVIEWS = 4096
PREVIEW_BYTES = 24
WORD_BYTES = 8
COUNT_BITS = 39
STAMP_BITS = 24
assert STAMP_BITS + COUNT_BITS + 1 == WORD_BYTES * 8
_COUNT_MAX = (1 << COUNT_BITS) - 1
_RING_OFFSET = 64
_JOURNAL_BYTES = _RING_OFFSET + RING_PREVIEWS * PREVIEW_BYTES
STARTS = (0, _JOURNAL_BYTES)
"""Where the journals begin: that of changes, and that of creations."""
FILE_BYTES = len(STARTS) * _JOURNAL_BYTES
_CLOSED = (1,)
EVERYTHING: Collection[str] = ()
"""What a change names that may concern any preview."""
Named = Mapping[int, Collection[str]]
"""What a change names in the journals, by where they begin."""


class Journal:
    """One of the two, as one process sees it. For one thread."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.word: Sequence[int] = _CLOSED
        """`word[0]` is the word: the cheapest look there is."""

    def open(self, memory: memoryview) -> None:
        """Read from this mapping of the file from now on."""
        self._memory = memory
        self.word = self._view = memory[self._start : self._start + WORD_BYTES].cast("Q")

    def close(self) -> None:
        """Let go of the mapping; the word is odd from then on."""
        self.word = _CLOSED
        self._view.release()

    def named_between(self, old: int, new: int) -> list[bytes] | None:
        """The previews named between two even words; None if the ring does not hold them all.

        True if the word is still `new` afterwards: a writer makes it odd before it writes to the ring.
        """
        first, number = _count(old), _count(new) - _count(old)
        if old != new and not 0 < number <= RING_PREVIEWS:
            return None
        return [self._read_slot(slot) for slot in range(first, first + number)]

    def _read_slot(self, number: int) -> bytes:
        start = self._start + _slot_offset(number)
        return bytes(self._memory[start : start + PREVIEW_BYTES]).rstrip(b"\0")


@contextmanager
def naming(descriptor: int, named: Named) -> Iterator[None]:
    """Let a block commit what it changes, and then name that in a file that nobody else writes to meanwhile.

    Also when the block raises: a commit that failed may have happened.
    """
    words = {start: _read_word(descriptor, start) for start in named}
    for start, word in words.items():
        _write_word(descriptor, start, word | 1)
    try:
        yield
    finally:
        for start, previews in named.items():
            _publish(descriptor, start, words[start], previews)


def repair(descriptor: int) -> bool:
    """End the changes that were begun in a file that nobody else writes to; whether there were any."""
    left = {start: word for start in STARTS if (word := _read_word(descriptor, start)) & 1}
    for start, word in left.items():
        _publish(descriptor, start, word, EVERYTHING)
    return bool(left)


def _publish(descriptor: int, start: int, before: int, previews: Collection[str]) -> None:
    """Name previews since the word was `before`: everything, if that was odd, for then somebody had died."""
    count = _count(before)
    if before & 1 or not 0 < len(previews) <= RING_PREVIEWS:
        count += RING_PREVIEWS + 1  # further than the ring reaches
    else:
        for number, preview in enumerate(previews, count):
            os.pwrite(descriptor, preview.encode("ascii").ljust(PREVIEW_BYTES, b"\0"), start + _slot_offset(number))
        count += len(previews)
    word = (randbits(STAMP_BITS) << COUNT_BITS | count & _COUNT_MAX) << 1
    _write_word(descriptor, start, word | 1)
    _write_word(descriptor, start, word)


def _count(word: int) -> int:
    return word >> 1 & _COUNT_MAX


def _slot_offset(number: int) -> int:
    return _RING_OFFSET + number % RING_PREVIEWS * PREVIEW_BYTES


def _read_word(descriptor: int, start: int) -> int:
    return int.from_bytes(os.pread(descriptor, WORD_BYTES, start), sys.byteorder)


def _write_word(descriptor: int, start: int, word: int) -> None:
    os.pwrite(descriptor, word.to_bytes(WORD_BYTES, sys.byteorder), start)
