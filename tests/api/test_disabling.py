"""Disabling tokens and enabling them again, against the whole application."""

from typing import Any

import pytest

from tests.api.parts import TOKENS, bearer_of, create, faults, opens, token_of_another_account
from tests.conftest import App
from tests.issuing import bearer

INVENTORY = "/v4/account/tokens"


def put(app: App, token_id: int, headers: dict[str, str], *, disabled: object) -> Any:
    return app.client.put(f"{TOKENS}/{token_id}/details", headers=headers, json={"disabled": disabled})


def turn(app: App, how: str, *ids: int) -> Any:
    return app.client.post(f"{INVENTORY}/{how}", headers=app.bearer, json={"ids": ids}).json()


def test_own_token_is_refused_with_the_answer_and_opens_with_the_next(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = create(app, scopes="account:read_write")
    own = bearer(token["token"])
    for _ in range(2):
        assert opens(app, token["token"]) == [True]
        off = put(app, token["id"], app.bearer, disabled=True).json()
        assert (off["state"], off["disabled"], off["disabled_by"]) == ("disabled", True, "admin")
        assert opens(app, token["token"]) == [False]
        assert put(app, token["id"], own, disabled=False).status_code == 401
        on = put(app, token["id"], app.bearer, disabled=False).json()
        assert (on["state"], on["disabled"], on["disabled_by"]) == ("active", False, None)
    assert put(app, token["id"], own, disabled=True).status_code == 200
    assert opens(app, token["token"]) == [False]
    assert app.client.get(f"{TOKENS}/{token['id']}", headers=app.bearer).status_code == 200
    assert app.client.delete(f"{TOKENS}/{token['id']}", headers=app.bearer).status_code == 200


def test_administrators_disable_many_and_their_users_do_not_enable_them(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    theirs = bearer_of(app, "ada")
    [first, second] = [app.client.post(TOKENS, headers=theirs, json={}).json() for _ in range(2)]
    strange, eve = token_of_another_account(app)
    assert turn(app, "disable", first["id"], strange) == {
        "data": [{"id": first["id"], "disabled": True}, {"id": strange, "disabled": False}]
    }
    assert opens(app, first["token"], second["token"], eve) == [False, True, True]
    assert faults(put(app, first["id"], theirs, disabled=False)) == [
        ("Was disabled by admin, and cannot be enabled with the user's own tokens", "disabled")
    ]
    exported = app.client.get(f"{INVENTORY}/export?state=disabled&format=jsonl", headers=app.bearer).text
    assert exported.count('"disabled_by": "admin"') == exported.count("\n") == 1
    assert turn(app, "enable", first["id"], second["id"])["data"] == [
        {"id": first["id"], "enabled": True},
        {"id": second["id"], "enabled": False},
    ]
    assert opens(app, first["token"]) == [True]
    assert app.client.post(f"{INVENTORY}/disable", headers=theirs, json={"ids": [1]}).status_code == 403


def test_disabled_token_is_explained(app: App) -> None:
    token = create(app)
    put(app, token["id"], app.bearer, disabled=True)
    steps = app.client.post("/verify/explain", headers=app.bearer, json={"token": token["token"]}).json()["steps"]
    [failed] = [step for step in steps if not step["passed"]]
    assert failed == {"check": "enabled", "passed": False, "reason": "disabled at 2025-06-15T15:06:40Z by admin"}


@pytest.mark.parametrize("value", [None, 1, "true", []])
def test_what_is_no_truth_value_is_refused(app: App, value: object) -> None:
    assert [field for _, field in faults(put(app, 1, app.bearer, disabled=value))] == ["disabled"]
    assert opens(app, app.token) == [True]
