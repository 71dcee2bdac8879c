"""What stands around a gateway in these tests: its client, the service behind it, and the way to the verifier."""

import contextlib
import http.client
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER_SECONDS_MAX = 20
POLL_SECONDS = 0.02
IDENTITY = (
    "X-Auth-User",
    "X-Auth-User-Id",
    "X-Auth-Account-Id",
    "X-Auth-Token-Id",
    "X-Auth-Scopes",
    "X-Auth-Expires",
    "X-Auth-Client-Id",
    "X-Auth-External-Id",
    "X-Auth-Metadata",
)
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it arrived somewhere."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, whichever way its name is spelt: dashes and underscores are the same to many."""
        return [value for key, value in self.headers if key.lower().replace("_", "-") == name.lower()]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as its client got it."""

    status: int
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def ask(
    port: int,
    method: str = "GET",
    target: str = "/",
    headers: Headers = (),
    body: bytes | Sequence[bytes] | None = None,
) -> Answer:
    """Send one request just as it is written here. A body in pieces is sent chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


class HttpServer:
    """An HTTP server on a free port that remembers what it was asked.

    It answers with `status`, `headers` and `body` after some seconds; to `/status/NNN` with that status, and to `/cut`
    not at all.
    """

    def __init__(
        self, status: int = 200, headers: Headers = (), body: bytes = b"from the service", *, seconds: float = 0
    ) -> None:
        self.requests: list[Message] = []
        self.status = status
        self.headers = headers
        self.body = body
        self.seconds = seconds
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self))

    @property
    def port(self) -> int:
        port: int = self._server.server_address[1]
        return port

    @property
    def last(self) -> Message:
        return self.requests[-1]

    @contextmanager
    def running(self) -> Iterator["HttpServer"]:
        """Serve for the length of a block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a gateway that lets go of a connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: the second of two would wait for the first to be acknowledged

    def __init__(self, owner: HttpServer, *arguments: Any) -> None:
        self._owner = owner
        super().__init__(*arguments)

    def __getattr__(self, name: str) -> object:
        """Answer every method alike: the standard library looks for `do_GET` and so on."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        owner = self._owner
        owner.requests.append(Message(self.command, self.path, self.headers.items(), self._read_body()))
        if self.path == "/cut":
            self.close_connection = True
            return
        time.sleep(owner.seconds)
        asked = self.path.removeprefix("/status/")
        self.send_response(owner.status if asked == self.path else int(asked))
        for name, value in (*owner.headers, ("Content-Length", str(len(owner.body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(owner.body)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        pieces = []
        while length := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)


class Relay:
    """The way from a gateway to its verifier, which a test can lead elsewhere or cut.

    `connections` counts those that were opened so far.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.connections = 0
        self._listen(0)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @contextmanager
    def leading_to(self, port: int) -> Iterator[None]:
        """Put another server in the verifier's place."""
        before, self._target = self._target, port
        self._cut()
        try:
            yield
        finally:
            self._target = before
            self._cut()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Take the verifier away: connections are cut, and new ones refused."""
        port = self.port
        self.close()
        try:
            yield
        finally:
            self._listen(port)

    def close(self) -> None:
        """Stop listening, and cut what is open."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._cut()

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            with self._lock:
                self._open |= {client, server}
            try:
                _copy_both_ways(client, server)
            finally:
                with self._lock:
                    self._open -= {client, server}

    def _cut(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _copy_both_ways(one: socket.socket, other: socket.socket) -> None:
    for side in (one, other):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                data = source.recv(65536)
                if not data:
                    return
                key.data.sendall(data)


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]
