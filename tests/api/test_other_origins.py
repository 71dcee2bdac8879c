"""What a page of another origin may send to the wire format's paths, and read of their answers (Fetch section 3.3)."""

import pytest
from httpx2 import Response

from tests.api.parts import TOKENS, routes
from tests.conftest import App, Clock, make_app
from tokenry.api.managed.browser import BrowserResource
from tokenry.web.resource import Resource

PAGE = {"Origin": "https://app.example.com"}
TOLD = ("x-request-id", "x-token-expires", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def words(answer: Response, header: str) -> set[str]:
    """A list in a header, however many lines it takes."""
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")}


def preflight(app: App, path: str, method: str) -> Response:
    asks = {**PAGE, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "idempotency-key"}
    return app.client.options(path, headers=asks)


def test_every_method_of_every_resource_passes_a_preflight(app: App) -> None:
    asked = 0
    for route in routes(app):
        if not isinstance(route.app, Resource) or isinstance(route.app, BrowserResource):
            continue  # the latter's own rules are tested in test_page_tokens.py
        for method in route.app.operations:
            answer = preflight(app, route.path.replace("{", "").replace("}", ""), method)
            assert answer.status_code == 200, route.path
            assert method.lower() in words(answer, "access-control-allow-methods"), (method, route.path)
            assert {"authorization", "content-type", "idempotency-key"} <= words(answer, "access-control-allow-headers")
            asked += 1
    assert asked > 100


def test_patch_is_told_where_it_is(app: App) -> None:
    assert "patch" not in words(preflight(app, TOKENS, "POST"), "access-control-allow-methods")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (TOKENS, {}, 200),
        (f"{TOKENS}?page=0", {}, 400),
        (TOKENS, {"Authorization": "Bearer wrong"}, 401),
        (f"{TOKENS}/999", {}, 404),
        ("/v4/nowhere", {}, 404),
    ],
)
def test_page_may_read_what_is_told_of_a_limit_and_a_request(
    app: App, path: str, headers: dict[str, str], status: int
) -> None:
    answer = app.client.get(path, headers={**app.bearer, **PAGE, **headers})
    assert answer.status_code == status
    assert {*TOLD, "retry-after"} <= words(answer, "access-control-expose-headers")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_page_may_read_when_to_ask_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = make_app(tmp_path_factory.mktemp("limited") / "data", Clock(), rate_limit=1)
    with app.client:
        app.client.get(TOKENS, headers=app.bearer)
        answer = app.client.get(TOKENS, headers={**app.bearer, **PAGE})
    assert answer.status_code == 429
    assert {*TOLD, "retry-after"} <= answer.headers.keys() & words(answer, "access-control-expose-headers")


def test_who_is_no_page_is_told_what_the_format_has(app: App) -> None:
    answer = app.client.get(TOKENS, headers=app.bearer)
    assert words(answer, "access-control-expose-headers") == {"x-oauth-scopes", "x-accepted-oauth-scopes", "x-status"}
    assert "access-control-expose-headers" not in app.client.get(f"{TOKENS}/999", headers=app.bearer).headers
    assert "idempotency-key" not in words(app.client.options(TOKENS), "access-control-allow-headers")
