"""Asking the service over HTTP: what is sent, and that whatever is answered but a yes is a no."""

import asyncio
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.gateways.parts import Headers, HttpServer, Relay
from tests.middleware.applications import ADA, IDENTITY
from tests.servers import Server
from tokenry.middleware import Answer, Identity, Metadata, Needs, Question, Refused
from tokenry.middleware.answers import UNAVAILABLE
from tokenry.middleware.remote import BODY_BYTES_MAX, RemoteVerifier

TOKEN = "pat_" + "S3cr" * 12 + "et"
AUTHORIZATION = f"Bearer {TOKEN}"
EMPTY_OR_ODD = ("X-Auth-Scopes", "X-Auth-Expires", "X-Auth-Client-Id", "X-Auth-External-Id")
CHALLENGE = ("WWW-Authenticate", 'Bearer realm="tokenry"')
JSON = ("Content-Type", "application/json")
ENVELOPE = b'{"errors": [{"reason": "Invalid Token"}]}'
Ask = Callable[..., Answer]


ASKED = Question(Needs(), "GET", AUTHORIZATION, "203.0.113.7", "curl/8")


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Both shells: a function that asks one question of the service at a port."""

    def ask_sync(port: int, asked: Question = ASKED, *, seconds: float = 10) -> Answer:
        verifier = RemoteVerifier(f"http://127.0.0.1:{port}", timeout=seconds)
        try:
            return verifier.verify(asked)
        finally:
            verifier.close()

    async def ask_async(port: int, asked: Question = ASKED, *, seconds: float = 10) -> Answer:
        verifier = RemoteVerifier(f"http://127.0.0.1:{port}", timeout=seconds)
        try:
            return await verifier.verify_async(asked)
        finally:
            await verifier.close_async()

    if request.param == "sync":
        return ask_sync
    return lambda *arguments, **named: asyncio.run(ask_async(*arguments, **named))


def test_what_is_sent(ask: Ask) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        assert ask(server.port) == ADA
        assert (server.last.method, server.last.target) == ("GET", "/verify")
        assert dict(server.last.headers) == {
            "Host": f"127.0.0.1:{server.port}",
            "Authorization": AUTHORIZATION,
            "User-Agent": "curl/8",
            "X-Forwarded-For": "203.0.113.7",
        }


def test_policy_is_sent(ask: Ask) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        ask(server.port, replace(ASKED, needs=Needs("linodes:read_only", "domains:read_write")))
        assert server.last.target == "/verify?scope=linodes%3Aread_only&scope=domains%3Aread_write"
        ask(server.port, replace(ASKED, needs=Needs(resource=["linodes", "volumes"]), method="PATCH"))
        assert server.last.target == "/verify/auth-request?resource=linodes&resource=volumes"
        assert server.last.values("X-Original-Method") == ["PATCH"]


@pytest.mark.parametrize("by_method", [False, True])
def test_proof_is_handed_on_where_it_is_said_what_it_has_to_be_for(*, by_method: bool) -> None:
    needs = Needs(resource="linodes") if by_method else Needs("linodes:read_only")
    asked = Question(needs, "PUT", "DPoP tbat", target="/a%2Fb?c", proof="a.b.c")
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}", origin="https://API.example:443")
        for question in (asked, replace(asked, authorization="Bearer a")):
            assert verifier.verify(question) == ADA
        verifier.close()
        with_proof, without = server.requests
    assert with_proof.target == f"/verify/auth-request?{needs.query}&origin=https%3A%2F%2Fapi.example"
    told = {name: with_proof.values(name) for name in ("DPoP", "X-Original-URI", "X-Original-Method")}
    assert told == {"DPoP": ["a.b.c"], "X-Original-URI": ["/a%2Fb?c"], "X-Original-Method": ["PUT"]}
    assert "origin" not in without.target
    assert not without.values("DPoP") + without.values("X-Original-URI")


def test_without_an_origin_no_proof_is_handed_on(ask: Ask) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        ask(server.port, replace(ASKED, authorization="DPoP tbat", target="/a", proof="a.b.c"))
        assert (server.last.target, server.last.values("DPoP")) == ("/verify", [])


@pytest.mark.parametrize("origin", ["", "api.example", "http://api.example", "https://api.example/"])
def test_origin_that_is_none_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValueError):
        RemoteVerifier("http://127.0.0.1:8470", origin=origin)


@pytest.mark.parametrize("told", [None, Metadata(), Metadata('{"plan":"pro"}')])
def test_metadata_is_read_where_the_service_tells_it(ask: Ask, told: Metadata | None) -> None:
    headers = IDENTITY if told is None else {**IDENTITY, "X-Auth-Metadata": told.write_header()}
    with HttpServer(headers=list(headers.items()), body=b"").running() as server:
        answer = ask(server.port)
    assert isinstance(answer, Identity)
    assert answer.metadata == told


@pytest.mark.parametrize("name", IDENTITY)
def test_yes_without_a_header_is_no(ask: Ask, name: str) -> None:
    headers = [(key, value) for key, value in IDENTITY.items() if key != name]
    with HttpServer(headers=headers, body=b"").running() as server:
        assert ask(server.port) == UNAVAILABLE


@pytest.mark.parametrize("name", [name for name in IDENTITY if name not in EMPTY_OR_ODD])
def test_yes_with_a_header_twice_is_no(ask: Ask, name: str) -> None:
    with HttpServer(headers=[*IDENTITY.items(), (name, "5")], body=b"").running() as server:
        assert ask(server.port) == UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Auth-User", ""),
        ("X-Auth-User-Id", "-1"),
        ("X-Auth-Account-Id", "one"),
        ("X-Auth-Token-Id", "1.0"),
        ("X-Auth-Scopes", ","),
        ("X-Auth-Scopes", "linodes"),
        ("X-Auth-Expires", "soon"),
        ("X-Auth-Expires", "9" * 30),
        ("X-Auth-External-Id", "a@b"),
        ("X-Auth-External-Id", "a, a"),
        ("X-Auth-External-Id", "%FF"),
        ("X-Auth-Metadata", "e30"),
        ("X-Auth-Metadata", "e30, e30"),
    ],
)
def test_yes_that_cannot_be_read_is_no(ask: Ask, name: str, value: str) -> None:
    with HttpServer(headers=list((IDENTITY | {name: value}).items()), body=b"").running() as server:
        assert ask(server.port) == UNAVAILABLE


def test_token_may_have_no_scope_left(ask: Ask) -> None:
    """All that it had was taken out of the catalogue."""
    with HttpServer(headers=list((IDENTITY | {"X-Auth-Scopes": ""}).items()), body=b"").running() as server:
        assert ask(server.port) == ADA._replace(scopes="")


@pytest.mark.parametrize("status", [201, 204, 206, 400, 404, 405, 429, 500, 502, 503])
def test_other_status_is_no_whatever_the_headers_say(ask: Ask, status: int) -> None:
    body = b"" if status == 204 else ENVELOPE
    with HttpServer(status, [*IDENTITY.items(), CHALLENGE, JSON], body).running() as server:
        assert ask(server.port) == UNAVAILABLE


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_is_handed_on(ask: Ask, status: int) -> None:
    with HttpServer(status, [CHALLENGE, JSON], ENVELOPE).running() as server:
        assert ask(server.port) == Refused(status, ENVELOPE, CHALLENGE[1])


LEFT = [("X-RateLimit-Limit", "6"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "99"), ("Retry-After", "7")]


def test_refusal_of_a_token_that_is_used_too_often_is_handed_on_with_what_is_left(ask: Ask) -> None:
    asked = replace(ASKED, needs=Needs("linodes:read_only", cost=3))
    with HttpServer(429, [*LEFT, JSON], ENVELOPE).running() as server:
        answer = ask(server.port, asked)
        assert server.last.target == "/verify?scope=linodes%3Aread_only&cost=3"
    assert answer == Refused(429, ENVELOPE, left=LEFT)
    assert set(LEFT) <= set(answer.headers)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([*LEFT, ("Content-Type", "text/html")], b"<html>"),
        ([*LEFT, JSON], b"<html>"),
        ([("Retry-After", "7"), JSON], ENVELOPE),
        ([*LEFT[:3], ("Retry-After", "soon"), JSON], ENVELOPE),
    ],
    ids=["a page", "a page as JSON", "no limit", "no number"],
)
def test_refusal_of_somebody_else_is_no_decision(ask: Ask, headers: Headers, body: bytes) -> None:
    with HttpServer(429, headers, body).running() as server:
        assert ask(server.port) == UNAVAILABLE


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([CHALLENGE, ("Content-Type", "text/html")], b"<html>"),
        ([CHALLENGE, JSON], b"<html>"),
        ([CHALLENGE, JSON], b"[" * 50_000),
        ([CHALLENGE, JSON], b'{"errors": []}'),
        ([JSON], ENVELOPE),
        ([("WWW-Authenticate", "Basic"), JSON], ENVELOPE),
    ],
    ids=["a page", "a page as JSON", "deep", "no error", "no challenge", "another challenge"],
)
def test_refusal_of_somebody_else_is_unavailable(ask: Ask, headers: Headers, body: bytes) -> None:
    with HttpServer(401, headers, body).running() as server:
        assert ask(server.port) == UNAVAILABLE


def test_page_in_place_of_the_service_is_no(ask: Ask) -> None:
    with HttpServer(200, [("Content-Type", "text/html")], b"<html>Welcome to nginx!").running() as server:
        assert ask(server.port) == UNAVAILABLE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_token_does_not_follow_a_redirect(ask: Ask, status: int) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as elsewhere:
        location = ("Location", f"http://localhost:{elsewhere.port}/verify")
        with HttpServer(status, [location], b"").running() as server:
            assert ask(server.port) == UNAVAILABLE
        assert elsewhere.requests == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_token_goes_through_no_proxy_of_the_environment(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with HttpServer().running() as proxy, HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        assert ask(server.port) == ADA
        assert proxy.requests == []


def test_cookie_is_not_kept() -> None:
    with HttpServer(headers=[*IDENTITY.items(), ("Set-Cookie", "a=b; Path=/")], body=b"").running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}")
        for _ in range(2):
            verifier.verify(ASKED)
        verifier.close()
        assert server.last.values("Cookie") == []


@contextmanager
def saying(*pieces: bytes, pause: float = 0) -> Iterator[int]:
    """A server that says these pieces to everybody and then closes, without having listened; its port."""
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                ended.wait(pause)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


HEAD = "".join(f"{name}: {value}\r\n" for name, value in IDENTITY.items()).encode()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
        [b"HTTP/1.1 200 OK\r\nX-Auth-User: ada\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + HEAD],
        [b"HTTP/1.1 200 OK\r\n" + HEAD + b"Content-Length: 5\r\n\r\nab"],
        [b"HTTP/1.1 200 OK\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"],
        [b"HTTP/1.1 200 OK\r\n" + HEAD + b"\r\n" + b"x" * (BODY_BYTES_MAX + 1)],
    ],
    ids=["nothing", "another protocol", "half a head", "no end of the head", "short body", "short chunk", "no end"],
)
def test_broken_answer_is_no(ask: Ask, pieces: list[bytes]) -> None:
    with saying(*pieces) as port:
        assert ask(port) == UNAVAILABLE


def test_silence_is_no_after_the_timeout(ask: Ask) -> None:
    with saying(b"", pause=20) as port:
        started = time.monotonic()
        assert ask(port, seconds=0.2) == UNAVAILABLE
        assert 0.1 < time.monotonic() - started < 5


def test_dripping_body_is_no_after_the_timeout(ask: Ask) -> None:
    pieces = [b"HTTP/1.1 200 OK\r\n" + HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 1000]
    with saying(*pieces, pause=0.05) as port:
        started = time.monotonic()
        assert ask(port, seconds=0.3) == UNAVAILABLE
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("field", ["authorization", "agent", "address"])
@pytest.mark.parametrize("value", ["a\nX-Forwarded-For: 192.0.2.1", "\u20ac", "a\x00", "a\r\n\r\nGET / HTTP/1.1"])
def test_header_that_cannot_be_sent_is_no(ask: Ask, field: str, value: str) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        assert ask(server.port, replace(ASKED, **{field: value})) == UNAVAILABLE  # type: ignore[arg-type]
        assert server.requests == []


def test_connections_are_kept(service: Server) -> None:
    relay = Relay(service.port)
    verifier = RemoteVerifier(f"http://127.0.0.1:{relay.port}", timeout=10)
    for _ in range(5):
        assert isinstance(verifier.verify(ASKED), Refused)

    async def ask_often() -> None:
        for _ in range(5):
            assert isinstance(await verifier.verify_async(ASKED), Refused)
        await verifier.close_async()

    asyncio.run(ask_often())
    assert relay.connections == 2
    relay.close()


def test_one_event_loop_after_the_other(service: Server) -> None:
    verifier = RemoteVerifier(service.url, timeout=10)
    asked = Question(Needs(), "GET", f"Bearer {service.token}")

    async def ask_once() -> Answer:
        answer = await verifier.verify_async(asked)
        await verifier.close_async()
        return answer

    assert all(isinstance(asyncio.run(ask_once()), Identity) for _ in range(2))


def test_many_questions_at_once(service: Server) -> None:
    verifier = RemoteVerifier(service.url, timeout=10, connections_max=4)
    asked = Question(Needs(), "GET", f"Bearer {service.token}")

    async def ask_many() -> list[Answer]:
        answers = await asyncio.gather(*(verifier.verify_async(asked) for _ in range(50)))
        await verifier.close_async()
        return answers

    assert {type(answer) for answer in asyncio.run(ask_many())} == {Identity}


def test_token_is_in_no_log_and_no_repr(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with HttpServer(500).running() as server:
        ask(server.port)
    ask(server.port)  # by now nobody listens
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        ask(server.port)
    asked = Question(Needs(), "GET", f"{AUTHORIZATION}\n")
    with saying(b"HTTP/1.1 200 OK\r\n") as port:
        ask(port, asked)
    assert "no decision from http://127.0.0.1:" in caplog.text
    for text in (caplog.text, repr(asked), repr(ASKED)):
        assert "S3cr" not in text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8470",
        "ftp://a",
        "http://",
        "http://user:word@a",
        "http://a?b=c",
        "http://a/#b",
        "unix:",
        "unix:a.sock",
        "unix:/a\0b",
    ],
)
def test_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        RemoteVerifier(url)


def test_service_below_a_path(ask: Ask) -> None:
    with HttpServer(headers=list(IDENTITY.items()), body=b"").running() as server:
        verifier = RemoteVerifier(f"http://127.0.0.1:{server.port}/tokens")
        assert verifier.verify(ASKED) == ADA
        assert server.last.target == "/tokens/verify"
        verifier.close()


def test_import_needs_nothing_of_the_server() -> None:
    """What other people's applications install has neither a database nor a framework but their own in it."""
    script = """
import sys
import tokenry.middleware, tokenry.middleware.asgi, tokenry.middleware.wsgi, tokenry.middleware.remote
print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""
    unwanted = ["sqlalchemy", "starlette", "uvicorn", "structlog", "typer", "yaml", "fastapi", "django"]
    run = subprocess.run([sys.executable, "-c", script, *unwanted], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
