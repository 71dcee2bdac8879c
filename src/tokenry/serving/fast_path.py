"""Answering a plain `GET /verify` from the bytes of the request, without parser, application or task.

What is plain is one pattern: one whole HTTP/1.1 request, with one Host, one Authorization, and no header that would
change how the request or its connection is handled. Everything else, and whatever is not decided here at once, is for
the ordinary route, which gives the same answers.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tokenry.api.verify import identity_headers, verdict
from tokenry.domain.errors import Refusal
from tokenry.domain.scopes import NOTHING, Level, Scopes
from tokenry.verification.cache import Known
from tokenry.verification.verifier import Decision, Denial, Verifier

APP_STATE_KEY = "tokenry_fast_path"
HEAD_BYTES_MAX = 8 * 1024
START = b"GET /verify"


def _any_case(name: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else re.escape(letter) for letter in name)


# Those that the guard counts, and those that mean something to the HTTP server.
_SPECIAL = (
    "host",
    "authorization",
    "x-filter",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
    "upgrade",
)
# Possessive throughout (`++`, `*+`): nothing is tried twice, so the time is linear in the length.
_VALUE = r"[\t -~\x80-\xff]*+\r\n"
_LINE = rf"(?!(?:{'|'.join(map(_any_case, _SPECIAL))}):)[!#$%&'*+\-.^_`|~0-9A-Za-z]++:{_VALUE}"
_LINES = rf"(?:{_LINE})*+"
_HOST = rf"{_any_case('host')}:{_VALUE}"
_BEARER = rf"{_any_case('authorization')}: {_any_case('bearer')} ([!-~]++)\r\n"
PLAIN = re.compile(
    rf"GET /verify(?:\?([!-~]*+))? HTTP/1\.1\r\n"
    rf"{_LINES}(?:{_HOST}{_LINES}{_BEARER}|{_BEARER}{_LINES}{_HOST}){_LINES}\r\n".encode("latin-1")
)
_AGENT = re.compile(rb"\r\nuser-agent:[\t ]*([^\r]*?)[\t ]*\r\n", re.IGNORECASE)
_FORWARDED = re.compile(rb"\r\nx-forwarded-for:[\t ]*([^\r]*?)[\t ]*(?=\r\n)", re.IGNORECASE)


class TrustedHosts(Protocol):
    """Whose X-Forwarded-For is believed, as uvicorn keeps it."""

    def __contains__(self, host: str | None) -> bool: ...

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """Whom a chain of trusted proxies says the request is from."""


class HeadPresenter:
    """Who sends the requests of one connection; read from the head of the current one when it is asked for."""

    __slots__ = ("_peer", "_trusted", "head")

    def __init__(self, peer: str | None, trusted: TrustedHosts | None) -> None:
        self._peer = peer
        self._trusted = trusted
        self.head = b""

    @property
    def address(self) -> str | None:
        """As the ordinary route knows it: the peer, or whom it forwards for if it is trusted."""
        if self._trusted is None or self._peer not in self._trusted:
            return self._peer
        values = _FORWARDED.findall(self.head)
        if not values:
            return self._peer
        return self._trusted.get_trusted_client_address(b", ".join(values).decode("latin-1"))[0] or self._peer

    @property
    def agent(self) -> str | None:
        """The User-Agent header; the last, if there are several."""
        values = _AGENT.findall(self.head)
        return values[-1].decode("latin-1") if values else None


class FastPath:
    """Decides on plain requests and writes their answers. One for each worker."""

    def __init__(self, verifier: Verifier, read_policy: Callable[[bytes, Level | None], Scopes]) -> None:
        self._verifier = verifier
        self._read_policy = read_policy
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._starts: dict[int, bytes] = {}

    def answer(self, presenter: HeadPresenter, defaults: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer to the request in `presenter.head`; None if it is for the ordinary route.

        `defaults` are the headers that the server adds to each answer, among them the date: a new list each second.
        """
        plain = PLAIN.fullmatch(presenter.head)
        if plain is None:
            return None
        if defaults is not self._defaults:
            self._renew(defaults)
        query, text, text_before_host = plain.groups(b"")
        try:
            needed = self._read_policy(query, None)
            found = self._verifier.find_now(text or text_before_host)
        except (Refusal, LookupError):  # a wrong question, no database, no pepper
            return None  # and so asked again, refused in the same way, and logged if need be
        if found is None:
            return None
        if isinstance(found, Denial):
            return self._refuse(found)
        denial = self._verifier.judge(found, needed, presenter)
        if denial is None:
            return self._starts[200] + (found.answer or _keep(found))
        return self._refuse(denial, found, needed)

    def _refuse(self, denial: Denial, known: Known | None = None, needed: Scopes = NOTHING) -> bytes:
        if known is None or denial is not Denial.INSUFFICIENT_SCOPE:
            return self._starts[401] + _REFUSED
        status, body, headers = verdict(Decision(known.actor, denial), needed)
        return self._starts[status] + _tail(body, headers)

    def _renew(self, defaults: Sequence[tuple[bytes, bytes]]) -> None:
        added = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
        self._starts = {status: STATUS_LINE[status] + added for status in (200, 401, 403)}
        self._defaults = defaults


def _keep(known: Known) -> bytes:
    known.answer = _tail(b"", identity_headers(known.actor))
    return known.answer


def _tail(body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return lines + b"content-length: %d\r\n\r\n" % len(body) + body


# One answer for every token that is refused: in public no reason is told apart.
_REFUSED = _tail(*verdict(Decision(None, Denial.UNKNOWN), NOTHING)[1:])
