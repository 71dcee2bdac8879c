"""The routes below `/verify`: where each finds the policy and the method, and what it does not believe."""

from pathlib import Path

import pytest

from tests.api.parts import IDENTITY, ask, new_bearer
from tests.conftest import App
from tokenry.domain.errors import Invalid
from tokenry.domain.scopes import Level
from tokenry.storage.catalogue import default_catalogue, read_catalogue
from tokenry.verification.needs import read_needed

AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ = "/verify/auth-request", "/verify/forward-auth", "/verify/ext-authz"
METHOD_HEADER = {AUTH_REQUEST: "X-Original-Method", FORWARD_AUTH: "X-Forwarded-Method"}
ROUTES = (AUTH_REQUEST, FORWARD_AUTH, EXT_AUTHZ)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND")


def status(app: App, route: str, bearer: dict[str, str], *, policy: str = "", method: str = "GET") -> int:
    """Ask as the gateway of the route does, for a client's request for /a/b."""
    if route == EXT_AUTHZ:
        return app.client.request(method, f"{route}/{policy}/a/b", headers=bearer).status_code
    query = f"?{policy}" if policy else ""
    return app.client.get(route + query, headers={**bearer, METHOD_HEADER[route]: method}).status_code


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", METHODS)
def test_any_method_of_a_client_is_answered_with_an_empty_200(app: App, route: str, method: str) -> None:
    assert status(app, route, app.bearer, method=method) == 200


@pytest.mark.parametrize("method", METHODS)
def test_gateway_may_ask_with_any_method(app: App, method: str) -> None:
    headers = {**app.bearer, "X-Original-Method": "GET"}
    answer = app.client.request(method, AUTH_REQUEST, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", [AUTH_REQUEST, FORWARD_AUTH, f"{EXT_AUTHZ}//a%2Fb"])
def test_answer_is_that_of_verify(app: App, path: str) -> None:
    method = {"X-Original-Method": "GET", "X-Forwarded-Method": "GET"}
    for headers in (app.bearer, {}, {"Authorization": "Bearer x"}):
        ours, plain = app.client.get(path, headers={**headers, **method}), app.client.get("/verify", headers=headers)
        assert (ours.status_code, ours.content, ours.headers) == (plain.status_code, plain.content, plain.headers)
    assert f"x-auth-{IDENTITY[0]}" in app.client.get(path, headers={**app.bearer, **method}).headers


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("scopes", "policy", "method", "expected"),
    [
        ("linodes:read_only", "resource=linodes", "GET", 200),
        ("linodes:read_only", "resource=linodes", "HEAD", 200),
        ("linodes:read_only", "resource=linodes", "OPTIONS", 200),
        ("linodes:read_only", "resource=linodes", "POST", 403),
        ("linodes:read_only", "resource=linodes", "PROPFIND", 403),
        ("linodes:read_write", "resource=linodes", "DELETE", 200),
        ("linodes:read_write", "resource=linodes&resource=volumes", "GET", 403),
        ("linodes:read_write volumes:read_only", "resource=linodes&resource=volumes", "GET", 200),
        ("linodes:read_write volumes:read_only", "resource=linodes&resource=volumes", "PUT", 403),
        ("linodes:read_only", "resource=linodes&scope=volumes:read_only", "GET", 403),
        ("linodes:read_only volumes:read_only", "resource=linodes&scope=volumes:read_only", "GET", 200),
        ("linodes:read_only", "scope=linodes:read_only", "DELETE", 200),
        ("linodes:read_only", "scope=linodes:read_write", "GET", 403),
        ("vpc:read_write", "resource=vpc", "GET", 200),
        ("linodes:read_write", "resource=vpc", "GET", 403),
        ("*", "resource=vpc", "POST", 200),
        ("*", "resource=linode", "GET", 400),
        ("*", "resource=", "GET", 400),
        ("*", "resource", "GET", 400),
        ("*", "scope=", "GET", 400),
        ("*", "scope=&resource=linodes", "GET", 400),
        ("*", "scope=linodes:read_only&scope=", "GET", 400),
        ("*", "scope=&scope=linodes:read_only", "GET", 400),
        ("*", "scope=linodes:read_only&scope=%20,", "GET", 400),
        ("*", "resource=linodes&resource=", "GET", 400),
        ("*", "resource=&resource=linodes", "GET", 400),
        ("*", "resource=linodes&scope=", "GET", 400),
        ("*", "resources=linodes", "GET", 400),
        ("*", "linodes", "GET", 400),
    ],
)
def test_policy(app: App, *, route: str, scopes: str, policy: str, method: str, expected: int) -> None:
    assert status(app, route, new_bearer(app, scopes=scopes), policy=policy, method=method) == expected


def test_method_is_compared_by_its_letters(app: App) -> None:
    headers = {**new_bearer(app, scopes="linodes:read_only"), "X-Original-Method": "get"}
    assert app.client.get(f"{AUTH_REQUEST}?resource=linodes", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "query", ["scope=", "scope", "scope=&scope=linodes:read_only", "scope=linodes:read_only&scope"]
)
def test_empty_scope_asks_for_no_less_than_was_meant(app: App, query: str) -> None:
    answer = app.client.get(f"/verify?{query}", headers=app.bearer)
    fault = {"reason": "Must contain at least one scope", "field": "scope"}
    assert (answer.status_code, answer.json()) == (400, {"errors": [fault]})


def test_plain_verify_knows_no_resource(app: App) -> None:
    assert app.client.get("/verify?resource=linodes", headers=app.bearer).status_code == 400


@pytest.mark.parametrize("route", [AUTH_REQUEST, FORWARD_AUTH])
@pytest.mark.parametrize("query", ["", "?scope=linodes:read_only", "?resource=linodes"])
def test_missing_method_is_never_guessed(app: App, route: str, query: str) -> None:
    other = METHOD_HEADER[FORWARD_AUTH if route == AUTH_REQUEST else AUTH_REQUEST]
    for headers in ({}, {other: "GET"}, {METHOD_HEADER[route]: ""}):
        answer = app.client.get(route + query, headers={**app.bearer, **headers})
        fault = {"reason": "Must be sent", "field": METHOD_HEADER[route]}
        assert (answer.status_code, answer.json()) == (400, {"errors": [fault]})


@pytest.mark.parametrize("route", [AUTH_REQUEST, FORWARD_AUTH])
def test_doubled_method_is_refused_whichever_comes_first(app: App, route: str) -> None:
    name = METHOD_HEADER[route].lower().encode()
    for first, second in ((b"GET", b"DELETE"), (b"DELETE", b"GET"), (b"GET", b"GET")):
        headers = [(b"host", b"x"), (b"authorization", f"Bearer {app.token}".encode()), (name, first), (name, second)]
        assert ask(app.client.app, headers, path=route)[0] == 400


@pytest.mark.parametrize("route", [AUTH_REQUEST, FORWARD_AUTH])
def test_method_told_in_the_style_of_another_gateway_decides_nothing(app: App, route: str) -> None:
    other = METHOD_HEADER[FORWARD_AUTH if route == AUTH_REQUEST else AUTH_REQUEST]
    headers = {**new_bearer(app, scopes="linodes:read_only"), METHOD_HEADER[route]: "DELETE", other: "GET"}
    assert app.client.get(f"{route}?resource=linodes", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "client",
    [
        "/a?scope=linodes:read_only",
        "/a?resource=linodes",
        "/a?X-Original-Method=GET",
        "/scope=linodes:read_only/",
        "//",
        "/../resource=linodes/",
        "/%2e%2e/resource=linodes/",
        "%2Fscope=linodes:read_only/",
        "/a%0A/verify/ext-authz/scope=linodes:read_only/",
        "*",
    ],
)
def test_client_of_envoy_cannot_weaken_the_policy(app: App, client: str) -> None:
    headers = {**new_bearer(app, scopes="linodes:read_only"), "X-Original-Method": "GET", "X-Forwarded-Method": "GET"}
    for policy in ("scope=linodes:read_write", "resource=linodes"):
        answer = app.client.post(f"http://testserver{EXT_AUTHZ}/{policy}/{client}", headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("route", ["/verif%79/ext-authz/", "/verify%2Fext-authz/", "/verify/ext-authz%2F"])
def test_escaped_path_does_not_lose_its_policy(app: App, route: str) -> None:
    bearer = new_bearer(app, scopes="linodes:read_only")["Authorization"]
    headers = [(b"host", b"x"), (b"authorization", bearer.encode("ascii"))]
    assert ask(app.client.app, headers, path=f"{route}resource=volumes/a")[0] == 400


def test_policy_in_a_path_may_be_escaped_as_a_whole(app: App) -> None:
    """As clients do that are generated from the description: a piece of a path has its `=` escaped."""
    narrow = new_bearer(app, scopes="linodes:read_only")
    one, another = "resource%3Dlinodes", "resource%3Dvolumes"
    for policy, expected in ((one, (200, 403)), (another, (403, 403)), (f"{one}%26x%3D1", (400, 400))):
        found = [
            app.client.request(method, f"http://testserver{EXT_AUTHZ}/{policy}/a", headers=narrow).status_code
            for method in ("GET", "PUT")
        ]
        assert tuple(found) == expected


@pytest.mark.parametrize("client", ["/a%2Fb", "/a%2fb%5Cc", "/%00", "/%0a", "/%FF", "/%", "/a//b", "/pat_%2F?a=%2F"])
def test_any_path_of_a_client_of_envoy_gets_an_answer(app: App, client: str) -> None:
    path = f"http://testserver{EXT_AUTHZ}/resource=linodes{client}"
    assert app.client.delete(path, headers=app.bearer).status_code == 200


@pytest.mark.parametrize("path", ["/verify/", "/verify/ext-authz", "/verify/auth-request/", "/verify/auth-request/x"])
def test_nothing_else_is_below_verify(app: App, path: str) -> None:
    assert app.client.get(path, headers={**app.bearer, "X-Original-Method": "GET"}).status_code == 404


def test_every_fault_of_a_policy_is_reported() -> None:
    with pytest.raises(Invalid) as caught:
        read_needed(b"resource=a&resource=b&scope=c:read_only", default_catalogue(), Level.READ_ONLY)
    assert [(fault.reason, fault.field) for fault in caught.value.faults] == [
        ("Unknown resource: a", "resource"),
        ("Unknown resource: b", "resource"),
        ("Invalid scope: c:read_only", "scope"),
    ]


def test_resource_that_can_only_be_read_is_written_with_everything_alone(tmp_path: Path) -> None:
    file = tmp_path / "scopes.toml"
    file.write_text('[reports]\nlevels = ["read_only"]\n', "utf-8")
    catalogue = read_catalogue(file)
    assert str(read_needed(b"resource=reports", catalogue, Level.READ_ONLY)) == "reports:read_only"
    assert str(read_needed(b"resource=reports", catalogue, Level.READ_WRITE)) == "reports:read_write"
    assert catalogue.faults("reports:read_write") != []
