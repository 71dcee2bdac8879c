"""What every gateway must do with the recipe that `tokenry gateway` prints: one suite for all of them."""

import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, unquote

import httpx2
import pytest

from tests.gateways.parts import IDENTITY, Headers, HttpServer, ask, bearer
from tests.gateways.programs import Running, refused, running
from tests.issuing import NewToken
from tests.servers import Server
from tokenry.domain.identity import METADATA_HEADER
from tokenry.domain.managed import EXTERNAL_ID_LENGTH_MAX
from tokenry.domain.metadata import BYTES_MAX, Metadata, write_metadata
from tokenry.operator.gateway import Gateway

MANY = 48
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND")


def test_preflight_of_a_browser_is_asked_for_a_token_like_any_request(gateway: Running) -> None:
    headers = [("Origin", "https://example.org"), ("Access-Control-Request-Method", "GET")]
    assert refused(gateway, headers, "OPTIONS").status == 401


def test_valid_token_gets_through_with_its_identity(gateway: Running, service: Server, reading_token: str) -> None:
    answer = ask(gateway.port, "GET", "/a?b=c", bearer(reading_token))
    assert (answer.status, answer.body) == (200, b"from the service")
    verified = httpx2.get(f"{service.url}/verify", headers=dict(bearer(reading_token))).headers
    names = [name for name in verified if name.startswith("x-auth-")]
    assert sorted([*names, METADATA_HEADER]) == sorted(name.lower() for name in IDENTITY)
    told = {name: gateway.service.last.values(name) for name in names}
    for name in ("x-auth-client-id", "x-auth-external-id"):
        assert told.pop(name) in ([], [""])  # as it is empty, some leave it out
    assert told == {name: [verified[name]] for name in told}


def test_name_that_a_product_has_for_a_user_gets_through_however_long(
    gateway: Running, api: httpx2.Client, long_name: str
) -> None:
    """And a client's own gets not, where there is such a name."""
    made = api.post(f"/tokenry/users/{quote(long_name, safe='')}/tokens", json={"create_user": True})
    token, forged = made.json()["token"], ("X-Auth-External-Id", "forged")
    assert ask(gateway.port, headers=[*bearer(token), forged]).status == 200
    assert [unquote(value) for value in gateway.service.last.values("X-Auth-External-Id")] == [long_name]


@pytest.fixture
def long_name() -> str:
    """As long as one may be, in bytes too."""
    return "\N{GRINNING FACE}" * EXTERNAL_ID_LENGTH_MAX


def test_metadata_gets_through_where_it_is_told_and_a_clients_own_nowhere(
    gateway: Running, service: Server, reading_token: str
) -> None:
    """As much as there may be, with long names beside it and a client that sends much itself."""
    much = write_metadata({"a": "ä" * (BYTES_MAX // 2 - 4)})
    told = [(name, "1") for name in IDENTITY if name != "X-Auth-Metadata"]
    told = [*told, ("X-Auth-External-Id", "%F0%9F%98%80" * EXTERNAL_ID_LENGTH_MAX)][1:]
    metadata = Metadata(much, much).write_header()
    sent = [*bearer(reading_token), ("X-Auth-Metadata", "forged"), ("Cookie", "c" * 6000)]
    with (
        HttpServer(headers=[*told, ("X-Auth-Metadata", metadata)], body=b"").running() as telling,
        gateway.relay.leading_to(telling.port),
    ):
        assert ask(gateway.port, headers=sent).status == 200
    assert gateway.service.last.values("X-Auth-Metadata") == [metadata]
    assert gateway.service.last.values("X-Auth-Token-Id") == ["1"]
    assert ask(gateway.port, headers=sent).status == 200
    assert gateway.service.last.values("X-Auth-Metadata") in ([], [""])


def test_identity_that_does_not_fit_is_no_yes(gateway: Running, reading_token: str) -> None:
    """What the service is not told of who is calling, it might take for nobody's business."""
    told = [*((name, "1") for name in IDENTITY if name != "X-Auth-Metadata"), ("X-Auth-Metadata", "A" * 40_000)]
    with HttpServer(headers=told, body=b"").running() as telling, gateway.relay.leading_to(telling.port):
        if ask(gateway.port, headers=bearer(reading_token)).status == 200:
            last = gateway.service.last
            assert [(name, *last.values(name)) for name, _ in told] == told


@pytest.fixture(params=["missing", "another scheme", "malformed", "wrong checksum", "revoked", "expired"])
def invalid(request: pytest.FixtureRequest, expired_token: str, new_token: NewToken, api: httpx2.Client) -> Headers:
    """The headers of somebody without a valid token."""
    match request.param:
        case "missing":
            return []
        case "another scheme":
            return [("Authorization", "Basic eDp5")]
        case "malformed":
            return bearer("x")
        case "wrong checksum":
            return bearer("pat_" + "A" * 50)
        case "revoked":
            return bearer(revoke(api, new_token()))
        case _:
            return bearer(expired_token)


def test_whoever_has_no_valid_token_is_told_what_the_verifier_says(
    gateway: Running, service: Server, invalid: Headers
) -> None:
    answer = refused(gateway, invalid)
    verified = httpx2.get(f"{service.url}/verify", headers=dict(invalid))
    assert verified.status_code == 401
    assert (answer.status, answer.body) == (401, verified.content)
    assert answer.values("Content-Type") == ["application/json"]
    assert answer.values("WWW-Authenticate") == [verified.headers["www-authenticate"]]


def revoke(api: httpx2.Client, token: str) -> str:
    row = next(row for row in api.get("/profile/tokens?page_size=500").json()["data"] if row["token"] == token[:16])
    assert api.delete(f"/profile/tokens/{row['id']}").status_code == 200
    return token


def test_revoked_token_is_refused_at_once(gateway: Running, new_token: NewToken, api: httpx2.Client) -> None:
    token = new_token()
    for _ in range(3):
        assert ask(gateway.port, headers=bearer(token)).status == 200
    revoke(api, token)
    assert refused(gateway, bearer(token)).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_writing_takes_another_scope_than_reading(gateway: Running, reading_token: str, method: str) -> None:
    answer = refused(gateway, bearer(reading_token), method)
    assert answer.status == 403
    assert answer.values("WWW-Authenticate") == [
        'Bearer realm="tokenry", error="insufficient_scope", scope="linodes:read_write"'
    ]
    assert answer.values("Content-Type") == ["application/json"]
    assert answer.body == b'{"errors": [{"reason": "Your token is not authorized to use this endpoint."}]}'


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [b'{"\x00": "a"}', [b"in ", b"pieces"]], ids=["whole", "chunked"])
def test_every_method_gets_through_with_its_body(
    gateway: Running, writing_token: str, method: str, body: bytes | Sequence[bytes]
) -> None:
    answer = ask(gateway.port, method, "/a", bearer(writing_token), body)
    assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"from the service")
    assert gateway.service.last.method == method
    assert gateway.service.last.body == (body if isinstance(body, bytes) else b"".join(body))


def test_long_body_gets_through(gateway: Running, writing_token: str) -> None:
    body = bytes(range(256)) * 2048
    assert ask(gateway.port, "PUT", "/a", bearer(writing_token), body).status == 200
    assert gateway.service.last.body == body


@pytest.mark.parametrize(
    "target", ["/a%2Fb", "/a%2fb/c%20d?e=%2F&f", "/a%5Cb", "/%C3%A9", "/a?b=/c/../d", "/pat_x:y@z"]
)
def test_path_and_query_stay_as_they_were_written(gateway: Running, reading_token: str, target: str) -> None:
    assert ask(gateway.port, "GET", target, bearer(reading_token)).status == 200
    assert upper_hex(gateway.service.last.target) == upper_hex(target)


def upper_hex(target: str) -> str:
    """Escapes in upper case, as Traefik writes them: the same to everybody (RFC 3986 section 6.2.2.1)."""
    return re.sub("%..", lambda match: match[0].upper(), target)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_what_the_service_itself_answers_is_left_alone(gateway: Running, reading_token: str, status: int) -> None:
    answer = ask(gateway.port, "GET", f"/status/{status}", bearer(reading_token))
    assert (answer.status, answer.body) == (status, b"from the service")


def test_service_that_fails_is_not_taken_for_the_verifier(gateway: Running, reading_token: str) -> None:
    answer = ask(gateway.port, "GET", "/cut", bearer(reading_token))
    assert answer.status == (503 if gateway.name is Gateway.ENVOY else 502)
    assert b"errors" not in answer.body


def test_token_does_not_reach_the_service(gateway: Running, reading_token: str) -> None:
    ask(gateway.port, headers=[*bearer(reading_token), ("Cookie", "a=b"), ("X-Other", "c")])
    last = gateway.service.last
    assert (last.values("Authorization"), last.values("Cookie"), last.values("X-Other")) == ([], ["a=b"], ["c"])
    assert not any(reading_token in value for _, value in last.headers)


@pytest.mark.parametrize("token", ["reading_token", "writing_token"])
@pytest.mark.parametrize("spelling", ["{}", "{}|{}", "lower", "_", ".", "X_Auth-*", "X-Auth_*"])
def test_forged_identity_does_not_reach_the_service(
    gateway: Running, request: pytest.FixtureRequest, spelling: str, token: str
) -> None:
    secret = request.getfixturevalue(token)
    ask(gateway.port, headers=bearer(secret))
    honest = {name: gateway.service.last.values(name) for name in IDENTITY}
    answer = ask(gateway.port, headers=[*bearer(secret), *((name, "forged") for name in spell(spelling))])
    if answer.status != 400:  # refusing such names altogether is as good
        assert answer.status == 200
        assert {name: gateway.service.last.values(name) for name in IDENTITY} == honest
    assert not any("forged" in value for _, value in gateway.service.last.headers)


def spell(spelling: str) -> Sequence[str]:
    """The names of the identity headers, spelt in ways that a service may take for the same."""
    match spelling:
        case "{}":
            return IDENTITY
        case "{}|{}":
            return [name for name in IDENTITY for _ in range(2)]
        case "lower":
            return [name.lower() for name in IDENTITY]
        case "_" | ".":
            return [name.replace("-", spelling) for name in IDENTITY]
        case "X_Auth-*":
            return [name.replace("-", "_", 1) for name in IDENTITY]
        case _:
            return [name[:6] + "_" + name[7:] for name in IDENTITY]


def test_no_other_header_of_the_kind_reaches_the_service(gateway: Running, reading_token: str) -> None:
    ask(gateway.port, headers=[*bearer(reading_token), ("X-Auth-Role", "admin")])
    if gateway.name is not Gateway.NGINX:  # which cannot remove headers by prefix
        assert gateway.service.last.values("X-Auth-Role") == []


@pytest.mark.parametrize("mark", "~!#$%&'*+^`|")
def test_no_other_mark_stands_for_a_dash(gateway: Running, reading_token: str, mark: str) -> None:
    answer = ask(gateway.port, headers=[*bearer(reading_token), (f"X{mark}Auth{mark}User", "forged")])
    if gateway.name is not Gateway.CADDY and answer.status != 400:  # which removes by prefix alone
        assert not any("forged" in value for _, value in gateway.service.last.headers)


@pytest.mark.parametrize("name", [*IDENTITY, "X-Original-Method", "X-Forwarded-Method"])
def test_identity_and_method_cannot_be_taken_out_as_hop_by_hop(gateway: Running, reading_token: str, name: str) -> None:
    headers = [*bearer(reading_token), ("Connection", f"close, {name}"), (name, "GET")]
    assert refused(gateway, headers, "DELETE").status in {400, 403}
    if ask(gateway.port, "GET", "/a", headers).status == 200:
        last = gateway.service.last
        assert last.values("X-Auth-User") == ["admin"]
        assert last.values("X-Auth-Scopes") == ["linodes:read_only"]
        named = ",".join(last.values("Connection")).lower()
        assert "x-auth-" not in named, "nor by the next on the way"


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("/a?scope=linodes:read_only", ("X-A", "a")),
        ("/a?resource=volumes", ("X-A", "a")),
        ("/?&scope=linodes:read_only", ("X-A", "a")),
        ("/scope=linodes:read_only/a", ("X-A", "a")),
        ("//scope=linodes:read_only/a", ("X-A", "a")),
        ("/../scope=linodes:read_only/a", ("X-A", "a")),
        ("/a", ("X-Original-Method", "GET")),
        ("/a", ("X_Original_Method", "GET")),
        ("/a", ("X-Forwarded-Method", "GET")),
        ("/a", ("X_Forwarded_Method", "GET")),
        ("/a", ("X-Original-URI", "/b?scope=linodes:read_only")),
        ("/a", ("X-Forwarded-Uri", "/b?scope=linodes:read_only")),
    ],
)
def test_client_cannot_weaken_the_policy(
    gateway: Running, reading_token: str, target: str, header: tuple[str, str]
) -> None:
    answer = refused(gateway, [*bearer(reading_token), header], "POST", target)
    assert answer.status in {400, 403}


@pytest.mark.parametrize("name", list(Gateway))
def test_without_a_policy_any_valid_token_will_do(
    service: Server, tmp_path: Path, reading_token: str, name: Gateway
) -> None:
    with running(name, tmp_path / "gateway", service.port) as gateway:
        assert ask(gateway.port, "DELETE", "/a", bearer(reading_token)).status == 200
        assert refused(gateway, bearer("x")).status == 401


@pytest.mark.parametrize("name", list(Gateway))
def test_all_of_a_long_policy_is_needed(service: Server, tmp_path: Path, new_token: NewToken, name: Gateway) -> None:
    policy = ("--scope", "volumes:read_only,domains:read_only", "--scope", "images:read_only", "--resource", "vpc")
    scopes = "volumes:read_only domains:read_only images:read_only"
    with running(name, tmp_path / "gateway", service.port, *policy) as gateway:
        assert ask(gateway.port, headers=bearer(new_token(scopes=f"{scopes} vpc:read_write"))).status == 200
        assert refused(gateway, bearer(new_token(scopes=scopes))).status == 403
        assert refused(gateway, bearer(new_token(scopes="volumes:read_only vpc:read_write"))).status == 403


def test_doubled_authorization_is_never_a_yes(gateway: Running, writing_token: str, reading_token: str) -> None:
    for first, second in ((writing_token, reading_token), (reading_token, writing_token), ("x", writing_token)):
        assert refused(gateway, [*bearer(first), *bearer(second)], "DELETE").status in {400, 401, 403}


def test_too_many_requests_are_told_so_with_when_to_come_back(gateway: Running, reading_token: str) -> None:
    body = b'{"errors": [{"reason": "Too many requests"}]}'
    headers = [("Content-Type", "application/json"), ("Retry-After", "7")]
    with HttpServer(429, headers, body).running() as limiting, gateway.relay.leading_to(limiting.port):
        answer = refused(gateway, bearer(reading_token))
    assert (answer.status, answer.body, answer.values("Retry-After")) == (429, body, ["7"])
    assert answer.values("Content-Type") == ["application/json"]


def test_verifier_is_told_who_asks_and_nothing_of_the_body(gateway: Running, reading_token: str) -> None:
    forged = [("X-Forwarded-For", "192.0.2.1"), ("X-Real-IP", "192.0.2.1"), ("X_Forwarded_For", "192.0.2.1")]
    with HttpServer(403).running() as recorder, gateway.relay.leading_to(recorder.port):
        refused(gateway, [*bearer(reading_token), ("User-Agent", "test/1"), *forged], "GET")
        ask(gateway.port, "POST", "/a", bearer(reading_token), b"secret")
        asked, second = recorder.requests
    assert asked.values("Authorization") == [f"Bearer {reading_token}"]
    assert asked.values("User-Agent") == ["test/1"]
    assert asked.values("X-Forwarded-For") == ["127.0.0.1"]
    assert second.body == b""


# Beside Host. Envoy says that there is no body, and names itself; Go's Traefik would take an answer that is compressed.
COMMON = {"authorization", "user-agent", "x-forwarded-for"}
ASKED_WITH = {
    Gateway.NGINX: COMMON | {"x-original-method"},
    Gateway.HAPROXY: COMMON | {"x-original-method", "accept"},
    Gateway.CADDY: COMMON | {"x-forwarded-method", "no-dpop"},
    Gateway.ENVOY: COMMON | {"content-length", "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"},
    Gateway.TRAEFIK: COMMON
    | {"x-forwarded-method", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-uri", "accept-encoding"},
}


def test_verifier_is_sent_few_headers_however_many_there_are(gateway: Running, reading_token: str) -> None:
    many = [("User-Agent", "test/1"), ("Cookie", "c=" + "k" * 4096), ("Content-Type", "text/plain"), ("Accept", "*/*")]
    many += [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("X-B3-TraceId", "1")]
    with HttpServer(403).running() as recorder, gateway.relay.leading_to(recorder.port):
        refused(gateway, [*bearer(reading_token), *many], "POST")
    names = [name.lower() for name, _ in recorder.last.headers]
    assert sorted(names) == sorted({"host", *ASKED_WITH[gateway.name]})


def test_what_a_client_sends_is_sent_on_as_it_is(gateway: Running) -> None:
    """And not read as a gateway's own variables."""
    odd = "{env.HOME} %[src] %REQ(:METHOD)% $host ${http_host}"
    with HttpServer(403).running() as recorder, gateway.relay.leading_to(recorder.port):
        refused(gateway, [("Authorization", odd), ("User-Agent", odd)])
    assert recorder.last.values("Authorization") == recorder.last.values("User-Agent") == [odd]


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("203.0.113.0/24", 401)])
def test_networks_of_a_token_are_held_against_the_client_itself(
    gateway: Running, api: httpx2.Client, network: str, status: int
) -> None:
    token = api.post("/profile/tokens", json={}).json()
    details = api.put(f"/profile/tokens/{token['id']}/details", json={"networks": [network]})
    assert details.status_code == 200
    forged = [("X-Forwarded-For", "203.0.113.1"), ("X-Real-IP", "203.0.113.1"), ("Forwarded", "for=203.0.113.1")]
    assert ask(gateway.port, headers=bearer(token["token"])).status == status
    assert ask(gateway.port, headers=[*bearer(token["token"]), *forged]).status == status


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_verifier_that_does_not_decide_is_never_a_yes(gateway: Running, reading_token: str, status: int) -> None:
    with HttpServer(status).running() as failing, gateway.relay.leading_to(failing.port):
        assert refused(gateway, bearer(reading_token)).status >= 300
    assert ask(gateway.port, headers=bearer(reading_token)).status == 200


def test_nobody_gets_through_while_the_verifier_is_down(gateway: Running, reading_token: str) -> None:
    assert ask(gateway.port, headers=bearer(reading_token)).status == 200
    with gateway.relay.closed(), ThreadPoolExecutor() as pool:
        before = len(gateway.service.requests)
        answers = pool.map(lambda headers: ask(gateway.port, headers=headers), [bearer(reading_token), []])
        expected = 500 if gateway.name is Gateway.TRAEFIK else 503  # which Traefik has no setting for
        assert [answer.status for answer in answers] == [expected, expected]
        assert len(gateway.service.requests) == before
    until = time.monotonic() + 5
    while ask(gateway.port, headers=bearer(reading_token)).status != 200:
        assert time.monotonic() < until


def test_nobody_waits_for_ever_for_a_verifier_that_hangs(
    running_gateway: Callable[[Gateway], Running], reading_token: str
) -> None:
    """All at once, since each waits for some seconds. Traefik waits for 30, which it has no setting for."""
    gateways = [running_gateway(name) for name in Gateway if name is not Gateway.TRAEFIK]
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as stack, ThreadPoolExecutor() as pool:
        for gateway in gateways:
            stack.enter_context(gateway.relay.leading_to(silent.getsockname()[1]))
        answers = pool.map(lambda gateway: refused(gateway, bearer(reading_token)), gateways)
        assert [answer.status for answer in answers] == [503] * len(gateways)


def test_connections_to_the_verifier_are_used_again(gateway: Running, reading_token: str) -> None:
    threads = os.cpu_count() or 1  # each of which may have a connection of its own
    before = gateway.relay.connections
    for _ in range(10 * threads):
        assert ask(gateway.port, headers=bearer(reading_token)).status == 200
    assert gateway.relay.connections - before <= 2 * threads


@pytest.mark.parametrize("status", [200, 403])
def test_connections_of_many_questions_at_once_are_used_again(gateway: Running, status: int) -> None:
    """Whatever the answers are. But by Traefik, which keeps two, and has no setting for it.

    Each thread of HAProxy and Envoy keeps its own, and now the one gets more requests, now the other.
    """
    with (
        HttpServer(status, body=b"" if status == 200 else b"no", seconds=0.2).running() as slow,
        gateway.relay.leading_to(slow.port),
    ):
        opened = []
        with ThreadPoolExecutor(MANY) as pool:
            for _ in range(2):
                before = gateway.relay.connections
                assert set(pool.map(lambda _: ask(gateway.port).status, range(MANY))) == {status}
                opened.append(gateway.relay.connections - before)
    assert opened[0] > MANY // 2
    assert opened[1] < (MANY if gateway.name is Gateway.TRAEFIK else MANY // 2)


def test_identities_are_not_mixed_up_among_many_requests(gateway: Running, api: httpx2.Client) -> None:
    tokens = [api.post("/profile/tokens", json={"label": f"many-{number}"}).json() for number in range(4)]

    def send(number: int) -> int:
        return ask(gateway.port, "GET", f"/many/{number}", bearer(tokens[number % 4]["token"])).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, range(160))) == {200}
    seen = [message for message in gateway.service.requests if message.target.startswith("/many/")]
    assert len(seen) == 160
    for message in seen:
        number = int(message.target.removeprefix("/many/"))
        assert message.values("X-Auth-Token-Id") == [str(tokens[number % 4]["id"])]
