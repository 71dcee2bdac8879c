"""Patterns for heads that vary: what they match is plain, and means what the general pattern says."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokenry.domain.errors import Refusal
from tokenry.domain.scopes import Scopes
from tokenry.gate.heads import HEAD_BYTES_MAX, METHODS, Plain, find_token, read_plain
from tokenry.gate.questions import QUESTIONS
from tokenry.gate.senders import SHAPES_MAX as KEPT_MAX
from tokenry.gate.senders import VARIED_MIN, Sender
from tokenry.gate.shapes import COMPILE_SECONDS, LINES_MAX, PATTERN_BYTES_MAX, SHAPES_MAX, Shapes, pattern_of
from tokenry.storage.catalogue import default_catalogue
from tokenry.verification.needs import policy_reader

TOKEN = b"pat_" + b"a" * 50
HEAD = (
    b"GET /verify?scope=linodes:read_only HTTP/1.1\r\nHost: api.example.org\r\nX-Request-Id: 1\r\n"
    b"Authorization: Bearer " + TOKEN + b"\r\nX.Forwarded+For: 203.0.113.7\r\nUser-Agent: probe/1\r\n\r\n"
)
TOLD = HEAD.replace(b"/verify?scope=linodes:read_only", b"/verify/auth-request?resource=linodes").replace(
    b"X-Request-Id: 1", b"X-Original-Method: GET"
)
BELOW = HEAD.replace(b"/verify?scope=linodes:read_only", b"/verify/ext-authz/resource=linodes//a?b")
READ, WRITE = Scopes.parse("linodes:read_only"), Scopes.parse("linodes:read_write")
read_policy = policy_reader(default_catalogue())


def read(head: bytes) -> tuple[Plain, bytes, Scopes] | None:
    """What a head says, its token and the scopes it asks for, as it is read in full."""
    plain = read_plain(head)
    token = None if plain is None or plain.presented is None else find_token(head, plain.presented)
    if plain is None or token is None:
        return None
    told = () if plain.told is None else (head[plain.told],)
    return plain, head[token], plain.question.read(read_policy, plain.policy, plain.method.decode(), told)


def keep(sender: Sender, head: bytes, shapes: Shapes) -> None:
    """Let a sender have sent this head, which is plain."""
    sender.head = head
    plain, text, needed = read(head) or pytest.fail("it is not plain")
    first = head.index(text)
    sender.keep(plain, slice(first, first + len(text)), needed, read_policy, shapes)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def trained(head: bytes = HEAD, shapes: Shapes | None = None) -> Sender:
    """A sender of which so many heads were read that it knows their shape."""
    sender = Sender(None, None)
    shapes = shapes or Shapes()
    for _ in range(VARIED_MIN):
        keep(sender, head, shapes)
    return sender


def repeated(sender: Sender, head: bytes) -> bytes | None:
    sender.head = head
    return sender.repeated()


def test_head_with_other_values_is_known_again() -> None:
    other = HEAD.replace(b"Id: 1", b"Id: 4711").replace(b"probe/1", b"x").replace(TOKEN, b"short")
    assert repeated(trained(), other) == b"short"


def test_no_pattern_is_made_before_a_connection_has_varied() -> None:
    sender = Sender(None, None)
    for _ in range(VARIED_MIN - 1):
        keep(sender, HEAD, Shapes())
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) is None


@pytest.mark.parametrize(
    ("head", "old"), [(TOLD, b"X-Original-Method: GET"), (BELOW, b"GET /verify/ext-authz/resource=linodes//a?b")]
)
def test_method_decides_what_a_head_of_a_known_shape_asks_for(head: bytes, old: bytes) -> None:
    sender = trained(head)
    for method in METHODS:
        other = head.replace(old, old.replace(b"GET", method.encode())).replace(b"//a", b"//other/%2F/")
        assert repeated(sender, other) == TOKEN
        assert sender.needed == (READ if method in ("GET", "HEAD", "OPTIONS") else WRITE)
        assert repeated(sender, head) == TOKEN  # as it was read in full
        assert sender.needed == READ
    for unknown in (b"PROPFIND", b"get", b"", b"GET POST"):
        assert repeated(sender, head.replace(old, old.replace(b"GET", unknown))) is None


def test_sender_knows_a_few_shapes_at_once() -> None:
    shapes, sender = Shapes(clock := Clock()), Sender(None, None)
    heads = [HEAD.replace(b"X-Request", b"X-%d" % number) for number in range(KEPT_MAX + 1)]
    for head in heads:
        clock.seconds += COMPILE_SECONDS
        for _ in range(VARIED_MIN):
            keep(sender, head, shapes)
    known = [repeated(sender, head.replace(b"Id: 1", b"Id: 22")) for head in heads]
    assert known == [None] + [TOKEN] * KEPT_MAX


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"linodes", b"volumes"),  # it asks for something else
        (b"verify?", b"verifx?"),
        (b"HTTP/1.1", b"HTTP/1.0"),
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


def test_each_head_asks_for_what_stands_in_it() -> None:
    """Whether it is like the one that was read last, or of a shape that was known before."""
    sender = trained()
    volumes = HEAD.replace(b"linodes", b"volumes")
    keep(sender, volumes, Shapes())
    assert repeated(sender, volumes) == TOKEN
    assert str(sender.needed) == "volumes:read_only"
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) == TOKEN
    assert sender.needed == READ


names = st.sampled_from(
    [b"X-Request-Id", b"a", b"User-Agent", b"Accept", b"X-\xc3", b"Expect", b"x.y*", b"X-Filter", b"Content-Type"]
    + [question.told_by.title() for question in QUESTIONS if question.told_by] * 2
)
values = st.binary(max_size=8) | st.sampled_from(
    [b"", b" 1", b"(.*)", b"a\tb", b"\r\n", b"\n", b"\r", b"a: b", b"POST"]
)
tokens = st.sampled_from([TOKEN, b"x", b"", b"a b", b"a\r\nb", b"\\", b"()"])
policies = st.sampled_from([b"", b"scope=linodes:read_only", b"resource=linodes", b"resource=volumes"])


def joined(line: bytes, headers: list[tuple[bytes, bytes]], token: bytes, place: int) -> bytes:
    lines = [name + b": " + value for name, value in headers]
    lines[place:place] = [b"Host: x", b"Content-Length: 0", b"Authorization: Bearer " + token]
    return b"\r\n".join([line, *lines, b"", b""])


def first_line(question: int, policy: bytes, method: str, client: bytes) -> bytes:
    asked = QUESTIONS[question]
    target = asked.path + policy + b"/" + client if asked.is_below else asked.path + b"?" * bool(policy) + policy
    return method.encode() + b" " + target + b" HTTP/1.1"


@settings(max_examples=800, deadline=None)
@given(
    question=st.integers(0, len(QUESTIONS) - 1),
    policy=policies,
    methods=st.tuples(st.sampled_from(METHODS), st.sampled_from([*METHODS, "PROPFIND", "get"])),
    headers=st.lists(st.tuples(names, values, values), max_size=5),
    token=tokens,
    place=st.integers(0, 5),
    cut=st.integers(0, 200),
    junk=st.binary(max_size=3),
)
@example(
    question=0, policy=b"", methods=("GET", "GET"), headers=[(b"a", b"1", b"2")], token=b"x", place=0, cut=0, junk=b""
)
def test_what_a_pattern_matches_is_plain_and_asks_for_the_same(
    *,
    question: int,
    policy: bytes,
    methods: tuple[str, str],
    headers: list[tuple[bytes, bytes, bytes]],
    token: bytes,
    place: int,
    cut: int,
    junk: bytes,
) -> None:
    told = [
        (name, b"GET", b"POST") if name == QUESTIONS[question].told_by.title() else (name, *both)
        for name, *both in headers
    ]
    first = joined(first_line(question, policy, methods[0], b"a"), [(n, v) for n, v, _ in told], TOKEN, place)
    try:
        if read(first) is None:
            return
    except Refusal:
        return
    head = joined(first_line(question, policy, methods[1], b"b%2F?c"), [(n, v) for n, _, v in told], token, place)
    head = head[:cut] + junk + head[cut:]
    sender = trained(first)
    found = repeated(sender, head)
    if not found:
        return
    same_length = len(head) == len(first)  # then something else may stand in the token's place: see is_visible
    if same_length and re.search(rb"[^!-~]", found):
        return
    plain = read(head)
    assert plain is not None
    assert (plain[1], plain[2]) == (found, sender.needed)


def find(shapes: Shapes, head: bytes) -> object:
    """The shape of a head, if it is known or may be made."""
    plain = read_plain(head)
    assert plain is not None
    first = head.index(TOKEN)
    return shapes.find(head, plain, slice(first, first + len(TOKEN)), read_policy)


def test_patterns_are_made_seldom_and_kept_in_bounds() -> None:
    clock = Clock()
    shapes = Shapes(clock)
    other = HEAD.replace(b"X-Request-Id", b"X-Other")
    assert find(shapes, HEAD) is not None
    sender = trained(HEAD, shapes)
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) == TOKEN
    assert find(shapes, other) is None  # too soon
    assert find(shapes, HEAD) is not None  # made before
    for number in range(SHAPES_MAX):
        clock.seconds += COMPILE_SECONDS
        assert find(shapes, HEAD.replace(b"X-Request-Id", b"X-%d" % number))
    assert find(shapes, HEAD) is None  # gone, and too soon to be made again
    assert repeated(sender, HEAD.replace(b"Id: 1", b"Id: 22")) is None  # also for whoever knew it


def test_no_pattern_is_made_for_a_head_of_many_lines() -> None:
    """Who sends it chooses how long it takes to compile one."""
    more = LINES_MAX - HEAD.count(b"\n")
    longest = HEAD.replace(b"X-Request-Id", b"A:\r\n" * more + b"X-Request-Id")
    assert find(Shapes(), longest) is not None
    assert find(Shapes(), longest.replace(b"X-Request-Id", b"A:\r\nX-Request-Id")) is None


@pytest.mark.parametrize("old", [b"X-Request-Id", b"linodes:read_only", b"Bearer "])
def test_no_pattern_is_made_for_a_head_of_long_names(old: bytes) -> None:
    """Nor of a long question: what a pattern takes literally takes time for each letter."""
    more = {b"X-Request-Id": b"a", b"linodes:read_only": b"+", b"Bearer ": b" "}[old]
    plain, text, _ = read(HEAD) or pytest.fail("it is not plain")
    room = PATTERN_BYTES_MAX - len(pattern_of(HEAD, plain, slice(HEAD.index(text), HEAD.index(text) + len(text))))
    longest = HEAD.replace(old, old + more * (room // len(re.escape(more))))
    assert find(Shapes(), longest) is not None
    assert find(Shapes(), longest.replace(old, old + more, 1)) is None
