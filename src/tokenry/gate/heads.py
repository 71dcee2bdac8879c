"""Heads of requests that are plain: one whole HTTP/1.1 `GET /verify`, and in it nothing that asks for more.

A plain head has one Host, one Authorization with a bearer token, and no header that would change how the request or its
connection is handled. A pattern tells; but most heads on a connection differ from the one before in the token alone,
and for those two comparisons do, or in the values of headers too, and for those a narrower pattern does (`shapes.py`).
"""

import re
from collections.abc import Callable
from typing import Protocol

from tokenry.domain.networks import ADDRESS_LENGTH_MAX
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import TOKEN_LENGTH
from tokenry.gate.shapes import Shapes
from tokenry.verification.verifier import LookUp
from tokenry.web.headers import SPECIAL

_START = b"GET /verify"
HEAD_BYTES_MAX = 8 * 1024
_VERSION = b" HTTP/1.1\r\n"
VARIED_MIN = 16
"""So many heads of a connection are read by the general pattern before a narrower one is asked for."""

_SPECIAL = "|".join(SPECIAL)
_INITIALS = "".join(sorted({name[0] for name in SPECIAL}))
_SPECIAL_X = "|".join(name.removeprefix("x-") for name in SPECIAL if name.startswith("x-"))
# For heads in lower case. Possessive throughout (`++`, `*+`): nothing is tried twice, so the time is linear in the
# length. Most names begin like none of those, or with X-, and need no closer look.
_OTHER = rf"(?:(?![{_INITIALS}])|(?=x-(?!(?:{_SPECIAL_X}):))|(?!(?:{_SPECIAL}):))[!#$%&'*+\-.^_`|~0-9a-z]++:"
_VALUE = r"[\t -~\x80-\xff]*+\r\n"
_LINES = rf"(?:{_OTHER}{_VALUE})*+"
_HOST = rf"host:{_VALUE}"
_BEARER = r"authorization: bearer ([!-~]++)\r\n"
_PLAIN = re.compile(
    rf"((?:\?[!-~]*+)?) http/1\.1\r\n"
    rf"{_LINES}(?:{_HOST}{_LINES}{_BEARER}|{_BEARER}{_LINES}{_HOST}){_LINES}\r\n".encode("latin-1")
)
_VISIBLE = re.compile(rb"[!-~]+")
_AGENT = re.compile(rb"\r\nuser-agent:([^\r]*+)", re.IGNORECASE)
_FORWARDED = re.compile(rb"\r\nx-forwarded-for:([^\r]*+)", re.IGNORECASE)
_BLANKS = b"\t "  # around a value, and no part of it (RFC 9110 section 5.5)


class TrustedHosts(Protocol):
    """Whose X-Forwarded-For is believed, as uvicorn keeps it."""

    def __contains__(self, host: str | None) -> bool: ...

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """Whom a chain of trusted proxies says the request is from."""


class Sender:
    """Who sends the requests of one connection: the head of the current one, and what the last plain one was like.

    `needed` are the scopes that the last plain head asked for, `look_up` is what its answer waits for. Address and
    agent are read when they are asked for.
    """

    __slots__ = (
        "_after",
        "_before",
        "_length",
        "_match",
        "_peer",
        "_token",
        "_trusted",
        "_varied",
        "head",
        "look_up",
        "needed",
    )

    def __init__(self, peer: str | None, trusted: TrustedHosts | None) -> None:
        self._peer = peer
        self._trusted = trusted
        self.head = b""
        self.needed: Scopes = NOTHING
        self.look_up: LookUp | None = None
        self._length = 0
        self._before = self._after = b""
        self._token = slice(0)
        self._match: Callable[[bytes], re.Match[bytes] | None] | None = None  # for heads of the last plain one's shape
        self._varied = 0

    def repeated(self) -> bytes | None:
        """What stands for the token in a head that is like the last plain one; it may be no token at all.

        Like it is one that differs in the token alone, or has its shape and no more than HEAD_BYTES_MAX.
        """
        head = self.head
        if len(head) == self._length and head.startswith(self._before) and head.endswith(self._after):
            return head[self._token]
        if self._match is not None and len(head) <= HEAD_BYTES_MAX and (found := self._match(head)) is not None:
            return found[1]
        return None

    def read_plain(self) -> tuple[bytes, bytes] | None:
        """Query and token of the head; None if it is not plain, or has more than HEAD_BYTES_MAX.

        What is around the token is kept for `repeated`; the token is not.
        """
        head = self.head
        self.forget()
        if not head.startswith(_START) or len(head) > HEAD_BYTES_MAX:
            return None
        found = _PLAIN.fullmatch(head.lower(), len(_START))
        if found is None:
            return None
        end = found.end(1)
        if not head.startswith(_VERSION, end):
            return None
        first, last = found.span(2)
        if first < 0:
            first, last = found.span(3)
        self._before, self._after = head[:first], head[last:]
        self._token = slice(first, last)
        if last - first == TOKEN_LENGTH:
            self._length = len(head)
        self._varied += 1
        return head[len(_START) + 1 : end], head[first:last]

    def learn(self, shapes: Shapes) -> None:
        """Know heads of the last plain one's shape from now on, if enough of this connection have varied."""
        if self._varied >= VARIED_MIN:
            self._varied = 0
            pattern = shapes.find(self._before, self._after)
            self._match = None if pattern is None else pattern.fullmatch

    def forget(self) -> None:
        """Read the next head anew."""
        self._length = 0
        self._match = None

    @property
    def address(self) -> str | None:
        """As the ordinary route knows it: the peer, or whom it forwards for if it is trusted."""
        if self._trusted is None or self._peer not in self._trusted:
            return self._peer
        values = _FORWARDED.findall(self.head)
        if not values:
            return self._peer
        chain = b", ".join([value.strip(_BLANKS) for value in values])
        address, _ = self._trusted.get_trusted_client_address(chain.decode("latin-1"))
        return address[:ADDRESS_LENGTH_MAX] or self._peer

    @property
    def agent(self) -> str | None:
        """The User-Agent header; the last, if there are several."""
        values = _AGENT.findall(self.head)
        return values[-1].strip(_BLANKS).decode("latin-1") if values else None


def is_visible(text: bytes) -> bool:
    """Whether this may stand for a token in a plain head."""
    return text.replace(b"_", b"").isalnum() or _VISIBLE.fullmatch(text) is not None
