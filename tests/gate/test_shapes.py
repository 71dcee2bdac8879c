"""Patterns for heads that vary: what they match is plain, and means what the general pattern says."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokenry.gate.heads import HEAD_BYTES_MAX, VARIED_MIN, Sender
from tokenry.gate.shapes import COMPILE_SECONDS, SHAPES_MAX, Shapes

TOKEN = b"pat_" + b"a" * 50
BEFORE = (
    b"GET /verify?scope=linodes:read_only HTTP/1.1\r\nHost: api.example.org\r\nX-Request-Id: 1\r\n"
    b"Authorization: Bearer "
)
AFTER = b"\r\nX.Forwarded+For: 203.0.113.7\r\nUser-Agent: probe/1\r\n\r\n"
HEAD = BEFORE + TOKEN + AFTER


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def trained(head: bytes = HEAD, shapes: Shapes | None = None) -> Sender:
    """A sender of which so many heads were read that it knows their shape."""
    sender = Sender(None, None)
    sender.head = head
    for _ in range(VARIED_MIN):
        assert sender.read_plain()
    sender.learn(shapes or Shapes())
    return sender


def repeated(sender: Sender, head: bytes) -> bytes | None:
    sender.head = head
    return sender.repeated()


def test_head_with_other_values_is_known_again() -> None:
    other = HEAD.replace(b"Id: 1", b"Id: 4711").replace(b"probe/1", b"x").replace(TOKEN, b"short")
    assert repeated(trained(), other) == b"short"


def test_no_pattern_is_made_before_a_connection_has_varied() -> None:
    sender = Sender(None, None)
    sender.head = HEAD
    for _ in range(VARIED_MIN - 1):
        sender.read_plain()
        sender.learn(Shapes())
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"linodes", b"volumes"),  # it asks for something else
        (b"verify?", b"verifx?"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"api.example", b"xyz.example"),
        (b"X.Forwarded+For", b"XxForwarded+For"),
        (b"X.Forwarded+For", b"Content-Length"),
        (b"probe/1", b"probe/1\r\nContent-Length: 4"),
        (b"probe/1", b"probe/1\nContent-Length: 4"),
        (b"probe/1", b"probe/1\rX: 4"),
        (b"probe/1", b"probe/1\r\n\r\nGET /verify HTTP/1.1"),
        (b"probe/1", b"\x00"),
        (b"probe/1", b"\x7f"),
        (b"probe/1\r\n\r\n", b"probe/1\r\n\r\nA"),
        (b"probe/1\r\n\r\n", b"probe/1\r\n"),
        (b"Bearer ", b"Bearer  "),
        (b"Bearer ", b"Basic "),
        (TOKEN, b""),
        (TOKEN, TOKEN + b" "),
        (TOKEN, TOKEN + b"\r\nAuthorization: Bearer x"),
    ],
)
def test_head_of_another_shape_is_not_taken_for_one_of_this(old: bytes, new: bytes) -> None:
    assert repeated(trained(), HEAD.replace(old, new)) is None


def test_head_that_is_too_long_is_not_taken() -> None:
    sender = trained()
    longest = HEAD.replace(b"probe/1", b"a" * (HEAD_BYTES_MAX - len(HEAD) + len(b"probe/1")))
    assert repeated(sender, longest) == TOKEN
    assert repeated(sender, longest.replace(b"a\r\n\r\n", b"aa\r\n\r\n")) is None


def test_another_plain_head_ends_what_was_known() -> None:
    """The scopes that a sender needs are those of the head that was read last."""
    sender = trained()
    sender.head = HEAD.replace(b"linodes", b"volumes")
    assert sender.read_plain()
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) is None


names = st.sampled_from([b"X-Request-Id", b"a", b"User-Agent", b"Accept", b"X-\xc3", b"Expect", b"x.y*", b"X-Filter"])
values = st.binary(max_size=8) | st.sampled_from([b"", b" 1", b"(.*)", b"a\tb", b"\r\n", b"\n", b"\r", b"a: b"])
tokens = st.sampled_from([TOKEN, b"x", b"", b"a b", b"a\r\nb", b"\\", b"()"])


def joined(headers: list[tuple[bytes, bytes]], token: bytes, place: int) -> bytes:
    lines = [name + b": " + value for name, value in headers]
    lines[place:place] = [b"Host: x", b"Authorization: Bearer " + token]
    return b"\r\n".join([b"GET /verify HTTP/1.1", *lines, b"", b""])


@settings(max_examples=500, deadline=None)
@given(
    headers=st.lists(st.tuples(names, values, values), max_size=5),
    token=tokens,
    place=st.integers(0, 5),
    cut=st.integers(0, 200),
    junk=st.binary(max_size=3),
)
@example(headers=[(b"a", b"1", b"2")], token=b"x", place=0, cut=0, junk=b"")
def test_what_a_pattern_matches_is_plain_with_the_same_token_and_query(
    headers: list[tuple[bytes, bytes, bytes]], token: bytes, place: int, cut: int, junk: bytes
) -> None:
    first = Sender(None, None)
    first.head = joined([(name, value) for name, value, _ in headers], TOKEN, place)
    plain = first.read_plain()
    if plain is None:
        return
    head = joined([(name, value) for name, _, value in headers], token, place)
    head = head[:cut] + junk + head[cut:]
    found = repeated(trained(first.head), head)
    if found is None or found == b"":
        return
    general = Sender(None, None)
    general.head = head
    same_length = len(head) == len(first.head)  # then something else may stand in the token's place: see is_visible
    assert general.read_plain() == (plain[0], found) or (same_length and re.search(rb"[^!-~]", found))


def test_patterns_are_made_seldom_and_kept_in_bounds() -> None:
    clock = Clock()
    shapes = Shapes(clock)
    assert shapes.find(BEFORE, AFTER) is not None
    assert shapes.find(b"A: 1\r\n" + BEFORE, AFTER) is None  # too soon
    assert shapes.find(BEFORE, AFTER) is not None  # made before
    for number in range(SHAPES_MAX):
        clock.seconds += COMPILE_SECONDS
        assert shapes.find(b"GET /verify HTTP/1.1\r\nX-%d: 1\r\nAuthorization: Bearer " % number, AFTER)
    assert shapes.find(BEFORE, AFTER) is None  # gone, and too soon to be made again
