"""Who may call stands in the route tables, and is judged after the scope and before what is wrong with a request."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.parts import bearer_of, routes
from tests.conftest import App
from tokenry.domain.callers import RULES, Callers
from tokenry.domain.catalogue import MANAGEMENT
from tokenry.web.dialect import Dialect
from tokenry.web.resource import Operation, Resource


def operations(app: App) -> Iterator[tuple[str, str, Operation, Dialect]]:
    """Every method of every path, with what stands in the table."""
    for route in routes(app):
        if isinstance(route.app, Resource) and not route.path.startswith("/v4beta"):
            for method, operation in route.app.operations.items():
                yield method, route.path, operation, route.app._dialect
                if operation.for_managers is not None:
                    yield method, route.path, operation.for_managers, route.app._dialect


def send_nonsense(app: App, method: str, path: str, dialect: Dialect, bearer: dict[str, str]) -> httpx2.Response:
    """A request in which all that can be wrong is: ids, parameters, filter and body."""
    headers = {**bearer, "X-Filter": "{", "Content-Type": dialect.media_types[0]}
    return app.client.request(method, f"{at(path)}?page=0&state=x&format=x", headers=headers, content=b"{&a=1&a=2")


def at(path: str) -> str:
    return path.replace("{", "").replace("}", "")


def test_table_is_the_only_reason_for_a_user_to_be_refused(app: App) -> None:
    # Who was an administrator has tokens with the scopes of management, and may nothing by them.
    formerly = bearer_of(app, "former", admin=True, scopes=" ".join(MANAGEMENT.scopes))
    app.client.put("/v4/account/users/former", headers=app.bearer, json={"restricted": True})
    ada = bearer_of(app, "ada")
    for method, path, operation, dialect in operations(app):
        if path.startswith("/v4/tokenry/page/"):
            continue  # where origins are judged before tokens: tests/api/test_page_tokens.py
        bearer = formerly if operation.scopes.management else ada
        plain = app.client.request(method, at(path), headers=bearer)
        for answer in (plain, send_nonsense(app, method, path, dialect, bearer)):
            assert (answer.status_code == 403) == (operation.who in RULES), (method, path)


def test_scope_is_judged_first(app: App) -> None:
    ada = bearer_of(app, "ada")
    made = app.client.post("/v4/profile/tokens", headers=ada, json={"scopes": "linodes:read_only"}).json()
    narrow = {"Authorization": f"Bearer {made['token']}"}
    for method, path, operation, dialect in operations(app):
        if operation.who in RULES:
            answer = send_nonsense(app, method, path, dialect, narrow)
            assert 'error="insufficient_scope"' in answer.headers["www-authenticate"], (method, path)


def test_administrators_are_told_what_is_wrong(app: App) -> None:
    for method, path, operation, dialect in operations(app):
        if operation.who is Callers.ADMINISTRATORS and method in {"POST", "PUT"} and operation.reads_body:
            answer = send_nonsense(app, method, path, dialect, app.bearer)
            assert answer.status_code == 400, (method, path)


@pytest.mark.parametrize("who", [who for who in Callers if who in RULES])
def test_every_rule_is_in_a_table(app: App, who: Callers) -> None:
    assert any(operation.who is who for _, _, operation, _ in operations(app))


def test_user_who_is_no_administrator_any_more_is_refused_at_once(app_on_each_engine: App) -> None:
    """Verification tells who is one, and remembers it as long as nothing has changed."""
    app = app_on_each_engine
    boss = bearer_of(app, "boss", admin=True)

    def statuses() -> list[int]:
        listed = app.client.get("/v4/account/tokens", headers=boss)
        decided = app.client.post("/verify/batch", headers=boss, json={"tokens": ["x"]})
        introspected = app.client.post("/oauth/introspect", headers=boss, data={"token": "x"})
        return [listed.status_code, decided.status_code, introspected.status_code]

    def restrict(*, restricted: bool) -> None:
        change = {"restricted": restricted}
        assert app.client.put("/v4/account/users/boss", headers=app.bearer, json=change).status_code == 200

    for _ in range(2):
        assert statuses() == [200] * 3
        restrict(restricted=True)
        assert statuses() == [403] * 3
        restrict(restricted=False)
