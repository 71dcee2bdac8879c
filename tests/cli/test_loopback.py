"""Where a browser comes back to: one request is taken, of whoever may come; the others change nothing."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tokenry.cli import loopback
from tokenry.cli.loopback import DONE, HEAD_BYTES_MAX, REFUSED, VISITORS_MAX, Loopback, Parameters

SECONDS_MAX = 20
RIGHT = "/?code=sesame&state=right"


def is_right(parameters: Parameters) -> bool:
    return parameters.get("state") == "right"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def heard(server: Loopback) -> Iterator["Future[Parameters]"]:
    """What is heard in the end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(server.wait, is_right, seconds=SECONDS_MAX)
        yield future
        if not future.done():  # a test that fails does not hang
            ask(server, RIGHT)


def connect(server: Loopback) -> socket.socket:
    name, port = server.host.split(":")
    return socket.create_connection((name, int(port)), SECONDS_MAX)


def say(server: Loopback, head: bytes) -> bytes:
    """Send this; all that comes back."""
    try:
        with connect(server) as connection:
            connection.sendall(head)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer
    except OSError:  # nobody listens, or listens on
        return b""


def ask(server: Loopback, target: str, *, host: str | None = None, method: str = "GET") -> str:
    host = server.host if host is None else host
    return say(server, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).decode()


def test_browser_is_heard_and_sees_nothing_of_the_code(server: Loopback, heard: "Future[Parameters]") -> None:
    answer = ask(server, RIGHT)
    assert heard.result(SECONDS_MAX) == {"code": "sesame", "state": "right"}
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert DONE in answer
    assert "sesame" not in answer
    assert "Content-Security-Policy: default-src 'none'" in answer
    assert "Cache-Control: no-store" in answer


@pytest.mark.parametrize(
    "target",
    [
        "/?code=evil&state=wrong",
        "/?code=evil",
        "/",
        "/?code=evil&state=wrong&state=right",
        "/?code=evil&code=sesame&state=right",
        "/x?code=evil&state=right",
        "//?code=evil&state=right",
        "/favicon.ico",
        "/?code=evil&state=right&" + "&".join(f"a{number}=" for number in range(20)),
    ],
)
def test_what_is_not_waited_for_is_refused(server: Loopback, heard: "Future[Parameters]", target: str) -> None:
    answer = ask(server, target)
    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert REFUSED in answer
    ask(server, RIGHT)
    assert heard.result(SECONDS_MAX)["code"] == "sesame"


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "", "evil\r\nHost: {own}"])
def test_request_for_another_host_is_refused(server: Loopback, heard: "Future[Parameters]", host: str) -> None:
    """So no page whose name leads here by a trick (DNS rebinding) says anything."""
    answer = ask(server, RIGHT.replace("sesame", "evil"), host=host.replace("{own}", server.host))
    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n")
    ask(server, RIGHT)
    assert heard.result(SECONDS_MAX)["code"] == "sesame"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /?code=evil&state=right HTTP/1.1\r\nHost: {own}\r\n\r\n",
        b"GET /?code=evil&state=right HTTP/2.0\r\nHost: {own}\r\n\r\n",
        b"GET /?code=evil&state=right\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"\r\n\r\n",
        b"x" * (HEAD_BYTES_MAX + 1),
    ],
    ids=range(6),
)
def test_what_is_no_such_request_is_refused(server: Loopback, heard: "Future[Parameters]", head: bytes) -> None:
    say(server, head.replace(b"{own}", server.host.encode()))
    ask(server, RIGHT)
    assert heard.result(SECONDS_MAX)["code"] == "sesame"


def test_nobody_who_says_nothing_is_in_the_way(server: Loopback, heard: "Future[Parameters]") -> None:
    with ExitStack() as stack:
        for number in range(2 * VISITORS_MAX):
            connection = stack.enter_context(connect(server))
            if number % 2:
                connection.sendall(b"GET / HT")
        assert DONE in ask(server, RIGHT)
        assert heard.result(SECONDS_MAX)["code"] == "sesame"


def test_who_takes_too_long_is_let_go(
    server: Loopback, heard: "Future[Parameters]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "HEAD_SECONDS_MAX", 0.1)
    with connect(server) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(1) == b""
    assert not heard.done()


def test_wait_has_an_end(server: Loopback) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        server.wait(is_right, seconds=0.2)
    assert time.monotonic() - began < SECONDS_MAX


def test_nothing_is_taken_afterwards(server: Loopback, heard: "Future[Parameters]") -> None:
    ask(server, RIGHT)
    heard.result(SECONDS_MAX)
    with server:
        pass
    assert ask(server, RIGHT) == ""


def test_it_listens_on_this_machine_alone(server: Loopback) -> None:
    assert server.host.startswith("127.0.0.1:")
    assert server.address == f"http://{server.host}"
