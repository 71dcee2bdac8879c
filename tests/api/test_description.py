"""`openapi.yaml` and the service say the same: paths, methods, scopes, and what is served of it."""

import json
from importlib.metadata import version
from typing import Any

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route, Router

from tests.conftest import App
from tests.description import Answer, check, path_patterns
from tokenry.api.app import VERSIONS
from tokenry.api.description import METHODS, read_description
from tokenry.api.operation import Resource


def routes(app: App) -> list[Route]:
    """The route table, from under what is around it."""
    asgi: Any = app.client.app
    while not isinstance(asgi, Router):
        asgi = asgi._app
    table = [route for route in asgi.routes if isinstance(route, Route)]
    assert len(table) == len(asgi.routes)
    return table


def methods(route: Route) -> frozenset[str]:
    found: frozenset[str] = route.app.methods  # type: ignore[attr-defined] # every application of ours has it
    return found


def served(app: App) -> set[tuple[str, str]]:
    """Every method of every route, by the described path it falls under; HEAD and OPTIONS follow from the others."""
    return {
        (method.lower(), template(route.path))
        for route in routes(app)
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


def test_every_method_of_every_route_is_described_and_no_other(app: App) -> None:
    assert served(app) == set(described())


def test_both_versions_of_every_path_are_served(app: App) -> None:
    paths = [route.path for route in routes(app)]
    versioned = {path.removeprefix("/v4/") for path in paths if path.startswith("/v4/")}
    assert versioned == {path.removeprefix("/v4beta/") for path in paths if path.startswith("/v4beta/")}
    assert read_description()["components"]["parameters"]["apiVersion"]["schema"]["enum"] == list(VERSIONS)


def test_described_scope_is_the_one_that_is_asked_for(app: App) -> None:
    operations = described()
    for route in routes(app):
        for method, operation in route.app.operations.items() if isinstance(route.app, Resource) else ():
            security = operations["get" if method == "HEAD" else method.lower(), template(route.path)]["security"]
            needed = [] if operation.needs == "*" else operation.needs.split(",")
            expected = [] if operation.public else [{"personalAccessToken": needed}]
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


def test_it_is_served_as_json_to_everybody(app: App) -> None:
    answer = app.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == read_description()
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
