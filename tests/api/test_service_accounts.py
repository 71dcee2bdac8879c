"""Service accounts over HTTP: administrators make and change them, and nobody else."""

from typing import Any

import pytest

from tests.api.managing import MANAGES, at
from tests.api.parts import actions, bearer_of, create, faults, opens, routes, token_of_another_account
from tests.conftest import App
from tests.issuing import bearer
from tokenry.domain.callers import Callers
from tokenry.web.resource import Resource

ACCOUNTS = "/v4/tokenry/service-accounts"
SHOP = f"{ACCOUNTS}/shop"


def make(app: App, username: str = "shop", ceiling: str = "linodes:read_write") -> Any:
    return app.client.post(ACCOUNTS, headers=app.bearer, json={"username": username, "ceiling": ceiling})


def token_of(app: App, scopes: str = MANAGES) -> str:
    text: str = app.client.post(f"{SHOP}/tokens", headers=app.bearer, json={"scopes": scopes}).json()["token"]
    return text


def give(app: App, backend: str, scopes: str) -> Any:
    body = {"scopes": scopes, "create_user": True}
    return app.client.post(f"{at('alice')}/tokens", headers=bearer(backend), json=body)


def test_service_account_is_made_given_a_token_changed_and_deleted(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = make(app).json()
    assert made == {**made, "username": "shop", "ceiling": "linodes:read_write", "disabled": False}
    bearer_of(app, "ada")
    assert app.client.get(ACCOUNTS, headers=app.bearer).json()["data"] == [made]
    backend = token_of(app)
    given = give(app, backend, "linodes:read_write").json()["token"]
    narrowed = app.client.patch(SHOP, headers=app.bearer, json={"ceiling": "linodes:read_only"}).json()
    assert narrowed == {**made, "ceiling": "linodes:read_only"} == app.client.get(SHOP, headers=app.bearer).json()
    assert give(app, backend, "linodes:read_write").status_code == 400
    for disabled in (True, False):
        assert app.client.patch(SHOP, headers=app.bearer, json={"disabled": disabled}).json()["disabled"] is disabled
        assert opens(app, backend, given) == [not disabled, True]
    assert app.client.delete(SHOP, headers=app.bearer).json() == {}
    assert opens(app, backend, given) == [False, True]
    assert [app.client.get(path, headers=app.bearer).status_code for path in (SHOP, f"{SHOP}/x")] == [404, 404]
    assert [name for name, _ in actions(app)][:4] == ["user.delete", "token.revoke", "user.enable", "user.disable"]


def test_acting_token_bounds_the_ceiling_and_the_tokens(app: App) -> None:
    """Or whoever has an administrator's narrow token could make one that may do more."""
    make(app)
    narrow = bearer(create(app, scopes="account:read_write domains:read_only")["token"])
    wide = app.client.post(ACCOUNTS, headers=narrow, json={"username": "x", "ceiling": "domains:read_write"})
    wider = app.client.patch(SHOP, headers=narrow, json={"ceiling": "*"})
    assert [[field for _, field in faults(each)] for each in (wide, wider)] == [["ceiling"]] * 2
    assert app.client.post(ACCOUNTS, headers=narrow, json={"username": "x", "ceiling": "domains:read_only"}).is_success
    for scopes in ("linodes:read_write", MANAGES):
        refused = app.client.post(f"{SHOP}/tokens", headers=narrow, json={"scopes": scopes})
        assert [field for _, field in faults(refused)] == ["scopes"]


def test_no_service_account_makes_or_changes_one_whatever_its_scopes(app: App) -> None:
    make(app, ceiling="*")
    backend = bearer(token_of(app, f"account:read_write {MANAGES} tokenry_verify:read_only tokenry_audit:read_only"))
    tried = 0
    for route in routes(app):
        for method, operation in route.app.operations.items() if isinstance(route.app, Resource) else ():
            if route.path.startswith(ACCOUNTS):
                answer = app.client.request(method, route.path.replace("{username}", "shop"), headers=backend)
                assert (answer.status_code, operation.who) == (403, Callers.ADMINISTRATORS), (method, route.path)
                tried += 1
    assert tried == 8
    assert app.client.get(SHOP, headers=app.bearer).json()["ceiling"] == "*"


def test_other_users_and_other_accounts_are_not_there(app: App) -> None:
    bearer_of(app, "ada")
    make(app)
    stranger = bearer(token_of_another_account(app)[1])
    for headers, path in ((app.bearer, f"{ACCOUNTS}/ada"), (app.bearer, f"{ACCOUNTS}/admin"), (stranger, SHOP)):
        asked = [
            app.client.get(path, headers=headers),
            app.client.patch(path, headers=headers, json={"disabled": True}),
            app.client.delete(path, headers=headers),
            app.client.post(f"{path}/tokens", headers=headers, json={"scopes": "tokenry_users:read_only"}),
        ]
        assert [answer.status_code for answer in asked] == [404] * 4, path
    assert app.client.get(SHOP, headers=app.bearer).json()["disabled"] is False


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["username", "ceiling"]),
        ({"username": "shop"}, ["ceiling"]),
        ({"username": "?", "ceiling": "tokenry_users:read_only"}, ["username", "ceiling"]),
        ({"username": "shop", "ceiling": "nothing:at_all"}, ["ceiling"]),
        ({"username": "shop", "ceiling": "*", "admin": True}, ["admin"]),
        ({"username": "admin", "ceiling": "*"}, ["username"]),
        ({"username": 1, "ceiling": []}, ["username", "ceiling"]),
    ],
)
def test_everything_that_is_wrong_is_told(app: App, body: dict[str, object], fields: list[str]) -> None:
    answer = app.client.post(ACCOUNTS, headers=app.bearer, json=body)
    assert (answer.status_code, [field for _, field in faults(answer)]) == (400, fields)


def test_token_without_scopes_or_with_others_than_the_ceiling_is_refused(app: App) -> None:
    make(app)
    for body in ({}, {"scopes": "*"}, {"scopes": "domains:read_only"}):
        refused = app.client.post(f"{SHOP}/tokens", headers=app.bearer, json=body)
        assert [field for _, field in faults(refused)] == ["scopes"]
    more: dict[str, object] = {"scopes": "linodes:read_only", "metadata": {}, "username": "ada"}
    refused = app.client.post(f"{SHOP}/tokens", headers=app.bearer, json=more)
    assert [field for _, field in faults(refused)] == ["metadata", "username"]
    assert opens(app, token_of(app, "linodes:read_only")) == [True]


def test_whom_an_oauth_client_acts_as_is_no_service_account(app: App) -> None:
    """That user is disabled with its client, and nobody gives it tokens, enables or deletes it by another way."""
    clients = "/v4/account/oauth-clients"
    body = {"label": "x", "redirect_uri": "https://app.example/callback"}
    client_id = app.client.post(clients, headers=app.bearer, json=body).json()["id"]
    details = {"grant_types": ["client_credentials"]}
    told = app.client.put(f"{clients}/{client_id}/details", headers=app.bearer, json=details).json()
    one = f"{ACCOUNTS}/{told['username']}"
    assert app.client.get(ACCOUNTS, headers=app.bearer).json()["results"] == 0
    asked = [
        app.client.get(one, headers=app.bearer),
        app.client.patch(one, headers=app.bearer, json={"disabled": False}),
        app.client.delete(one, headers=app.bearer),
        app.client.post(f"{one}/tokens", headers=app.bearer, json={"scopes": "*"}),
    ]
    assert [answer.status_code for answer in asked] == [404] * 4
