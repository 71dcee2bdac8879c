"""`openapi.yaml` and the service say the same: paths, methods, scopes, and what is served of it."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from tests.api.parts import routes
from tests.conftest import App, Clock, make_app
from tests.description import Answer, check, path_patterns
from tokenry.api.managed.browser import BrowserResource
from tokenry.description.openapi import METHODS, describe, read_description
from tokenry.domain.callers import Callers
from tokenry.domain.catalogue import Catalogue, level_actions
from tokenry.domain.catalogue import Resource as CatalogueEntry
from tokenry.domain.public_url import API_VERSIONS
from tokenry.domain.scopes import Level
from tokenry.pages.front import Front
from tokenry.pages.page import Page
from tokenry.storage.catalogue import default_catalogue
from tokenry.web.resource import Resource


def methods(route: Route) -> frozenset[str]:
    found: frozenset[str] = route.app.methods  # type: ignore[attr-defined] # every application of ours has it
    return found


def served(app: App) -> set[tuple[str, str]]:
    """Every method of every route but pages, by the described path it falls under; HEAD and OPTIONS follow."""
    return {
        (method.lower(), template(route.path))
        for route in routes(app)
        if not isinstance(route.app, Page | Front)  # which are for people
        for method in methods(route) - {"HEAD", "OPTIONS"}
    }


def template(path: str) -> str:
    """The described path of a route; the route itself when there is none."""
    sample = path.replace("{", "").replace("}", "")
    return next((template for template, pattern in path_patterns().items() if pattern.fullmatch(sample)), path)


def described() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, item in read_description()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def flows(description: dict[str, Any]) -> dict[str, Any]:
    """OAuth's flows, by their names in OpenAPI."""
    found: dict[str, Any] = description["components"]["securitySchemes"]["oauth"]["flows"]
    return found


def test_every_method_of_every_route_is_described_and_no_other(app: App) -> None:
    assert served(app) == set(described())


def test_both_versions_of_every_path_are_served(app: App) -> None:
    paths = [route.path for route in routes(app)]
    versioned = {path.removeprefix("/v4/") for path in paths if path.startswith("/v4/")}
    assert versioned == {path.removeprefix("/v4beta/") for path in paths if path.startswith("/v4beta/")}
    assert read_description()["components"]["schemas"]["ApiVersion"]["enum"] == list(API_VERSIONS)


def test_described_scope_is_the_one_that_is_asked_for(app: App) -> None:
    operations = described()
    for route in routes(app):
        for method, operation in route.app.operations.items() if isinstance(route.app, Resource) else ():
            security = operations["get" if method == "HEAD" else method.lower(), template(route.path)]["security"]
            needed = [] if operation.needs == "*" else operation.needs.split(",")
            # Applications are given no scopes of management.
            schemes = ["personalAccessToken"] if operation.scopes.management else ["personalAccessToken", "oauth"]
            if isinstance(route.app, BrowserResource):
                schemes = ["pageToken"]
            expected = [] if operation.who is Callers.ANYBODY else [{scheme: needed} for scheme in schemes]
            if operation.for_managers is not None:
                expected.append({"personalAccessToken": [operation.for_managers.needs]})
            assert security == expected, (method, route.path)


def test_browsers_may_ask_every_resource(app: App) -> None:
    for route in routes(app):
        if isinstance(route.app, Resource):
            assert "OPTIONS" in route.app.methods


def test_description_is_valid_openapi() -> None:
    validate(read_description())


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in described().values()]
    assert len(ids) == len(set(ids))


def test_version_is_that_of_the_package() -> None:
    assert read_description()["info"]["version"] == version("tokenry")


def test_scopes_are_those_of_the_default_catalogue() -> None:
    schemas = read_description()["components"]["schemas"]
    for name in ("Scope", "Resource"):
        assert schemas[name] == describe(default_catalogue())["components"]["schemas"][name]
    assert flows(read_description()) == flows(describe(default_catalogue()))


def test_scopes_that_can_be_asked_for_are_those_of_the_services_catalogue() -> None:
    levels = level_actions(*Level)
    catalogue = Catalogue((CatalogueEntry("a", levels, ""), CatalogueEntry("b", levels[1:], "")))
    description = describe(catalogue)
    schemas = description["components"]["schemas"]
    assert schemas["Scope"]["enum"] == ["*", "a:read_only", "a:read_write", "b:read_write"]
    assert schemas["Resource"]["enum"] == ["a", "b"]
    assert all([*flow["scopes"]] == schemas["Scope"]["enum"] for flow in flows(description).values())
    scopes = re.compile(schemas["AskedScopes"]["pattern"])
    assert all(map(scopes.search, ["*", "a:read_only", " a:read_only,b:read_write, *"]))
    assert not any(map(scopes.search, ["", " ,", "b:read_only", "a:read_only b", "account:read_only"]))
    policies = re.compile(schemas["Policy"]["pattern"])
    assert all(map(policies.search, ["", "resource=a", "scope=b:read_write&resource=a"]))
    assert not any(map(policies.search, ["resource=c", "scope=b", "resource=a&", "name=a"]))


def test_endpoints_of_oauths_flows_are_those_that_the_metadata_tells(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, public_url="https://tokens.example.com")
    with app.client:
        told = app.client.get("/.well-known/oauth-authorization-server").json()
        found = flows(app.client.get("/openapi.json").json())
    for flow in found.values():
        assert flow.get("authorizationUrl") in {None, told["authorization_endpoint"]}
        assert {flow.get("tokenUrl"), flow.get("refreshUrl")} <= {None, told["token_endpoint"]}
    assert [*found["authorizationCode"]["scopes"]] == told["scopes_supported"]
    assert found.keys() == {"authorizationCode", "clientCredentials", "implicit"}


def test_it_is_served_as_json_to_everybody(app: App) -> None:
    answer = app.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == describe(default_catalogue())
    assert app.client.head("/openapi.json").content == b""
    assert app.client.post("/openapi.json").status_code == 405


# --- the check itself ----------------------------------------------------------------------------------------------

HEALTHZ = Answer("GET", "/healthz", 200, [("content-type", "application/json"), ("cache-control", "no-store")], b"")


@pytest.mark.parametrize(
    ("status", "headers", "body", "problem"),
    [
        (204, [], b"", "which is not described"),
        (200, [("content-type", "application/json")], b'{"status": "ok"}', "the header cache-control is missing"),
        (200, [*HEALTHZ.headers, ("x-new", "1")], b'{"status": "ok"}', "the header x-new is not described"),
        (200, [HEALTHZ.headers[0], ("cache-control", "public")], b'{"status": "ok"}', "cache-control: "),
        (200, [("content-type", "text/plain"), HEALTHZ.headers[1]], b"ok", "the media type is ['text/plain']"),
        (200, HEALTHZ.headers, b'{"status": "ok", "new": 1}', "[]: Additional properties are not allowed"),
        (200, HEALTHZ.headers, b'{"status": 1}', "['status']: "),
    ],
)
def test_answer_that_is_not_as_described_is_found(
    status: int, headers: list[tuple[str, str]], body: bytes, problem: str
) -> None:
    with pytest.raises(AssertionError) as raised:
        check(Answer("GET", "/healthz", status, headers, body))
    assert problem in str(raised.value)


def test_answer_as_described_passes() -> None:
    check(Answer("GET", "/healthz", 200, HEALTHZ.headers, b'{"status": "ok"}'))
