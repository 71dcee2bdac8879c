"""Clients that send what no client should, slowly, or not at all: each gets an answer or the end of the connection."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.description import Answer, check
from tests.servers import Server, serving, tokenry
from tokenry.serving import protocol
from tokenry.serving.protocol import HEAD_BYTES_MAX, BoundedProtocol

TOKENS = b"/v4/profile/tokens"
DRIP_SECONDS_MAX = 20
HOST = b"Host: x\r\n"
LAST = b"Connection: close\r\n"
NO_HTTP = "Invalid HTTP request received."
HEAD_TOO_LARGE = "Request header fields too large"
BODY_TOO_LARGE = "Request body too large"


def exchange(port: int, *parts: bytes, timeout: float = 10) -> bytes:
    """Send the parts one after the other; all that comes back until the server closes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before everything was sent
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            pass  # closed with something unread
    return bytes(received)


def split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    return int(status.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


def request(server: Server, method: bytes, path: bytes, *headers: bytes, body: bytes | None = None) -> bytes:
    """A whole request of a client with a good token, the last one on its connection."""
    bearer = b"Authorization: Bearer %s\r\n" % server.token.encode()
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    return (
        method
        + b" "
        + path
        + b" HTTP/1.1\r\n"
        + HOST
        + bearer
        + LAST
        + length
        + b"".join(headers)
        + b"\r\n"
        + (body or b"")
    )


def assert_refused(answer: bytes, status: int, *errors: tuple[str, str | None]) -> None:
    found, headers, body = split(answer)
    assert found == status, answer[:300]
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    said = [(error["reason"], error.get("field")) for error in json.loads(body)["errors"]]
    assert said == list(errors)
    if status in {408, 413, 431, 501}:  # the same whatever was asked for
        check(Answer("POST", TOKENS.decode(), status, [*headers.items()], body))


# --- too much --------------------------------------------------------------------------------------------------------


def test_body_that_is_announced_too_long_is_413(server: Server) -> None:
    head = request(server, b"POST", TOKENS, b"Content-Length: 65537\r\n")
    assert_refused(exchange(server.port, head), 413, (BODY_TOO_LARGE, None))


def test_chunked_body_that_grows_too_long_is_413(server: Server) -> None:
    head = request(server, b"POST", TOKENS, b"Transfer-Encoding: chunked\r\n")
    chunks = [b"1000\r\n" + b" " * 4096 + b"\r\n"] * 17
    assert_refused(exchange(server.port, head, *chunks), 413, (BODY_TOO_LARGE, None))


def test_headers_too_long_in_one_piece_are_431(server: Server) -> None:
    head = b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 40_000 + b"\r\n\r\n"
    assert_refused(exchange(server.port, head), 431, (HEAD_TOO_LARGE, None))


def test_headers_that_never_end_are_431(server: Server) -> None:
    pieces = [b"GET /healthz HTTP/1.1\r\n" + HOST, *(b"X%d: " % number + b"a" * 1000 + b"\r\n" for number in range(33))]
    assert_refused(exchange(server.port, *pieces), 431, (HEAD_TOO_LARGE, None))


def test_filter_of_ten_thousand_conditions_is_refused(server: Server) -> None:
    filter = json.dumps({"+or": [{"id": number} for number in range(10_000)]}).encode()
    answer = exchange(server.port, request(server, b"GET", TOKENS, b"X-Filter: " + filter + b"\r\n"))
    assert_refused(answer, 431, (HEAD_TOO_LARGE, None))


def test_filter_of_a_thousand_conditions_is_refused(server: Server) -> None:
    filter = json.dumps({"+or": [{"id": number} for number in range(1000)]}).encode()
    answer = exchange(server.port, request(server, b"GET", TOKENS, b"X-Filter: " + filter + b"\r\n"))
    assert_refused(answer, 400, ("Could not apply filter", "X-Filter"))


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"[" * 60_000, "Invalid JSON", None),
        (b'{"a":' * 12_000, "Invalid JSON", None),
        (b'{"label": %s}' % (b"9" * 60_000), "Invalid JSON", None),
        (b'{"label": %s}' % (b"9" * 4000), "Must be a string", "label"),
        (b'{"label": 1e999999}', "Must be a string", "label"),
        (b'{"label": "\xff"}', "Invalid JSON", None),
        (b'{"label": "a\\u0000b"}', "Must not contain NUL or unpaired surrogates", "label"),
    ],
)
def test_hostile_body_is_400_at_once(server: Server, body: bytes, reason: str, field: str | None) -> None:
    started = time.monotonic()
    assert_refused(exchange(server.port, request(server, b"POST", TOKENS, body=body)), 400, (reason, field))
    assert time.monotonic() - started < 2


# --- not HTTP, or ambiguous ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: x\n\n",
        b"GET /v4/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["tls", "http2", "words", "nul-in-header", "bare-line-feeds", "non-ascii-path", "connect"],
)
def test_what_is_not_http_is_400(server: Server, raw: bytes) -> None:
    assert_refused(exchange(server.port, raw), 400, (NO_HTTP, None))


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"Content-Length: -2\r\n",
    ],
)
def test_body_of_ambiguous_length_is_400(server: Server, headers: bytes) -> None:
    raw = request(server, b"POST", TOKENS, headers) + b"2\r\n{}\r\n0\r\n\r\n"
    assert_refused(exchange(server.port, raw), 400, (NO_HTTP, None))


@pytest.mark.parametrize("path", [TOKENS, b"/verify", b"/healthz", b"/nowhere"])
@pytest.mark.parametrize("coding", [b"gzip, chunked", b"deflate,chunked", b"identity, chunked"])
def test_transfer_coding_that_is_not_undone_is_501(server: Server, path: bytes, coding: bytes) -> None:
    raw = request(server, b"POST", path, b"Transfer-Encoding: " + coding + b"\r\n") + b"2\r\n{}\r\n0\r\n\r\n"
    assert_refused(exchange(server.port, raw), 501, ("Transfer coding not supported", None))


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked"])
def test_chunked_body_is_read(server: Server, coding: bytes) -> None:
    raw = request(server, b"POST", TOKENS, b"Transfer-Encoding: " + coding + b"\r\n") + b"2\r\n{}\r\n0\r\n\r\n"
    assert split(exchange(server.port, raw))[0] == 200


@pytest.mark.parametrize("path", [TOKENS, b"/verify/batch", b"/oauth/introspect"])
@pytest.mark.parametrize("coding", [b"gzip", b"br", b"identity, gzip", b""])
def test_content_coding_is_415(server: Server, path: bytes, coding: bytes) -> None:
    raw = request(server, b"POST", path, b"Content-Encoding: " + coding + b"\r\n", body=b"{}")
    assert split(exchange(server.port, raw))[0] == 415


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("trailer", [b"Authorization: Bearer %s", b"Host: y", b"Content-Type: text/plain", b"X: y"])
def test_trailer_is_no_header(server: Server, trailer: bytes) -> None:
    trailer = trailer.replace(b"%s", server.token.encode())
    signed = [b"Authorization: Bearer %s\r\n" % server.token.encode()] * (not trailer.startswith(b"Auth"))
    head = b"".join([b"POST ", TOKENS, b" HTTP/1.1\r\n", HOST, *signed, CHUNKED, LAST, b"\r\n"])
    answer = exchange(server.port, head + b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n")
    assert split(answer)[0] == (200 if signed else 401)


@pytest.mark.parametrize("piece", [b"a:b\r\n", b"a", b"x: " + b"y" * 100 + b"\r\n"])
def test_trailers_without_end_are_431(server: Server, piece: bytes) -> None:
    head = b"POST /v4/credentials/revoke HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n"
    pieces = piece * (4 * HEAD_BYTES_MAX // len(piece))
    answer = exchange(server.port, head, *(pieces[start : start + 1024] for start in range(0, len(pieces), 1024)))
    assert_refused(answer, 431, (HEAD_TOO_LARGE, None))


def test_length_may_begin_with_zeros(server: Server) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % (TOKENS, server.token.encode())
    answer = exchange(server.port, head + LAST + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\n{}")
    assert split(answer)[0] == 200


def test_content_coding_that_changes_nothing_is_read(server: Server) -> None:
    raw = request(server, b"POST", TOKENS, b"Content-Encoding: Identity\r\n", body=b"{}")
    assert split(exchange(server.port, raw))[0] == 200


def test_missing_host_is_400(server: Server) -> None:
    answer = exchange(server.port, b"GET /healthz HTTP/1.1\r\n" + LAST + b"\r\n")
    assert_refused(answer, 400, ("Must be sent", "Host"))


@pytest.mark.parametrize("name", ["Host", "Authorization"])
@pytest.mark.parametrize("path", [TOKENS, b"/verify"])
def test_doubled_header_is_400(server: Server, name: str, path: bytes) -> None:
    value = f"Bearer {server.token}" if name == "Authorization" else "x"
    raw = request(server, b"GET", path, f"{name}: {value}\r\n".encode())
    assert_refused(exchange(server.port, raw), 400, ("Must be sent only once", name))


@pytest.mark.parametrize("method", [b"TRACE", b"PATCH"])
def test_method_that_is_not_served_is_405(server: Server, method: bytes) -> None:
    assert_refused(exchange(server.port, request(server, method, TOKENS)), 405, ("Method Not Allowed", None))


@pytest.mark.parametrize("path", [b"/v4/%C3%A9", b"/v4/%ff%zz%00", b"/v4/profile/tokens/%F0%9F%94%91", b"*"])
def test_strange_path_is_404(server: Server, path: bytes) -> None:
    assert_refused(exchange(server.port, request(server, b"GET", path)), 404, ("Not found", None))


# --- unusual, and served ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"http://x/v4/profile/tokens", b"/v4/profile/%74okens"])
def test_other_spelling_of_a_path_is_served(server: Server, path: bytes) -> None:
    assert split(exchange(server.port, request(server, b"GET", path)))[0] == 200


def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    status, headers, body = split(exchange(server.port, b"GET /healthz HTTP/1.0\r\n\r\n"))
    assert (status, headers["connection"], json.loads(body)) == (200, "close", {"status": "ok"})


def test_head_has_the_length_of_get_and_no_body(server: Server) -> None:
    head = split(exchange(server.port, request(server, b"HEAD", TOKENS + b"/1")))
    get = split(exchange(server.port, request(server, b"GET", TOKENS + b"/1")))
    assert (head[0], head[1]["content-length"], head[2]) == (200, str(len(get[2])), b"")


@pytest.mark.parametrize("protocol_name", [b"websocket", b"h2c"])
def test_upgrade_is_not_taken_up(server: Server, protocol_name: bytes) -> None:
    raw = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: " + protocol_name + b"\r\n\r\n"
    assert split(exchange(server.port, raw))[0] == 200


def test_expect_continue_is_answered_before_the_body(server: Server) -> None:
    head = request(server, b"POST", TOKENS, b"Expect: 100-continue\r\nContent-Length: 2\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paths = [b"/healthz", TOKENS + b"/1", b"/nowhere", b"/healthz"]
    raw = b"".join(request(server, b"GET", path).replace(LAST, b"") for path in paths[:-1])
    answer = exchange(server.port, raw + request(server, b"GET", paths[-1]))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404", b"200"]


def test_connection_is_kept_for_further_requests(server: Server) -> None:
    raw = request(server, b"GET", b"/nowhere").replace(LAST, b"")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(raw)
            answer = b""
            while not answer.endswith(b"}]}"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 404 ")


# --- slow ------------------------------------------------------------------------------------------------------------


def drip(port: int, first: bytes, drop: bytes) -> tuple[float, bytes]:
    """Send `first`, then `drop` twice a second until the server closes; how long that took, and what it said."""
    started = time.monotonic()
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        connection.sendall(first)
        while time.monotonic() - started < DRIP_SECONDS_MAX:
            try:
                data = connection.recv(4096)
                if not data:
                    break
                received += data
            except TimeoutError:
                connection.sendall(drop)
            except ConnectionResetError:
                break
    return time.monotonic() - started, received


@contextmanager
def bounded_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The protocol alone, with limits of a second, before an application that sends much; its port."""
    for name in ("HEAD_SECONDS_MAX", "BODY_SECONDS_MAX", "CLOSING_SECONDS_MAX"):
        monkeypatch.setattr(protocol, name, 1)
    monkeypatch.setattr(protocol, "WATCH_SECONDS", 0.1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message: Any = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
        if message["type"] == "http.disconnect":
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"x" * 20_000_000})

    config = uvicorn.Config(
        app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def test_slow_and_silent_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    start = b"GET /healthz HTTP/1.1\r\n"
    with bounded_server(monkeypatch) as port, ThreadPoolExecutor(3) as pool:
        slow, silent, blank = pool.map(lambda sent: drip(port, *sent), [(start, b"X"), (b"", b""), (b"\r\n", b"\r\n")])
    assert_refused(slow[1], 408, ("Request timed out", None))
    assert silent[1] == b""
    assert max(slow[0], silent[0], blank[0]) < 1 + 4


def test_slow_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with bounded_server(monkeypatch) as port:
        took, said = drip(port, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n", b"x")
    assert_refused(said, 408, ("Request timed out", None))
    assert took < 4


def test_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    received = 0
    with bounded_server(monkeypatch) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        time.sleep(3)
        try:
            while data := connection.recv(1 << 20):
                received += len(data)
        except ConnectionResetError:
            pass
    assert received < 20_000_000


# --- who is calling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "address"), [((), "127.0.0.1"), (("--trusted-proxies", "127.0.0.1"), "203.0.113.9")]
)
def test_forwarded_address_is_believed_of_trusted_proxies_only(
    tmp_path: Path, arguments: tuple[str, ...], address: str
) -> None:
    with serving(tmp_path / "data", *arguments) as server:
        raw = request(server, b"POST", TOKENS, b"X-Forwarded-For: 203.0.113.9\r\n", body=b"{}")
        assert split(exchange(server.port, raw))[0] == 200
    newest = tokenry(
        "admin", "audit", "list", "--limit", "1", "--data-dir", str(tmp_path / "data")
    ).stdout.splitlines()[1]
    assert newest.split("\t")[4] == address
