"""A token that may rotate itself, and do nothing else here: tried on every route of the table."""

import json
from typing import Any

import pytest

from tests.api.managing import at, backend_of
from tests.api.parts import TOKENS, actions, create, faults, opens, routes
from tests.conftest import App
from tests.issuing import bearer
from tokenry.domain.callers import Callers
from tokenry.web.resource import ITSELF_ONLY, Resource

LEFT = {("GET", ""), ("HEAD", ""), ("POST", "/rotate"), ("GET", "/details"), ("HEAD", "/details")}
"""What is left of the paths of a token, for itself."""


def made_by(app: App, **body: Any) -> Any:
    return create(app, rotates_itself_only=True, **body)


def rotate(app: App, token_id: int, text: str) -> Any:
    return app.client.post(f"{TOKENS}/{token_id}/rotate", headers=bearer(text), json={"grace": 0, "activate": "now"})


@pytest.mark.parametrize("scopes", ["*", "linodes:read_only"])
def test_it_does_nothing_else_on_any_route_whatever_its_scopes(app: App, scopes: str) -> None:
    token = made_by(app, scopes=scopes)
    other = create(app)["id"]
    refused, left = 0, set()
    for route in routes(app):
        for method, operation in route.app.operations.items() if isinstance(route.app, Resource) else ():
            if operation.who is Callers.ANYBODY:
                continue
            for token_id in (other, token["id"]):
                path = route.path.replace("{token_id}", str(token_id)).replace("{", "").replace("}", "")
                answer = app.client.request(method, path, headers=bearer(token["token"]))
                if answer.status_code == 403:
                    refused += 1
                    continue
                _, own, rest = path.replace("v4beta", "v4").partition(f"{TOKENS}/{token['id']}")
                assert (answer.status_code, bool(own)) == (200, True), (method, path)
                left.add((method, rest))
    assert left == LEFT
    assert refused > 200
    assert app.client.get(f"{TOKENS}/{other}", headers=app.bearer).status_code == 200


def test_it_rotates_itself_and_stays_so(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = made_by(app, scopes="linodes:read_only")
    for _ in range(2):
        rotated = rotate(app, token["id"], token["token"])
        assert rotated.status_code == 200
        assert opens(app, token["token"], rotated.json()["token"]) == [False, True]
        token = rotated.json()
        answer = app.client.get(TOKENS, headers=bearer(token["token"]))
        assert (answer.status_code, faults(answer)) == (403, [(ITSELF_ONLY, None)])
    details = app.client.get(f"{TOKENS}/{token['id']}/details", headers=bearer(token["token"])).json()
    assert details["rotates_itself_only"] is True
    assert app.client.get("/verify?scope=linodes:read_only", headers=bearer(token["token"])).status_code == 200
    given = [details.get("rotates_itself_only") for name, details in actions(app) if name == "token.create"]
    assert given == [True, None]


def test_others_rotate_it_and_nothing_lifts_the_limit(app: App) -> None:
    token = made_by(app)
    app.client.put(f"{TOKENS}/{token['id']}/details", headers=app.bearer, json={"rotates_itself_only": False})
    rotated = rotate(app, token["id"], app.token).json()
    assert app.client.get(TOKENS, headers=bearer(rotated["token"])).status_code == 403
    exported = app.client.get("/v4/account/tokens/export?format=jsonl", headers=app.bearer).text
    assert [json.loads(line)["rotates_itself_only"] for line in exported.splitlines()] == [False, True]


def test_repeated_rotation_gives_the_secret_that_was_lost(app: App) -> None:
    token = made_by(app)
    keyed = {**bearer(token["token"]), "Idempotency-Key": "once"}
    first, again = (app.client.post(f"{TOKENS}/{token['id']}/rotate", headers=keyed, json={}).json() for _ in range(2))
    assert opens(app, token["token"], first["token"], again["token"]) == [True, False, True]


def test_backend_makes_such_a_token_for_a_user(app: App) -> None:
    backend = backend_of(app)
    body = {"create_user": True, "scopes": "linodes:read_only", "rotates_itself_only": True}
    token = app.client.post(f"{at('alice')}/tokens", headers=backend, json=body).json()
    assert rotate(app, token["id"], token["token"]).status_code == 200


@pytest.mark.parametrize("wrong", ["yes", 1, []])
def test_what_is_neither_yes_nor_no_is_a_fault(app: App, wrong: object) -> None:
    answer = app.client.post(TOKENS, headers=app.bearer, json={"rotates_itself_only": wrong})
    assert [field for _, field in faults(answer)] == ["rotates_itself_only"]
