"""Shapes of plain heads: what two requests have in common that differ in their token and in the values of headers.

A gateway sends the same header names with every request, and other values. A pattern made for those names tells in a
third of the time of the general one that a head is plain. Names come from strangers, and compiling costs about a
thousand times what it saves: so a pattern is made only for a connection that has proved to vary, at most one in
COMPILE_SECONDS, and no more than SHAPES_MAX are kept.
"""

import re
import time
from collections.abc import Callable

SHAPES_MAX = 64
COMPILE_SECONDS = 1.0

VALUE = rb"[ -~]*+"  # others are rare, and left to the general pattern
TOKEN = rb"([!-~]++)"
_FIXED = re.compile(rb"(?:host|authorization):", re.IGNORECASE)


class Shapes:
    """The patterns that one worker has made. `clock` gives seconds from any beginning."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._patterns: dict[bytes, re.Pattern[bytes]] = {}
        self._next_at = clock()

    def find(self, before: bytes, after: bytes) -> re.Pattern[bytes] | None:
        """The pattern for heads like the plain one with this around its token; None if none may be made now.

        It matches heads with the same request line, the same Host and the same names in the same order and spelling.
        Its first group is the token.
        """
        shape = _lines(before) + TOKEN + _lines(after)
        pattern = self._patterns.get(shape)
        if pattern is None and (now := self._clock()) >= self._next_at:
            self._next_at = now + COMPILE_SECONDS
            if len(self._patterns) >= SHAPES_MAX:
                del self._patterns[next(iter(self._patterns))]
            pattern = self._patterns[shape] = re.compile(shape)
        return pattern


def _lines(part: bytes) -> bytes:
    """Pattern of a part of a head: the first line, Host and Authorization as they are, of others any value."""
    first, *others = part.split(b"\r\n")
    return b"\r\n".join([re.escape(first), *map(_line, others)])


def _line(line: bytes) -> bytes:
    name, colon, _ = line.partition(b":")
    if not colon or _FIXED.match(line):
        return re.escape(line)
    return re.escape(name + colon) + VALUE
