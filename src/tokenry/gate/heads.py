"""Heads of requests that are plain: a whole question of HTTP/1.1, with no body and nothing about the connection.

A pattern tells, and a look at those headers that mean something. It need not be asked for most heads: `senders.py`.
"""

import re
from typing import NamedTuple

from tokenry.gate.questions import QUESTIONS, Question
from tokenry.web.headers import OF_THE_SERVER, SPECIAL

HEAD_BYTES_MAX = 8 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Possessive throughout (`++`, `*+`): nothing is tried twice, so the time is linear in the length.
_PLAIN = re.compile(
    rf"({'|'.join(METHODS)}) (/verify[!\"$-~]*+) HTTP/1\.1\r\n"
    rf"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n)++\r\n".encode("latin-1")
)
_TOLD_BY = [question.told_by.decode("ascii") for question in QUESTIONS if question.told_by]
_SPECIAL = re.compile(rf"\n({'|'.join([*SPECIAL, *_TOLD_BY])}):[\t ]*+([^\r]*+)".encode("ascii"))  # in lower case
_LENGTH = b"content-length"
_OF_THE_SERVER = frozenset(name.encode("ascii") for name in OF_THE_SERVER) - {_LENGTH}
_BELOW = next(question for question in QUESTIONS if question.is_below)
_IN_QUERY = {question.path: question for question in QUESTIONS if not question.is_below}
# Of a policy in a path, up to the slash that ends it.
_POLICY = re.compile(rb"[0-9A-Za-z_=&:*.,+%@\-]*+")
_BEARER = re.compile(rb"bearer ++([!-~]++)", re.IGNORECASE)
_VISIBLE = re.compile(rb"[!-~]+")
BLANKS = b"\t "  # around a value, and no part of it (RFC 9110 section 5.5)


class Plain(NamedTuple):
    """What a plain head says: what is asked, with which method and policy, and where the values of two headers stand.

    `told` is that of the question's own header, `presented` that of Authorization; None where there is no such header.
    """

    question: Question
    method: bytes
    policy: bytes
    told: slice | None
    presented: slice | None


def read_plain(head: bytes) -> Plain | None:
    """What the head says; None if it is not plain, or has more than HEAD_BYTES_MAX."""
    if len(head) > HEAD_BYTES_MAX:
        return None
    found = _PLAIN.fullmatch(head)
    if found is None:
        return None
    lowered = head.lower()
    special = _SPECIAL.findall(lowered)
    values = dict(special)
    if len(values) < len(special) or b"host" not in values or not _OF_THE_SERVER.isdisjoint(values):
        return None
    if values.get(_LENGTH, b"0") != b"0":
        return None
    method, target = found.groups()
    path, _, policy = target.partition(b"?")
    question = _IN_QUERY.get(path)
    if question is None:
        below, slash, _ = target.removeprefix(_BELOW.path).partition(b"/")
        if not target.startswith(_BELOW.path) or not slash or _POLICY.fullmatch(below) is None:
            return None
        question, policy = _BELOW, below
    told, presented = values.get(question.told_by), values.get(b"authorization")
    return Plain(
        question,
        method,
        policy,
        None if told is None else _place(lowered, b"\n" + question.told_by + b":", told),
        None if presented is None else _place(lowered, b"\nauthorization:", presented),
    )


def _place(lowered: bytes, line: bytes, value: bytes) -> slice:
    """Where the value of a header stands that is the only one of this name, without the blanks around it."""
    first = lowered.index(b"\r", lowered.index(line) + len(line)) - len(value)
    return slice(first, first + len(value.rstrip(BLANKS)))


def find_token(head: bytes, presented: slice) -> slice | None:
    """Where the token of an Authorization header stands; None if it is no bearer token (RFC 6750)."""
    found = _BEARER.fullmatch(head, presented.start, presented.stop)
    return None if found is None else slice(*found.span(1))


def is_bound(head: bytes, presented: slice) -> bool:
    """Whether an Authorization header presents a token as one that is bound to a key: its proof takes longer."""
    return head[presented][:5].lower() == b"dpop "


def is_visible(text: bytes) -> bool:
    """Whether this may stand for a token in a plain head."""
    return text.replace(b"_", b"").isalnum() or _VISIBLE.fullmatch(text) is not None
