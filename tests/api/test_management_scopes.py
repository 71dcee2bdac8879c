"""What each scope of management opens: exactly the routes that name it, whoever adds one."""

from collections.abc import Iterator

import pytest

from tests.api.managing import backend_of
from tests.api.parts import bearer_of, create, routes, token_of_another_account
from tests.conftest import App
from tokenry.domain.callers import Callers
from tokenry.domain.catalogue import MANAGEMENT
from tokenry.domain.scopes import Scopes
from tokenry.web.resource import Operation, Resource

ASKED = ("/verify/batch", "/verify/explain", "/oauth/introspect")


def guarded(app: App) -> Iterator[tuple[str, str, Operation]]:
    """Every method of every path that asks for a scope."""
    for route in routes(app):
        if isinstance(route.app, Resource):
            for method, operation in route.app.operations.items():
                if operation.who is not Callers.ANYBODY and operation.needs != "*":
                    yield method, route.path.replace("{", "").replace("}", ""), operation


def opens(scopes: Scopes, operation: Operation) -> bool:
    meant = operation.for_managers or operation
    return scopes.covers(meant.scopes) and meant.who is Callers.MANAGERS


@pytest.mark.parametrize("scope", MANAGEMENT.scopes)
def test_scope_of_a_service_account_opens_its_routes_and_no_other(app: App, scope: str) -> None:
    backend, scopes = backend_of(app, scopes=scope), Scopes.parse(scope)
    opened = 0
    for method, path, operation in guarded(app):
        status = app.client.request(method, path, headers=backend).status_code
        assert (status not in {401, 403}) == opens(scopes, operation), (method, path, status)
        opened += opens(scopes, operation)
    assert opened


def answers(app: App, bearer: dict[str, str], text: str) -> list[tuple[int, object]]:
    """What is said of a token, wherever somebody may ask."""
    batch = app.client.post(ASKED[0], headers=bearer, json={"tokens": [text]})
    explained = app.client.post(ASKED[1], headers=bearer, json={"token": text})
    introspected = app.client.post(ASKED[2], headers=bearer, data={"token": text})
    found = [(batch, batch.json()), (explained, [explained.json()]), (introspected, [introspected.json()])]
    return [(answer.status_code, answer.status_code == 200 and body[0]["active"]) for answer, body in found]


def test_service_account_is_told_of_tokens_of_its_account_alone(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend = backend_of(app, scopes="tokenry_verify:read_only")
    _, strange = token_of_another_account(app)
    made = create(app)["token"]
    assert answers(app, backend, made) == [(200, True)] * 3
    assert answers(app, backend, strange) == [(200, False)] * 3


def test_who_was_an_administrator_is_told_nothing(app: App) -> None:
    former = bearer_of(app, "former", admin=True, scopes="tokenry_verify:read_only")
    assert answers(app, former, app.token) == [(200, True)] * 3
    app.client.put("/v4/account/users/former", headers=app.bearer, json={"restricted": True})
    assert answers(app, former, app.token) == [(403, False)] * 3


def test_scopes_of_the_wire_format_beside_it_close_nothing(app: App) -> None:
    both = backend_of(app, scopes="linodes:read_only tokenry_verify:read_only")
    assert answers(app, both, app.token) == [(200, True)] * 3
