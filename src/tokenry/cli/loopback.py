"""Where a browser comes back to after signing in: an address of this machine, which answers one request and is gone.

Everybody on this machine can reach it, and every page in the browser. So it takes a request for its own host and path
alone, with the state of its own attempt; the others are refused, and do not end it. It is bounded in all it reads.
"""

import re
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from tokenry.client.secrets import TokenText

HOST = "127.0.0.1"
HEAD_BYTES_MAX = 16 * 1024
HEAD_SECONDS_MAX = 10
ANSWER_SECONDS_MAX = 2
VISITORS_MAX = 32
FIELDS_MAX = 16
PIECE_BYTES = 4096
DONE = "tokenry has its answer. Go on in the terminal; you can close this page."
REFUSED = "This is not what tokenry waits for."
_REQUEST_LINE = re.compile(r"GET (/[!-~]*) HTTP/1\.[01]", re.ASCII)

Parameters = Mapping[str, str]


class Loopback:
    """A server on a free port of 127.0.0.1, for a block. Raises OSError if there is none."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=VISITORS_MAX)
        self._listener.settimeout(0)
        self._visitors: dict[socket.socket, tuple[bytearray, float]] = {}
        self.host = f"{HOST}:{self._listener.getsockname()[1]}"

    @property
    def address(self) -> str:
        """Where a browser is to be sent back to."""
        return f"http://{self.host}"

    def wait(self, is_answer: Callable[[Parameters], bool], *, seconds: float) -> Parameters:
        """Wait for the browser, and return the query that it comes back with. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                for key, _ in selector.select(min(left, 1)):
                    if key.fileobj is self._listener:
                        self._admit(selector)
                    elif isinstance(key.fileobj, socket.socket):
                        parameters = self._hear(selector, key.fileobj, is_answer)
                        if parameters is not None:
                            return parameters
                self._send_away(selector)
        raise TimeoutError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._visitors):
            each.close()

    def _admit(self, selector: selectors.BaseSelector) -> None:
        with suppress(OSError):  # who knocked is gone
            visitor, _ = self._listener.accept()
            visitor.settimeout(0)
            self._visitors[visitor] = (bytearray(), time.monotonic() + HEAD_SECONDS_MAX)
            selector.register(visitor, selectors.EVENT_READ)
            if len(self._visitors) > VISITORS_MAX:  # the one that has said nothing for the longest time
                self._leave(selector, next(iter(self._visitors)))

    def _hear(
        self, selector: selectors.BaseSelector, visitor: socket.socket, is_answer: Callable[[Parameters], bool]
    ) -> Parameters | None:
        """Read on; once all has been said, answer. What was said, if it is what is waited for."""
        if visitor not in self._visitors:
            return None
        head, _ = self._visitors[visitor]
        try:
            piece = visitor.recv(PIECE_BYTES)
        except OSError:
            piece = b""
        head += piece
        if piece and b"\r\n\r\n" not in head and len(head) <= HEAD_BYTES_MAX:
            return None
        self._leave(selector, visitor, close=False)
        parameters = _read_parameters(bytes(head), self.host)
        heard = parameters is not None and is_answer(parameters)
        with closing(visitor):
            if piece:
                _answer(visitor, "200 OK" if heard else "400 Bad Request", DONE if heard else REFUSED)
        return parameters if heard else None

    def _send_away(self, selector: selectors.BaseSelector) -> None:
        """Let go of those who have had time enough: some browsers connect in advance, and say nothing."""
        now = time.monotonic()
        for visitor in [each for each, (_, until) in self._visitors.items() if until <= now]:
            self._leave(selector, visitor)

    def _leave(self, selector: selectors.BaseSelector, visitor: socket.socket, *, close: bool = True) -> None:
        selector.unregister(visitor)
        del self._visitors[visitor]
        if close:
            visitor.close()


def _read_parameters(head: bytes, host: str) -> Parameters | None:
    """The query of a request for this host, and the path /; None for any other."""
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(lines[0])
    fields = (each.partition(":") for each in lines[1:])
    if line is None or [value.strip() for name, _, value in fields if name.lower() == "host"] != [host]:
        return None
    path, _, query = line[1].partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
    parameters = {name: TokenText(value) for name, value in pairs}
    return parameters if path == "/" and len(parameters) == len(pairs) else None


def _answer(visitor: socket.socket, status: str, text: str) -> None:
    """Show a page without anything of what was asked for."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f"<title>tokenry</title><p>{text}</p></html>\n"
    ).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\n"
        "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode()
    with suppress(OSError):  # who asked is gone
        visitor.settimeout(ANSWER_SECONDS_MAX)
        visitor.sendall(head + page)
        visitor.shutdown(socket.SHUT_WR)
