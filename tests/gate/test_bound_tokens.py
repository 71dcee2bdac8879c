"""Tokens that are bound to a key, behind a gateway: they open with a proof for what it tells, and with nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.api.parts import ask
from tests.conftest import App
from tests.issuing import bearer
from tests.verification.dpop_making import Prover, bound_token
from tokenry.application import build_app
from tokenry.gate.verify import refused as write_refusal
from tokenry.web.errors import TooManyRequests

AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ = "/verify/auth-request", "/verify/forward-auth", "/verify/ext-authz"
ROUTES = (AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ)
TOLD_IN = {
    AUTH_REQUEST: ("X-Original-Method", "X-Original-URI"),
    FORWARD_AUTH: ("X-Forwarded-Method", "X-Forwarded-Uri"),
}
ORIGIN, OTHER = "https://api.example", "https://other.example"
PROVER = Prover()
BEARER = 'Bearer realm="tokenry"'
DPOP = 'DPoP realm="tokenry", algs="ES256 Ed25519"'
UNPROVED = f'{DPOP}, error="invalid_dpop_proof"'
INVALID = 'error="invalid_token", error_description="Malformed, unknown, expired or revoked"'


def proved(token: str, method: str = "GET", address: str = f"{ORIGIN}/a", prover: Prover = PROVER) -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": prover.prove(method, address, token)}


def question(
    app: App,
    headers: dict[str, str],
    *,
    route: str = AUTH_REQUEST,
    method: str = "GET",
    target: str = "/a",
    policy: str = f"origin={ORIGIN}",
) -> httpx2.Response:
    """Ask as the gateway of the route does about a client's request."""
    if route == EXT_AUTHZ:
        path = f"http://testserver{route}/{policy.replace('/', '%2F')}/{target}"
        return app.client.request(method, path, headers=headers)
    told = dict(zip(TOLD_IN[route], (method, target), strict=True))
    return app.client.get(f"{route}?{policy}", headers={**headers, **told})


def told(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("www-authenticate")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("method", "target", "address"),
    [
        ("GET", "/a", f"{ORIGIN}/a"),
        ("DELETE", "/a%2fb/c?d=%2F&e", "HTTPS://API.example:443/a%2Fb/c"),
        ("PROPFIND", "//other.example/a", f"{ORIGIN}//other.example/a"),
        ("POST", "/", ORIGIN),
    ],
)
def test_token_opens_with_a_proof_for_what_the_gateway_tells(
    app: App, route: str, method: str, target: str, address: str
) -> None:
    answer = question(
        app, proved(bound_token(app, PROVER.jkt), method, address), route=route, method=method, target=target
    )
    assert (answer.status_code, answer.content, answer.headers["x-auth-user"]) == (200, b"", "admin")
    assert answer.headers["x-auth-client-id"] != ""


def test_proof_counts_once_for_all_workers_and_routes(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    headers = proved(bound_token(app, PROVER.jkt))
    assert question(app, headers).status_code == 200
    with TestClient(build_app(app.settings, app.clock)) as other:
        for worker in (app, replace(app, client=other)):
            for route in ROUTES:
                assert told(question(worker, headers, route=route)) == (401, UNPROVED)


@pytest.mark.parametrize("route", ROUTES)
def test_token_without_its_proof_opens_nothing(app: App, route: str) -> None:
    token = bound_token(app, PROVER.jkt)
    for headers in (
        {"Authorization": f"DPoP {token}"},
        {**proved(token), "DPoP": "junk"},
        {**proved(token), "DPoP": ""},
        proved(token, prover=Prover()),
        proved(token, "POST"),
        proved(token, "get"),
        proved(token, address=f"{ORIGIN}/b"),
        proved(token, address=f"{OTHER}/a"),
        proved(token, address="http://api.example/a"),
        proved(token, address="http://testserver/a"),
        proved(token, address=f"{ORIGIN}{route}"),
        {**proved(bound_token(app, PROVER.jkt)), "Authorization": f"DPoP {token}"},
    ):
        assert told(question(app, headers, route=route)) == (401, UNPROVED)


@pytest.mark.parametrize("route", [AUTH_REQUEST, FORWARD_AUTH])
def test_without_a_proof_the_target_need_not_be_told(app: App, route: str) -> None:
    headers = {"Authorization": f"DPoP {bound_token(app, PROVER.jkt)}", TOLD_IN[route][0]: "GET"}
    assert told(app.client.get(f"{route}?origin={ORIGIN}", headers=headers)) == (401, UNPROVED)


@pytest.mark.parametrize("route", ROUTES)
def test_host_that_a_request_names_is_believed_nowhere(app: App, route: str) -> None:
    named = {"Host": "other.example", "X-Forwarded-Host": "other.example", "X-Forwarded-Proto": "https"}
    token = bound_token(app, PROVER.jkt)
    assert told(question(app, {**proved(token, address=f"{OTHER}/a"), **named}, route=route)) == (401, UNPROVED)
    assert question(app, {**proved(token), **named}, route=route).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_proof_for_one_service_is_none_for_another(app: App, route: str) -> None:
    """Each behind the same tokenry, and each named by its own gateway's policy."""
    headers = proved(bound_token(app, PROVER.jkt))
    assert told(question(app, headers, route=route, policy=f"origin={OTHER}")) == (401, UNPROVED)
    assert question(app, headers, route=route).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("target", ["*", ".evil.example/a", "@evil.example/a", f"{ORIGIN}/a", "/a#b", "/a\t", "/\xe9"])
def test_target_that_is_no_path_can_be_proved_for_nothing(app: App, route: str, target: str) -> None:
    token = bound_token(app, PROVER.jkt)
    path = f"{route}/origin=https:%2F%2Fapi.example/{target}" if route == EXT_AUTHZ else f"{route}?origin={ORIGIN}"
    for address in (ORIGIN + target, f"{ORIGIN}/a", target):
        headers = [("host", "x"), *proved(token, address=address).items()]
        headers += [] if route == EXT_AUTHZ else zip(TOLD_IN[route], ("GET", target), strict=True)
        assert ask(app.client.app, as_bytes(headers), path=path)[0] == 401


def as_bytes(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


@pytest.mark.parametrize("route", [AUTH_REQUEST, FORWARD_AUTH])
def test_target_is_believed_in_the_header_of_the_route_alone_and_once(app: App, route: str) -> None:
    _, other = TOLD_IN[FORWARD_AUTH if route == AUTH_REQUEST else AUTH_REQUEST]
    method, own = TOLD_IN[route]
    token = bound_token(app, PROVER.jkt)
    assert told(question(app, {**proved(token), other: "/a"}, route=route, target="/b")) == (401, UNPROVED)
    for targets in ([], [""], ["/a", "/a"], ["/a", "/b"]):
        headers = [("host", "x"), *proved(token).items(), (method, "GET"), (other, "/a")]
        headers += [(own, target) for target in targets]
        assert ask(app.client.app, as_bytes(headers), path=f"{route}?origin={ORIGIN}")[0] == 400


@pytest.mark.parametrize("route", ROUTES)
def test_without_an_origin_a_bound_token_is_none(app: App, route: str) -> None:
    token = bound_token(app, PROVER.jkt)
    for policy in ("", "scope=account:read_only"):
        assert told(question(app, proved(token), route=route, policy=policy)) == (
            401,
            f'Bearer realm="tokenry", {INVALID}',
        )
    assert app.client.get("/verify", headers=proved(token, address=f"{ORIGIN}/verify")).status_code == 401
    assert app.client.get(f"/verify?origin={ORIGIN}", headers=proved(token)).status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_each_token_is_taken_by_its_own_scheme(app: App, route: str) -> None:
    """RFC 9449 section 7.2: else whoever has stolen one would present it as the other."""
    token, free = bound_token(app, PROVER.jkt), bound_token(app, None)
    for headers in (bearer(token), {**proved(token), **bearer(token)}):
        assert told(question(app, headers, route=route)) == (401, f"{BEARER}, {INVALID}")
    for headers in (proved(free), proved(app.token), proved("x"), {**proved(token), "Authorization": "DPoP a b"}):
        assert told(question(app, headers, route=route)) == (401, f"{DPOP}, {INVALID}")
    assert question(app, bearer(free), route=route).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_two_proofs_are_refused(app: App, route: str) -> None:
    token = bound_token(app, PROVER.jkt)
    headers = [*proved(token).items(), ("DPoP", proved(token)["DPoP"])]
    path = f"{route}?origin={ORIGIN}" if route != EXT_AUTHZ else f"{route}/origin=https:%2F%2Fapi.example//a"
    further = [("X-Original-Method", "GET"), ("X-Forwarded-Method", "GET")]
    further += [("X-Original-URI", "/a"), ("X-Forwarded-Uri", "/a")]
    assert app.client.get(path, headers=[*headers, *further]).status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_scopes_are_judged_as_of_any_token(app: App, route: str) -> None:
    token = bound_token(app, PROVER.jkt, scopes="linodes:read_only")
    policy = f"resource=linodes&origin={ORIGIN}"
    assert question(app, proved(token), route=route, policy=policy).status_code == 200
    answer = question(app, proved(token, "PUT"), route=route, policy=policy, method="PUT")
    assert told(answer) == (403, f'{DPOP}, error="insufficient_scope", scope="linodes:read_write"')
    assert told(question(app, proved(token), route=route, policy=policy, method="PUT")) == (401, UNPROVED)


def test_ended_token_is_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = bound_token(app, PROVER.jkt)
    assert question(app, proved(token)).status_code == 200
    assert app.client.delete("/v4/profile/apps/1", headers=app.bearer).status_code == 200
    assert told(question(app, proved(token))) == (401, f"{DPOP}, {INVALID}")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (f"origin={ORIGIN}&origin={ORIGIN}", "Must be sent only once"),
        *((f"origin={text}", "Must be https://host") for text in ("", "x", "http://api.example", f"{ORIGIN}/", "*")),
    ],
)
def test_origin_that_is_none_is_a_fault_of_the_question(app: App, policy: str, reason: str) -> None:
    for headers in (app.bearer, proved(bound_token(app, PROVER.jkt))):
        answer = question(app, headers, policy=policy)
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["field"]) == (400, "origin")
        assert fault["reason"].startswith(reason)


def test_who_has_to_wait_is_told_when_to_come_back() -> None:
    status, _, headers = write_refusal(TooManyRequests())
    assert (status, dict[Any, Any](headers)[b"retry-after"]) == (429, b"1")
