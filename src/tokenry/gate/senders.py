"""Who asks on one connection, and what its questions have in common, so that most need not be read in full.

Most heads on a connection differ from the one before in the token alone, and for those two comparisons tell that they
are plain, or in the values of headers too, and for those a narrower pattern does (`shapes.py`).
"""

import re
from typing import Protocol

from tokenry.domain.networks import ADDRESS_LENGTH_MAX
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import TOKEN_LENGTH_MAX, TOKEN_LENGTH_MIN
from tokenry.gate.heads import BLANKS, HEAD_BYTES_MAX, Plain
from tokenry.gate.shapes import Shape, Shapes
from tokenry.verification.needs import ReadPolicy
from tokenry.verification.verifier import LookUp

VARIED_MIN = 32
"""So many heads of a connection are read in full before a narrower pattern is asked for."""
SHAPES_MAX = 8
"""Of one connection: a gateway sends the headers that its clients send, or in the order that it likes."""

_AGENT = re.compile(rb"\r\nuser-agent:([^\r]*+)", re.IGNORECASE)
_FORWARDED = re.compile(rb"\r\nx-forwarded-for:([^\r]*+)", re.IGNORECASE)


class TrustedHosts(Protocol):
    """Whose X-Forwarded-For is believed, as uvicorn keeps it."""

    def __contains__(self, host: str | None) -> bool: ...

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """Whom a chain of trusted proxies says the request is from."""


class Sender:
    """Who sends the requests of one connection: the head of the current one, and what those before it were like.

    `needed` are the scopes that the last plain head asked for, `look_up` is what its answer waits for. Address and
    agent are read when they are asked for.
    """

    __slots__ = (
        "_after",
        "_before",
        "_length",
        "_needed",
        "_peer",
        "_shapes",
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
        self._length = 0  # of the last head that was read in full, what it asked for, and what was around its token
        self._needed: Scopes = NOTHING
        self._before = self._after = b""
        self._token = slice(0)
        self._shapes: tuple[Shape, ...] = ()  # those that were asked for last come first
        self._varied = 0

    def repeated(self) -> bytes | None:
        """What stands for the token in a head that is like an earlier plain one; it may be no token at all.

        Like it is one that differs in the token alone, or has its shape and no more than HEAD_BYTES_MAX.
        """
        head = self.head
        if len(head) == self._length and head.startswith(self._before) and head.endswith(self._after):
            self.needed = self._needed
            return head[self._token]
        if len(head) <= HEAD_BYTES_MAX:
            for shape in self._shapes:
                found = shape.match(head)
                if found is not None:
                    needed = shape.needed.get(found[shape.method]) if shape.method else shape.needed[b""]
                    if needed is None:
                        return None
                    self.needed = needed
                    return found[shape.token]
        return None

    def keep(self, plain: Plain, token: slice, needed: Scopes, read_policy: ReadPolicy, shapes: Shapes) -> None:
        """Know heads like this plain one from now on; by their shape, if enough of this connection have varied.

        What is around the token is kept, the token is not.
        """
        head = self.head
        self.needed = self._needed = needed
        self._before, self._after, self._token = head[: token.start], head[token.stop :], token
        self._length = len(head) if TOKEN_LENGTH_MIN <= token.stop - token.start <= TOKEN_LENGTH_MAX else 0
        self._varied += 1
        if self._varied >= VARIED_MIN:
            self._varied = 0
            shape = shapes.find(head, plain, token, read_policy)
            if shape is not None and shape not in self._shapes:
                self._shapes = (shape, *self._shapes[: SHAPES_MAX - 1])

    @property
    def address(self) -> str | None:
        """As the ordinary route knows it: the peer, or whom it forwards for if it is trusted."""
        if self._trusted is None or self._peer not in self._trusted:
            return self._peer
        values = _FORWARDED.findall(self.head)
        if not values:
            return self._peer
        chain = b", ".join([value.strip(BLANKS) for value in values])
        address, _ = self._trusted.get_trusted_client_address(chain.decode("latin-1"))
        return address[:ADDRESS_LENGTH_MAX] or self._peer

    @property
    def agent(self) -> str | None:
        """The User-Agent header; the last, if there are several."""
        values = _AGENT.findall(self.head)
        return values[-1].strip(BLANKS).decode("latin-1") if values else None
