"""A client that has said all it has to say, and closes its half of the connection, is answered all the same."""

import socket
from collections.abc import Sequence

import pytest

from tests.servers import Server
from tests.serving.parts import head

OF_EACH_KIND = ["/verify", "/readyz", "/healthz", "/v4/profile/tokens", "/v4/account/tokens/export", "/nowhere"]
INCOMPLETE = b'{"errors": [{"reason": "Incomplete request"}]}'


def exchange(server: Server, *pieces: bytes) -> bytes:
    """Send the pieces and the end; all that comes back until the server closes too."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(65536):
            received += data
    return received


def statuses(answer: bytes) -> Sequence[bytes]:
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


def ask(server: Server, line: str, *headers: str) -> bytes:
    return head(line, f"Authorization: Bearer {server.token}", *headers)


@pytest.mark.parametrize("path", OF_EACH_KIND)
def test_request_before_the_end_is_answered(server: Server, path: str) -> None:
    expected = b"404" if path == "/nowhere" else b"200"
    assert statuses(exchange(server, ask(server, f"GET {path}"))) == [expected]
    assert statuses(exchange(server, ask(server, f"GET {path}").replace(b"HTTP/1.1", b"HTTP/1.0"))) == [expected]


def test_body_before_the_end_is_read_and_carried_out(server: Server) -> None:
    body = b'{"label": "said and gone"}'
    for request in (
        ask(server, "POST /v4/profile/tokens", f"Content-Length: {len(body)}") + body,
        ask(server, "POST /v4/profile/tokens", "Transfer-Encoding: chunked")
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ):
        answer = exchange(server, request)
        assert statuses(answer) == [b"200"]
        assert b'"label": "said and gone"' in answer


def test_every_request_before_the_end_is_answered_in_order(server: Server) -> None:
    requests = [ask(server, f"GET {path}") for path in OF_EACH_KIND]
    expected = [b"404" if path == "/nowhere" else b"200" for path in OF_EACH_KIND]
    assert statuses(exchange(server, b"".join(requests))) == expected
    assert statuses(exchange(server, *requests)) == expected


@pytest.mark.parametrize(
    "rest",
    [
        b"GET /v4/profile/tokens HTTP/1.1\r\nHost: x\r\n",
        b"G",
        b"POST /v4/profile/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        b"POST /v4/profile/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
        b"POST /v4/profile/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_request_that_is_not_complete_is_said_to_be_so(server: Server, rest: bytes) -> None:
    rest = rest.replace(b"Host: x\r\n", b"Host: x\r\nAuthorization: Bearer %s\r\n" % server.token.encode())
    answer = exchange(server, rest)
    assert statuses(answer) == [b"400"]
    assert answer.endswith(INCOMPLETE)
    for first in ("/v4/profile/tokens", "/verify"):
        assert statuses(exchange(server, ask(server, f"GET {first}"), rest))[0] == b"200"
        assert statuses(exchange(server, ask(server, f"GET {first}") + rest))[0] == b"200"


@pytest.mark.parametrize("line", ["POST /v4/profile/tokens", "POST /healthz"])
def test_request_that_was_answered_before_its_body_is_not_answered_twice(server: Server, line: str) -> None:
    answer = exchange(server, head(line, "Content-Length: 9") + b"{")
    assert statuses(answer) == [b"401" if line.endswith("tokens") else b"405"]


def test_end_without_a_request_is_answered_with_the_end(server: Server) -> None:
    assert exchange(server) == b""
    assert exchange(server, b"\r\n") == b""
    assert statuses(exchange(server, ask(server, "GET /v4/profile/tokens") + b"\r\n")) == [b"200"]
