"""The fast path gives the ordinary route's answers, byte for byte, whatever is sent and however it is cut."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import httptools
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tests.serving.parts import PEER, PROVER, Served, Wire, fill, head, no_app
from tokenry.gate.heads import METHODS, read_plain
from tokenry.gate.questions import QUESTIONS
from tokenry.gate.senders import Sender
from tokenry.serving.protocol import BoundedProtocol
from tokenry.web.headers import OF_THE_SERVER, SPECIAL


async def answered(protocol: BoundedProtocol) -> None:
    """Let a look-up that has to be waited for end; without one, not a turn of the event loop goes by."""
    look_up = protocol._sender.look_up
    if look_up is not None:
        await asyncio.wait([look_up.answer])
        await asyncio.sleep(0)


def answers_alike(served: Served, raw: bytes, chunks: Sequence[bytes] | None = None) -> bytes:
    """The answer, once both ways have given the same."""
    ordinary = served.exchange([raw], fast=False)
    assert served.exchange([raw], fast=True) == ordinary
    assert served.exchange([raw], fast=True) == ordinary  # now that the token is remembered
    if chunks is not None:
        assert served.exchange(chunks, fast=True) == ordinary
    return ordinary[0]


# --- what is fast, and that it is ---------------------------------------------------------------------------------


RECORDED = {
    "nginx": """GET /verify/auth-request?resource=linodes HTTP/1.1
Authorization: Bearer {}
User-Agent: curl/8.5.0
X-Original-Method: GET
X-Forwarded-For: 203.0.113.7
Host: tokenry""",
    "haproxy": """GET /verify/auth-request?resource=linodes HTTP/1.1
x-forwarded-for: 203.0.113.7
authorization: Bearer {}
x-original-method: GET
host: 127.0.0.1:8470
accept: */*
user-agent: HAProxy""",
    "caddy": """GET /verify/forward-auth?resource=linodes HTTP/1.1
Host: api.example.org
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Accept: */*
Accept-Encoding: gzip, deflate, br
Authorization: Bearer {}
Content-Type: application/json
Cookie: session=0123456789abcdef
Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
Via: 1.1 Caddy
X-Forwarded-For: 203.0.113.7
X-Forwarded-Host: api.example.org
X-Forwarded-Method: GET
X-Forwarded-Proto: http
X-Forwarded-Uri: /v4/things/1?b=c""",
    "traefik": """GET /verify/forward-auth?resource=linodes HTTP/1.1
Host: 127.0.0.1:8470
User-Agent: Go-http-client/1.1
Authorization: Bearer {}
X-Forwarded-For: 203.0.113.7
X-Forwarded-Host: api.example.org
X-Forwarded-Method: GET
X-Forwarded-Proto: http
X-Forwarded-Uri: /a?b=c
Accept-Encoding: gzip""",
    "envoy": """GET /verify/ext-authz/resource=linodes//v4/things/%2F?b=c&scope=volumes:read_only HTTP/1.1
host: api.example.org
content-length: 0
user-agent: curl/8.5.0
authorization: Bearer {}
x-forwarded-for: 203.0.113.7
x-envoy-internal: true
x-envoy-expected-rq-timeout-ms: 5000""",
}
"""How each gateway asks under its recipe; with a token in the braces."""
METHOD_PLACES = ("riginal-Method: GET", "riginal-method: GET", "orwarded-Method: GET", "GET /verify/ext-authz")


def asked(gateway: str, token: str, method: str = "GET") -> bytes:
    """The question of a gateway about a client's request with this method."""
    text = RECORDED[gateway].format(token)
    for place in METHOD_PLACES:
        text = text.replace(place, place.replace("GET", method))
    return "\r\n".join([*text.splitlines(), "", ""]).encode()


def at_once(served: Served, raw: bytes) -> bytes:
    """The answer of the fast path, without a task."""
    protocol = BoundedProtocol(served.config, served.state, served.lifespan.state, served.loop)
    wire = Wire()

    async def ask() -> bytes:
        protocol.connection_made(wire)
        protocol.data_received(raw)
        await answered(protocol)
        assert not served.state.tasks
        answer = wire.received
        protocol.connection_lost(None)
        return answer

    return served.run(ask())


@pytest.mark.parametrize(
    ("line", "name", "status"),
    [
        ("GET /verify", "good", 200),
        ("HEAD /verify", "good", 200),
        ("POST /verify", "good", 200),
        ("DELETE /verify", "good", 405),
        ("GET /verify?scope=linodes:read_only", "narrow", 200),
        ("GET /verify?scope=linodes:read_write", "narrow", 403),
        ("HEAD /verify?scope=linodes:read_write", "narrow", 403),
        ("GET /verify?scope=linodes:read_only&scope=volumes:read_only", "narrow", 403),
        ("GET /verify?scope=nonsense", "good", 400),
        ("HEAD /verify?scope=nonsense", "good", 400),
        ("GET /verify?resource=linodes", "good", 400),
        ("GET /verify/auth-request?resource=linodes", "good", 400),
        ("GET /verify", "here", 200),
        ("GET /verify", "office", 401),
        ("GET /verify", "expired", 401),
        ("GET /verify", "revoked", 401),
        ("GET /verify", "unknown", 401),
        ("GET /verify", "wrong", 401),
        ("HEAD /verify", "wrong", 401),
        ("POST /verify/ext-authz/resource=linodes/", "narrow", 403),
        ("HEAD /verify/ext-authz/resource=linodes/a", "narrow", 200),
        ("OPTIONS /verify/ext-authz//a", "narrow", 200),
        ("GET /verify/ext-authz/resource=linode/a", "narrow", 400),
        ("GET /verify", "app", 200),
        ("GET /verify?scope=linodes:read_write", "app", 403),
        ("GET /verify?audience=https://other.example/", "app", 200),
        ("GET /verify", "meant", 401),
        ("GET /verify?scope=linodes:read_only", "meant", 401),
        ("GET /verify?scope=linodes:read_write", "meant", 401),
        ("GET /verify?audience=https://other.example/", "meant", 401),
        ("GET /verify?audience=https://mcp.example/", "meant", 200),
        ("GET /verify?audience=https%3A%2F%2Fmcp.example%2F&scope=linodes:read_only", "meant", 200),
        ("GET /verify?audience=https://mcp.example/&scope=linodes:read_write", "meant", 403),
        ("GET /verify?audience=https://mcp.example/&audience=https://other.example/", "meant", 400),
        ("GET /verify?cost=1", "good", 200),
        ("GET /verify?scope=linodes:read_write&cost=1", "limited", 403),
        ("GET /verify?cost=0", "limited", 200),
        ("GET /verify?cost=1&cost=1", "good", 400),
        ("GET /verify?cost=1001", "good", 400),
        ("GET /verify/ext-authz/cost=1/a", "good", 200),
        ("GET /verify?scope=messages:read@team-7", "team", 200),
        ("GET /verify?scope=messages:read@team-8", "team", 403),
        ("GET /verify/ext-authz/resource=messages@team-7/a", "team", 200),
        ("PUT /verify/ext-authz/resource=messages@team-7/a@b", "team", 200),
        ("GET /verify/ext-authz/scope=messages:send@team-8/a", "team", 403),
        ("GET /verify/ext-authz/resource=messages%40team-7/a", "team", 200),
        ("GET /verify/ext-authz/resource%3Dmessages@team-7/a", "team", 200),
        ("GET /verify/ext-authz/resource=messages@/a", "team", 400),
        ("GET /verify/ext-authz/resource=linodes@team-7/a", "team", 400),
        ("GET /verify?audience=", "meant", 400),
        ("GET /verify?audience=*", "meant", 400),
        ("GET /verify?audience=mcp", "meant", 400),
        ("GET /verify/ext-authz/resource=linodes/audience=https:%2F%2Fmcp.example%2F", "meant", 401),
        ("GET /verify/ext-authz/resource=linodes&audience=https:%2F%2Fmcp.example%2F/a", "meant", 200),
        ("PUT /verify/ext-authz/resource=linodes&audience=https:%2F%2Fmcp.example%2F/a", "meant", 403),
        ("GET /verify/ext-authz/resource=linodes%26resource=volumes/a", "good", 400),
        ("GET /verify/ext-authz/resource=linodes%2Fa/b", "good", 400),
        ("GET /verify/ext-authz/resource%3Dlinodes/a", "narrow", 200),
        ("PUT /verify/ext-authz/resource%3Dlinodes/a", "narrow", 403),
        ("GET /verify/ext-authz/resource%3Dlinodes%26audience%3Dhttps%253A%252F%252Fmcp.example%252F/a", "meant", 200),
        ("GET /verify/ext-authz/resource%3Dlinodes%26resource=volumes/a", "good", 400),
    ],
)
def test_plain_request_is_answered_at_once_as_the_ordinary_route_does(
    served: Served, line: str, name: str, status: int
) -> None:
    raw = head(line, f"Authorization: Bearer {served.secrets[name]}", "User-Agent: probe/1", "Content-Length: 0")
    assert read_plain(raw)
    assert answers_alike(served, raw).startswith(b"HTTP/1.1 %d " % status)
    assert at_once(served, raw).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("gateway", RECORDED)
@pytest.mark.parametrize(
    ("name", "method", "status"),
    [
        ("good", "DELETE", 200),
        ("narrow", "GET", 200),
        ("narrow", "HEAD", 200),
        ("narrow", "OPTIONS", 200),
        ("narrow", "POST", 403),
        ("unknown", "PATCH", 401),
        ("wrong", "PUT", 401),
        ("here", "GET", 401),  # the client's own address is what its gateway says it is, and not there
        ("office", "GET", 200),
    ],
)
def test_question_of_a_gateway_is_answered_at_once_as_the_ordinary_route_does(
    served: Served, gateway: str, name: str, method: str, status: int
) -> None:
    raw = asked(gateway, served.secrets[name], method)
    assert answers_alike(served, raw).startswith(b"HTTP/1.1 %d " % status)
    assert at_once(served, raw).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("authorization", [[], ["Authorization: Basic YTpi"], ["Authorization: "]])
def test_question_without_a_token_is_answered_at_once(served: Served, authorization: list[str]) -> None:
    raw = head("GET /verify", *authorization)
    assert answers_alike(served, raw).startswith(b"HTTP/1.1 401 ")
    assert at_once(served, raw).startswith(b"HTTP/1.1 401 ")


GOOD = "Authorization: Bearer {good}"
ODD = [
    (["Authorization: Bearer {good}", "authorization: Bearer {revoked}"], "GET /verify"),
    (["Authorization: Bearer {good}", "Authorization : Bearer {revoked}"], "GET /verify"),
    (["Authorization: Bearer {good}", " folded"], "GET /verify"),
    ([GOOD, "Host: y"], "GET /verify"),
    ([GOOD, "Content-Length: 4"], "GET /verify"),
    ([GOOD, "Transfer-Encoding: chunked"], "GET /verify"),
    ([GOOD, "Connection: close"], "GET /verify"),
    ([GOOD, "Connection: Upgrade", "Upgrade: websocket"], "GET /verify"),
    ([GOOD, "Expect: 100-continue"], "GET /verify"),
    ([GOOD, "X-Filter: {{}}", "X-Filter: {{}}"], "GET /verify"),
    ([GOOD, "Content-Type: a", "Content-Type: b"], "GET /verify"),
    ([GOOD, "Idempotency-Key: a", "Idempotency-Key: b"], "GET /verify"),
    ([GOOD, "Proxy-Connection: close"], "GET /verify"),
    ([GOOD, "NoColon"], "GET /verify"),
    ([GOOD, ": empty"], "GET /verify"),
    ([GOOD, "A: \x00"], "GET /verify"),
    ([GOOD, "A: a\rB: b"], "GET /verify"),
    ([GOOD, "A: a\nB: b"], "GET /verify"),
    (["Authorization: Bearer  {good}"], "GET /verify"),
    (["Authorization:Bearer {good}"], "GET /verify"),
    (["Authorization: Bearer {good} "], "GET /verify"),
    (["Authorization: \t Bearer {good}\t \t"], "GET /verify"),
    (["Authorization: Bearer {good}\xa0"], "GET /verify"),
    ([GOOD], "GET /verify?scope=linodes:read_only&scope="),
    ([GOOD], "GET /verify?scope=&scope=linodes:read_only"),
    (["Authorization: bEARER {good}"], "GET /verify"),
    (["Authorization: Basic {good}"], "GET /verify"),
    (["Authorization: Bearer"], "GET /verify"),
    (["A: b"], "GET /verify"),
    ([GOOD], "GET /verify?scope=nonsense"),
    ([GOOD], "GET /verify?resource=linodes"),
    ([GOOD], "GET /verify?"),
    ([GOOD], "GET /verify?scope=*"),
    ([GOOD], "GET /verify?scope=%6Cinodes:read_only"),
    ([GOOD], "GET /verify#x"),
    ([GOOD], "GET /verify/"),
    ([GOOD], "GET /verifyx"),
    ([GOOD], "HEAD /verify"),
    ([GOOD], "TRACE /verify"),
    ([GOOD], "CONNECT /verify"),
    ([GOOD], "get /verify"),
    ([GOOD], "PROPFIND /verify/ext-authz//a"),
    ([GOOD], "MADEUP /verify/ext-authz//a"),
    ([GOOD], "GET /verify/ext-authz/"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes?x=/"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes#/b"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes/a#b"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes+/a"),
    ([GOOD], "GET /verify/ext-authz/resource=linodes/\xff"),
    ([GOOD, "X-Original-Method: GET", "X-Original-Method: GET"], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X-Original-Method: "], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X-Original-Method: get"], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X-Original-Method: PROPFIND"], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X_Original_Method: GET"], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X-Forwarded-Method: GET"], "GET /verify/auth-request?resource=linodes"),
    ([GOOD, "X-Forwarded-Method: GET, POST"], "POST /verify/forward-auth?resource=linodes"),
    ([GOOD, "X-Original-Method: GET", "Content-Length: 00"], "GET /verify/auth-request"),
    ([GOOD, "Content-Length: 0", "Transfer-Encoding: chunked"], "POST /verify"),
    ([GOOD], "POST /verify"),
    ([GOOD], "DELETE /verify"),
    *[
        ([f"Authorization: {value}", "DPoP: x", "X-Original-Method: GET", *told], f"GET /verify{policy}")
        for value in ("DPoP {bound}", "dpop  {bound}", "DPoP {good}", "Bearer {bound}", "DPoP", "DPoP x y", "DPoPx")
        for told in ([], ["X-Original-URI: /a"], ["X-Original-URI: /a", "X-Original-URI: /b"])
        for policy in ("", "?origin=https://api.example", "/auth-request", "/auth-request?origin=https://api.example")
    ],
    ([GOOD, "DPoP: x"], "GET /verify"),
    ([GOOD], "GET  /verify"),
    ([GOOD], "GET http://x/verify"),
]


@pytest.mark.parametrize(("headers", "line"), ODD)
def test_odd_request_is_left_to_the_ordinary_route(served: Served, headers: list[str], line: str) -> None:
    raw = head(line, *(header.format(**served.secrets) for header in headers))
    answers_alike(served, raw)


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("value", ["a", "close", "0", "chunked", "100-continue"])
@pytest.mark.parametrize("times", [1, 2])
def test_header_that_means_something_is_left_to_the_ordinary_route(
    served: Served, name: str, value: str, times: int
) -> None:
    raw = head("GET /verify", f"Authorization: Bearer {served.secrets['good']}", *[f"{name.title()}: {value}"] * times)
    answers_alike(served, raw)


def test_proof_is_judged_on_the_ordinary_way_and_the_next_question_on_the_fast_one(served: Served) -> None:
    token, origin = served.secrets["bound"], "https://api.example"
    lines = ["X-Original-Method: PUT", "X-Original-URI: /a?b", f"DPoP: {PROVER.prove('PUT', f'{origin}/a', token)}"]
    proved = head(f"GET /verify/auth-request?origin={origin}", f"Authorization: DPoP {token}", *lines)
    plain = head("GET /verify", f"Authorization: Bearer {served.secrets['good']}")
    answer, _ = served.exchange([proved, plain, proved, plain], fast=True)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"401", b"200"]


REGISTERED = """
A-IM Accept Accept-Charset Accept-Datetime Accept-Encoding Accept-Language Accept-Patch Accept-Ranges
Access-Control-Request-Headers Access-Control-Request-Method Age Allow ALPN Alt-Svc Alt-Used Apply-To-Redirect-Ref
Authentication-Control Authentication-Info Authorization Cache-Control CDN-Loop Close Connection Content-Disposition
Content-Encoding Content-Language Content-Length Content-Location Content-MD5 Content-Range Content-Type Cookie
Date Depth Destination DNT Early-Data Expect Expires Forwarded From Host HTTP2-Settings Idempotency-Key If If-Match
If-Modified-Since If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Max-Forwards MIME-Version
Negotiate Origin Overwrite Position Pragma Prefer Priority Proxy-Authorization Proxy-Connection Range Referer
Sec-Fetch-Mode Sec-WebSocket-Key Sec-WebSocket-Version SOAPAction TE Timeout Trailer Transfer-Encoding Upgrade
Upgrade-Insecure-Requests User-Agent Via Want-Digest Warning X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
X-Requested-With"""


def test_every_header_that_the_parser_goes_by_is_in_the_list() -> None:
    """One that changes what the parser says of a request, alone, doubled, or beside one that it is known to read."""
    values = ("close", "keep-alive", "upgrade", "chunked", "7", "-", "h2c", "100-continue")
    others = [[], *([f"{name}: {value}"] for name in OF_THE_SERVER for value in values)]
    heard = {
        name
        for name in REGISTERED.split()
        for other in others
        for value in values
        for times in (1, 2)
        if read_by_parser([f"{name}: {value}"] * times + other) != read_by_parser([f"X: {value}"] * times + other)
    }
    assert {name.lower() for name in heard} <= set(SPECIAL)
    assert {"Connection", "Proxy-Connection", "Content-Length", "Transfer-Encoding", "Upgrade"} <= heard


def read_by_parser(headers: list[str]) -> tuple[object, ...]:
    """What httptools makes of a request with these headers."""
    done: list[str] = []
    parser = httptools.HttpRequestParser(SimpleNamespace(on_message_complete=lambda: done.append("whole")))
    try:
        parser.feed_data(head("GET /verify", *headers))
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        done.append(type(error).__name__)
    return *done, parser.should_keep_alive(), parser.should_upgrade()


@pytest.mark.parametrize("gateway", ["none", *RECORDED])
def test_request_cut_at_every_byte_is_answered_alike(served: Served, gateway: str) -> None:
    narrow = served.secrets["narrow"]
    raw = head("GET /verify?scope=linodes:read_only", f"Authorization: Bearer {narrow}", "A: b")
    if gateway != "none":
        raw = asked(gateway, narrow, "HEAD")
    expected = answers_alike(served, raw)
    for cut in range(1, len(raw)):
        assert served.exchange([raw[:cut], raw[cut:]], fast=True)[0] == expected
    assert served.exchange([raw[at : at + 1] for at in range(len(raw))], fast=True)[0] == expected


@pytest.mark.parametrize(
    ("header", "body"), [("Content-Length: 4", b"abcd"), ("Transfer-Encoding: chunked", b"4\r\nabcd\r\n0\r\n\r\n")]
)
def test_body_that_comes_later_is_not_taken_for_a_request(served: Served, header: str, body: bytes) -> None:
    bearer = f"Authorization: Bearer {served.secrets['good']}"
    chunks = [head("GET /verify", bearer, header), body + head("GET /verify", bearer)]
    answer = served.exchange(chunks, fast=True)
    assert answer == served.exchange(chunks, fast=False)
    assert [part[:3] for part in answer[0].split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]


def test_requests_in_one_piece_are_all_answered_in_order(served: Served) -> None:
    good, revoked = (
        head("GET /verify", f"Authorization: Bearer {served.secrets[name]}") for name in ("good", "revoked")
    )
    answer = answers_alike(served, good + revoked + good)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401", b"200"]


def test_requests_of_all_kinds_in_one_piece_are_answered_at_once(served: Served) -> None:
    """Until one is for the parser, which is given the rest of the piece."""
    questions = [asked(gateway, served.secrets[name]) for gateway in RECORDED for name in ("good", "narrow", "wrong")]
    answer = answers_alike(served, b"".join(questions))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"401"] * len(RECORDED)
    if not served.waits:
        assert at_once(served, b"".join(questions)) == answer
    for last in (head("GET /healthz"), questions[0][:-1], questions[0].replace(b"\r\n\r\n", b"\r\nExpect: x\r\n\r\n")):
        for raw in (b"".join([*questions, last]), b"".join([*questions, last, *questions])):
            for chunks in ([raw], [raw[:-7], raw[-7:]], [raw[: len(raw) // 2], raw[len(raw) // 2 :]]):
                assert served.exchange(chunks, fast=True) == served.exchange(chunks, fast=False)


def test_rest_of_a_request_that_looks_like_another_is_not_taken_for_one(served: Served) -> None:
    """Its beginning came behind another request, and was given to the parser."""
    inner = head("GET /verify", f"Authorization: Bearer {served.secrets['good']}")
    chunks = [head("GET /healthz") + b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ", inner]
    answer = served.exchange(chunks, fast=True)
    assert answer == served.exchange(chunks, fast=False)
    assert b"x-auth-user" not in answer[0]


@pytest.mark.parametrize("inside", ["\r\nContent-Length: 4\r\nA", "\nA: b", "\x00", " ", "\xff", "\r\n\r\nGET /verify"])
def test_line_end_in_the_place_of_a_token_is_seen(served: Served, inside: str) -> None:
    """Also in a head that is else the one before."""
    good = served.secrets["good"]
    other = (inside + good)[: len(good)]
    requests = [head("GET /verify", f"Authorization: Bearer {text}", "A: b") for text in (good, other, good)]
    answer = served.exchange(requests, fast=True)
    assert answer == served.exchange(requests, fast=False)
    assert answer[0].startswith(b"HTTP/1.1 200")


def test_heads_that_differ_in_the_token_alone_are_each_decided_on(served: Served) -> None:
    names = ["good", "revoked", "narrow", "wrong", "unknown", "expired", "good"]
    for line in ("GET /verify", "GET /verify?scope=volumes:read_only"):
        requests = [head(line, f"Authorization: Bearer {served.secrets[name]}", "User-Agent: a") for name in names]
        assert served.exchange(requests, fast=True) == served.exchange(requests, fast=False)
    scopes = ["linodes:read_only", "volumes:read_only", "linodes:read_only"]
    bearer = f"Authorization: Bearer {served.secrets['narrow']}"
    requests = [head(f"GET /verify?scope={scope}", bearer) for scope in scopes]
    assert served.exchange(requests, fast=True) == served.exchange(requests, fast=False)


def test_heads_that_vary_are_each_decided_on(served: Served) -> None:
    """Also once their shape is known, and with other heads between them."""
    names = ["good", "revoked", "narrow", "wrong", "unknown", "expired", "here", "office"]
    requests = [
        head(
            "GET /verify",
            f"X-Request-Id: {number}",
            f"Authorization: Bearer {served.secrets[name]}",
            "A: " + "b" * number,
        )
        for number, name in enumerate(names * 5)
    ]
    bearer = f"Authorization: Bearer {served.secrets['good']}"
    for gateway in RECORDED:
        requests += [
            asked(gateway, served.secrets[name], method).replace(b"curl", b"c" * number)
            for number, (name, method) in enumerate([*zip(names * 5, METHODS * 6, strict=False)])
        ]
    hostile = head("GET /verify", "X-Request-Id: 1", bearer, "A: b\r\nConnection: close")
    refused = head("GET /verify?scope=volumes:read_only", "X-Request-Id: 1", bearer, "A: b")
    for last in (hostile, refused, requests[0]):
        chunks = [*requests, last, requests[1]]
        assert served.exchange(chunks, fast=True) == served.exchange(chunks, fast=False)


def test_fast_and_ordinary_requests_share_a_connection(served: Served) -> None:
    bearer = f"Authorization: Bearer {served.secrets['good']}"
    chunks = [head("GET /verify", bearer), head("GET /healthz"), head("GET /verify", bearer), head("GET /v4/x", bearer)]
    answer, closed = served.exchange(chunks, fast=True)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"200", b"404"]
    assert not closed


@pytest.mark.parametrize("fast", [True, False])
def test_use_is_noted_with_address_and_agent(served: Served, *, fast: bool) -> None:
    bearer = f"Authorization: Bearer {served.secrets['here']}"
    served.clock.seconds += 60  # it may have been used before
    served.exchange([head("GET /verify", bearer, "User-Agent: probe/1")], fast=fast)
    noted = served.uses._noted[served.secrets["here"][:16]]
    assert (noted.used_at, noted.address, noted.agent) == (int(served.clock()), PEER, "probe/1")


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("198.51.100.1", "X-Forwarded-For: 203.0.113.7", "198.51.100.1"),
        (PEER, "A: b", PEER),
        (PEER, "x-forwarded-for: 203.0.113.7", "203.0.113.7"),
        (PEER, "X-Forwarded-For: 203.0.113.7, 192.0.2.1 ", "203.0.113.7"),
        (PEER, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.7", "203.0.113.7"),
        (PEER, "X-Forwarded-For: ", PEER),
    ],
)
def test_address_is_what_a_trusted_proxy_says_and_nobody_else(peer: str, headers: str, address: str) -> None:
    sender = Sender(peer, ProxyHeadersMiddleware(no_app, PEER).trusted_hosts)
    sender.head = head("GET /verify", headers)
    assert sender.address == address


@pytest.mark.parametrize(("seconds", "closed"), [(0, True), (60, False)])
def test_connection_that_is_idle_after_a_fast_answer_is_closed_in_time(
    served: Served, *, seconds: int, closed: bool
) -> None:
    async def idle() -> bool:
        protocol = BoundedProtocol(served.config, served.state, served.lifespan.state, served.loop)
        protocol.timeout_keep_alive = seconds
        wire = Wire()
        protocol.connection_made(wire)
        protocol.data_received(head("GET /verify", f"Authorization: Bearer {served.secrets['good']}"))
        await answered(protocol)
        protocol._watch()
        protocol._watch()  # from the first look on it is idle
        answer = wire.closed
        protocol.connection_lost(None)
        return answer

    assert served.run(idle()) is closed


class FullWire(Wire):
    """A client that reads nothing; its protocol is told when the first body is written, and not again."""

    protocol: BoundedProtocol | None = None

    def write(self, data: Any) -> None:
        super().write(data)
        if self.protocol is not None and b"{" in data:
            protocol, self.protocol = self.protocol, None
            protocol.pause_writing()


@pytest.mark.parametrize("before", ["GET /healthz", "GET /verify"])
def test_client_that_does_not_read_is_given_no_more_answers(served: Served, before: str) -> None:
    """Whichever way its last one went: else they would gather without end."""

    async def ask() -> int:
        protocol = BoundedProtocol(served.config, served.state, served.lifespan.state, served.loop)
        wire = FullWire()
        wire.protocol = protocol
        protocol.connection_made(wire)
        protocol.data_received(head(before))
        while served.state.tasks:
            await asyncio.wait(served.state.tasks)
        answered = len(wire.received)
        for _ in range(3):
            protocol.data_received(head("GET /verify"))
            await asyncio.sleep(0)
        given = len(wire.received) - answered
        wire.closed = True
        protocol.resume_writing()
        protocol.connection_lost(None)
        while served.state.tasks:
            await asyncio.wait(served.state.tasks)
        return given

    assert served.run(ask()) == 0


# --- anything -----------------------------------------------------------------------------------------------------

NAMES = """AUTHORIZATION X-Filters X-Forwarded-For User-Agent Accept X-Original-URI X-Auth-User a X_Y Idempotency
Proxy-A Cookie Traceparent X-Original-Methods DPoP"""
VALUES = """Bearer {good}|Bearer {narrow}|Bearer {expired}|Bearer {revoked}|Bearer {unknown}|Bearer {wrong}
|Bearer {here}|Bearer {office}|bearer {good}|Bearer  {good}|Bearer {good} |Bearer\t{good}|{good}|Bearer|0|3|00
|\t Bearer {good}\t |Bearer {good} x|DPoP {bound}|dpop {good}|Bearer {bound}|Bearer {team}
|chunked|close|keep-alive|100-continue|curl/8||203.0.113.7, 192.0.2.9"""
anything = st.text(st.characters(max_codepoint=255, exclude_characters="{}"), max_size=12)
special = st.sampled_from(SPECIAL) | st.sampled_from(SPECIAL).map(str.title)
names = st.sampled_from(NAMES.split()) | special | anything
values = st.sampled_from(VALUES.replace("\n", "").split("|")) | anything
colons = st.sampled_from([": "] * 8 + [":", " : ", ":\t", ""])
ends = st.sampled_from(["\r\n"] * 12 + ["\n", "\r", "\r\n "])
TOLD_BY = [question.told_by.decode() for question in QUESTIONS if question.told_by]
methods = st.sampled_from([*METHODS, *METHODS, "PROPFIND", "get", "", "GET, POST", "CONNECT"])
policies = st.sampled_from(
    """|scope=linodes:read_only|scope=linodes:read_write|scope=linodes:read_only&scope=|scope|x=1|resource=linodes
    |resource=messages@team-7|scope=messages:read@team-8|resource=messages@|@
    |origin=https://api.example|resource=linodes&scope=volumes:read_only|resource=linode|%72esource=linodes|resource=linodes%2Fa|\xff|a#b|a?b
    """.replace("\n    ", "").split("|")
)
versions = st.sampled_from([" HTTP/1.1"] * 12 + [" HTTP/1.0", "", "  HTTP/1.1", " HTTP/1.1 "])
behind = st.sampled_from(["", "a", "/a/b?scope=volumes:read_only", "%2F", "?", "a#b", "//", "\xff", '"', "*"])
rests = st.sampled_from([""] * 6 + ["abc", "GET /verify HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """The first line of a question on any route."""
    question = draw(st.sampled_from(QUESTIONS))
    policy = draw(policies)
    target = question.path.decode()
    if question.is_below:
        target += policy + draw(st.sampled_from(["/", "/", "/", ""])) + draw(behind)
    elif policy or not draw(st.integers(0, 5)):
        target += draw(st.sampled_from(["?", "?", "?", "?", "/", "/?", ""])) + policy
    return draw(st.sampled_from([*METHODS, "GET", "GET", "GET", "TRACE"])) + " " + target + draw(versions)


@st.composite
def requests(draw: st.DrawFn) -> str:
    """A request that is nearly, or not at all, a plain one; secrets are named in braces."""
    headers = draw(st.lists(st.tuples(names, colons, values, ends), max_size=5))
    if draw(st.integers(0, 3)):
        headers.insert(draw(st.integers(0, len(headers))), ("Authorization", ": ", draw(values), "\r\n"))
    if draw(st.integers(0, 5)):
        headers.insert(0, ("Host", ": ", "x", "\r\n"))
    if draw(st.integers(0, 3)):
        headers += [(draw(st.sampled_from(TOLD_BY)), ": ", draw(methods), "\r\n")] * draw(st.sampled_from([1, 1, 1, 2]))
    if not draw(st.integers(0, 3)):
        value = draw(values)
        headers += [(draw(special), ": ", value, "\r\n")] * draw(st.integers(1, 2))
    return draw(lines()) + "\r\n" + "".join(map("".join, headers)) + "\r\n" + draw(rests)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=requests(), cuts=st.lists(st.integers(0, 400), max_size=4))
@example(text="GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {good}\r\n\r\n", cuts=[0, 1])
def test_anything_is_answered_alike_however_it_is_cut(served: Served, text: str, cuts: list[int]) -> None:
    data = fill(served, text)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:end] for start, end in pairwise(edges)]
    ordinary = served.exchange(chunks, fast=False)
    assert served.exchange(chunks, fast=True) == ordinary
    assert served.exchange(chunks, fast=True) == ordinary


tokens = st.sampled_from(["good", "narrow", "expired", "revoked", "unknown", "wrong", "here", "office"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gateway=st.sampled_from(sorted(RECORDED)),
    before=requests(),
    after=requests(),
    chosen=st.lists(tokens, min_size=2, max_size=5),
)
def test_anything_is_answered_alike_on_a_connection_that_was_used(
    served: Served, gateway: str, before: str, after: str, chosen: list[str]
) -> None:
    """With plain requests, alike but for the token, between whatever else comes."""
    plain = [asked(gateway, served.secrets[name]) for name in chosen]
    varied = [
        asked(gateway, served.secrets["narrow"], METHODS[n % len(METHODS)]).replace(b"Host: ", b"Host: " + b"b" * n)
        for n in range(20)
    ]
    chunks = [plain[0], *varied, fill(served, before), *plain[1:], fill(served, after), plain[0], *varied[:2]]
    assert served.exchange(chunks, fast=True) == served.exchange(chunks, fast=False)
