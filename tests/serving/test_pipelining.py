"""Several requests on one connection: each is answered, in order, with the answer that is its own."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.servers import Server
from tokenry.serving import protocol
from tokenry.serving.protocol import BoundedProtocol

TOKENS = "/v4/profile/tokens"


def bearer(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


def request(server: Server, line: str, body: str = "", *headers: str) -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: x", f"Authorization: Bearer {server.token}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("ascii")


def exchange(server: Server, raw: bytes) -> list[tuple[int, Any]]:
    """Send it all at once; status and body of every answer until the server closes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw)
        while data := connection.recv(65536):
            received += data
    answers = re.split(rb"(?=HTTP/1\.1 \d{3} )", bytes(received))[1:]
    return [(int(answer[9:12]), json.loads(answer.partition(b"\r\n\r\n")[2] or b"null")) for answer in answers]


def create(server: Server) -> int:
    token_id: int = httpx2.post(f"{server.url}{TOKENS}", headers=bearer(server), json={}).json()["id"]
    return token_id


def exists(server: Server, token_id: int) -> bool:
    return httpx2.get(f"{server.url}{TOKENS}/{token_id}", headers=bearer(server)).status_code == 200


def test_requests_beyond_those_that_may_wait_are_refused_after_the_others(server: Server) -> None:
    """Else one read would bring thousands, and a client that reads nothing would have them kept."""
    some = protocol.PIPELINED_MAX + 1  # the first one does not wait
    read = request(server, "GET /healthz")
    last = request(server, "GET /healthz", "", "Connection: close")
    assert [status for status, _ in exchange(server, read * (some - 1) + last)] == [200] * some
    answers = exchange(server, read * (some + 20))
    assert [status for status, _ in answers] == [200] * some + [400]
    assert answers[-1][1] == {"errors": [{"reason": "Too many requests at once"}]}


def test_pipelined_writes_happen_in_order(server: Server) -> None:
    first = create(server)
    answers = exchange(
        server,
        request(server, f"PUT {TOKENS}/{first}", '{"label": "one"}')
        + request(server, f"POST {TOKENS}", '{"label": "two"}')
        + request(server, f"DELETE {TOKENS}/{first}")
        + request(server, f"GET {TOKENS}/{first}")
        + request(server, f"POST {TOKENS}", '{"label": "three"}', "Connection: close"),
    )
    assert [status for status, _ in answers] == [200, 200, 200, 404, 200]
    assert [answers[place][1]["label"] for place in (0, 1, 4)] == ["one", "two", "three"]


def test_nothing_behind_connection_close_is_carried_out(server: Server) -> None:
    token_id = create(server)
    raw = request(server, "GET /healthz", "", "Connection: close") + request(server, f"DELETE {TOKENS}/{token_id}")
    assert [status for status, _ in exchange(server, raw)] == [200]
    assert exists(server, token_id)


@pytest.mark.parametrize("behind", [b"{}", b"GARBAGE GARBAGE\r\n\r\n", b"\x16\x03\x01"])
def test_what_was_carried_out_is_answered_also_with_garbage_behind_it(server: Server, behind: bytes) -> None:
    token_id = create(server)
    answers = exchange(server, request(server, f"DELETE {TOKENS}/{token_id}") + behind)
    time.sleep(0.2)  # a deletion that goes on behind its answer would be done by then
    assert (answers[0][0] == 200) == (not exists(server, token_id)), answers


@pytest.mark.parametrize("body", [b"zz\r\n", b"2\r\n{}\r\nzz\r\n"])
def test_nothing_is_carried_out_whose_body_is_broken(server: Server, body: bytes) -> None:
    token_id = create(server)
    raw = request(server, "GET /healthz") + request(
        server, f"DELETE {TOKENS}/{token_id}", "", "Transfer-Encoding: chunked"
    )
    assert [status for status, _ in exchange(server, raw + body)] == [200, 400]
    assert exists(server, token_id)


@pytest.mark.parametrize("path", ["/v4/profile%2Ftokens", "/v4/profile%2ftokens/1", "/v4/profile/tokens%00"])
def test_encoded_separator_is_no_separator(server: Server, path: str) -> None:
    raw = request(server, f"GET {path}", "", "Connection: close")
    assert exchange(server, raw) == [(404, {"errors": [{"reason": "Not found"}]})]


def test_garbage_behind_a_request_is_answered_400(server: Server) -> None:
    answers = exchange(server, request(server, "GET /healthz") + b"GARBAGE GARBAGE\r\n\r\n")
    assert answers[-1] == (400, {"errors": [{"reason": "Invalid HTTP request received."}]})


@pytest.mark.parametrize("path", ["/verify", "/healthz", TOKENS, f"{TOKENS}/1"])
def test_path_with_a_line_feed_behind_it_is_another_path(server: Server, path: str) -> None:
    raw = request(server, f"GET {path}%0A", "", "Connection: close")
    assert exchange(server, raw) == [(404, {"errors": [{"reason": "Not found"}]})]


def test_client_that_hangs_up_half_way_through_a_body_changes_nothing(server: Server) -> None:
    token_id = create(server)
    raw = request(server, f"PUT {TOKENS}/{token_id}", '{"label": "torn"}')
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw[:-1])
    time.sleep(0.2)
    read = httpx2.get(f"{server.url}{TOKENS}/{token_id}", headers=bearer(server)).json()
    assert read["label"] == f"token-{token_id}"


@contextmanager
def generous_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, uvicorn.Server]]:
    """The protocol alone, with limits of a second, before an application that answers everything with a megabyte."""
    for name in ("BODY_SECONDS_MAX", "CLOSING_SECONDS_MAX"):
        monkeypatch.setattr(protocol, name, 1)
    monkeypatch.setattr(protocol, "WATCH_SECONDS", 0.1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})
        await send({"type": "http.response.body", "body": b"x" * 1_000_000})

    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield listener.getsockname()[1], server
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.mark.parametrize("requests", [1, 20])
def test_client_that_asks_and_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    with generous_server(monkeypatch) as (port, server), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
        deadline = time.monotonic() + 8
        while not server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not server.server_state.connections
