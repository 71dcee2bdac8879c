"""Servers that answer as none should: over TCP on this machine, byte by byte as a test says."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tokenry.client import Client, Retries

SECRET = "S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t99"
TOKEN = f"pat_Ab12Cd34Ef56{SECRET}"
"""What these servers are sent, and must be found nowhere else."""
ROW = {
    "id": 7,
    "label": "ci",
    "scopes": "linodes:read_only",
    "created": "2026-01-01T00:00:00",
    "token": "pat_0123456789ab",
    "expiry": "2999-12-12T05:00:00",
}
RESET = b"RESET"
"""In place of a piece: the connection is reset."""

QUICK = Retries(backoff_seconds=0.001)
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"

CALLS: dict[str, Callable[[Client], object]] = {
    "list": lambda client: list(client.tokens.list()),
    "get": lambda client: client.tokens.get(7),
    "create": lambda client: client.tokens.create(label="x"),
    "rename": lambda client: client.tokens.rename(7, "x"),
    "revoke": lambda client: client.tokens.revoke(7),
    "rotate": lambda client: client.tokens.rotate(7),
    "users": lambda client: list(client.users.list()),
    "put user": lambda client: client.users.put("a/b"),
    "create for user": lambda client: client.users.tokens("a/b").create(create_user=True),
    "whoami": lambda client: client.whoami(),
    "scopes": lambda client: client.scopes(),
    "verify": lambda client: client.verify(TOKEN),
    "explain": lambda client: client.explain(TOKEN),
}
"""Every operation of a client, by name."""

Pieces = Sequence[bytes]


@dataclass
class Hostile:
    """Says one answer to each connection, the last one to all that follow, and closes it. It hears the requests."""

    answers: Sequence[Pieces]
    pause: float = 0
    context: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'http' if self.context is None else 'https'}://127.0.0.1:{self.port}"

    def attend(self, raw: socket.socket, pieces: Pieces) -> None:
        with contextlib.suppress(OSError), raw, self._secured(raw) as connection:
            self.requests.append(_receive(connection))
            for piece in pieces:
                if piece == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connection.sendall(piece)
                self.ended.wait(self.pause)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection if self.context is None else self.context.wrap_socket(connection, server_side=True)


@contextmanager
def saying(*answers: Pieces, pause: float = 0, context: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Run a server that gives these answers, with a pause after each piece; with a context, over TLS."""
    hostile = Hostile(answers, pause, context)

    def accept(listener: socket.socket) -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            pieces = answers[min(number, len(answers) - 1)]
            number += 1
            threading.Thread(target=hostile.attend, args=(connection, pieces), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        hostile.port = listener.getsockname()[1]
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield hostile
        hostile.ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def http(status: int, body: bytes | object, *headers: str, length: int | None = None) -> Pieces:
    """An answer over HTTP, with a length that may be a lie."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw) if length is None else length}", *headers]
    if not any(line.startswith("Content-Type") for line in headers):
        lines.append("Content-Type: application/json")
    return ["\r\n".join([*lines, "Connection: close", "", ""]).encode() + raw]


def refusal(status: int, reason: str = "no", *headers: str) -> Pieces:
    """A refusal in the wire format."""
    return http(status, {"errors": [{"reason": reason}]}, *headers)


def _receive(connection: socket.socket) -> bytes:
    """One request, with its body."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += (received := connection.recv(65536))
        if not received:
            return raw
    head, _, body = raw.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
