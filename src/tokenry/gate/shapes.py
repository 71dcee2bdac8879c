"""Shapes of plain heads: what requests have in common that differ in token, method, path, and the values of headers.

A gateway sends the same header names with every request, and other values. A pattern made for those names tells in a
third of the time that a head is plain, where its token is, and what it asks for. Names come from strangers, and
compiling costs about a thousand times what it saves: so a pattern is made only for a connection that has proved to
vary, of at most LINES_MAX lines and PATTERN_BYTES_MAX, and at most one in COMPILE_SECONDS; and no more than SHAPES_MAX
are kept.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tokenry.domain.scopes import Scopes
from tokenry.gate.heads import METHODS, Plain
from tokenry.verification.needs import ReadPolicy

SHAPES_MAX = 64
LINES_MAX = 64
PATTERN_BYTES_MAX = 2048
"""With both a pattern takes up to 1.5 ms to compile, and 16 KiB. Names of 8 KiB would take 8 ms."""
COMPILE_SECONDS = 1.0

VALUE = rb"[ -~]*+"  # others are rare, and left to the general pattern
TOKEN = rb"(?P<token>[!-~]++)"
METHOD = rb"(?P<method>[A-Z]++)"
BELOW = rb"[!\"$-~]*+"
_LENGTH = re.compile(rb"content-length:", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Shape:
    """A pattern for heads, the numbers of its groups, and what heads ask for that it matches.

    `needed` is by the method in its group; where it has none (0) there is one entry, for b"". One that had to make room
    matches nothing any more, whoever still has it.
    """

    match: Callable[[bytes], re.Match[bytes] | None]
    token: int
    method: int
    needed: Mapping[bytes, Scopes]


class Shapes:
    """The shapes that one worker knows. `clock` gives seconds from any beginning."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shapes: dict[bytes, Shape] = {}
        self._next_at = clock()

    def find(self, head: bytes, plain: Plain, token: slice, read_policy: ReadPolicy) -> Shape | None:
        """The shape of this plain head, in which the token stands there; None if none may be made, or not now.

        It matches heads with the same names in the same order and spelling and with the same policy on the same route:
        with the same request line, but for the method and what a client may send where those are the client's own.
        """
        if head.count(b"\n") > LINES_MAX:
            return None
        text = pattern_of(head, plain, token)
        shape = self._shapes.get(text)
        if shape is None and len(text) <= PATTERN_BYTES_MAX and (now := self._clock()) >= self._next_at:
            self._next_at = now + COMPILE_SECONDS
            if len(self._shapes) >= SHAPES_MAX:
                self._shapes.pop(next(iter(self._shapes))).match = _match_nothing
            groups = (pattern := re.compile(text)).groupindex
            shape = self._shapes[text] = Shape(
                pattern.fullmatch, groups["token"], groups.get("method", 0), _needed(plain, read_policy)
            )
        return shape


def _match_nothing(_: bytes) -> None:
    return None


def pattern_of(head: bytes, plain: Plain, token: slice) -> bytes:
    """Pattern of a head: a value may be any where it means nothing, and else is what it is, or a group."""
    end = head.index(b"\r\n")
    places = [(token, TOKEN)]
    if plain.told is not None and plain.question.told_by:
        places.append((plain.told, METHOD))
    line = re.escape(head[:end])
    if plain.question.is_below:
        fixed = plain.question.path + plain.policy + b"/"
        line = METHOD + b" " + re.escape(fixed) + BELOW + re.escape(b" HTTP/1.1")
    lines = [line]
    while True:
        start, end = end + 2, head.index(b"\r\n", end + 2)
        if start == end:
            return b"\r\n".join([*lines, b"", b""])
        lines.append(_line(head, slice(start, end), places))


def _line(head: bytes, line: slice, places: list[tuple[slice, bytes]]) -> bytes:
    for place, group in places:
        if line.start < place.start < line.stop:
            return re.escape(head[line.start : place.start]) + group + re.escape(head[place.stop : line.stop])
    if _LENGTH.match(head, line.start):
        return re.escape(head[line])
    name, colon, _ = head[line].partition(b":")
    return re.escape(name + colon) + VALUE


def _needed(plain: Plain, read_policy: ReadPolicy) -> Mapping[bytes, Scopes]:
    question = plain.question
    if question.told_by:
        return {method.encode(): question.read(read_policy, plain.policy, "", [method.encode()]) for method in METHODS}
    if question.is_below:
        return {method.encode(): question.read(read_policy, plain.policy, method, ()) for method in METHODS}
    return {b"": question.read(read_policy, plain.policy, plain.method.decode("ascii"), ())}
