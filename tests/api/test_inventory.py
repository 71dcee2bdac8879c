"""The inventory, against the whole application."""

import json
from typing import Any

import pytest

from tests.api.test_details import KEYS, MORE
from tests.api.test_lifecycle import bearer, create, token_of_another_user
from tests.conftest import App
from tokenry.domain.accounts import Origin
from tokenry.domain.tokens import NewToken
from tokenry.service.users import add_user
from tokenry.storage.accounts import create_account
from tokenry.wiring import open_installation

TOKENS = "/v4/account/tokens"


def token_of_another_account(app: App) -> tuple[int, str]:
    """A token of the administrator of another account."""
    installation = open_installation(app.settings, app.clock)
    origin, now = Origin("test"), installation.tokens._now()
    with installation.database.write() as connection:
        account = create_account(connection, euuid="F" * 8 + "-FFFF-FFFF-" + "F" * 16, company="Other", created=now)
        add_user(connection, origin, account_id=account.id, username="eve", email="", admin=True, now=now)
    token, secret = installation.tokens.create_token_for(origin, "eve", NewToken())
    installation.database.close()
    return token.id, secret.reveal()


def listed(app: App, query: str = "", filter: object = None) -> Any:
    headers = app.bearer if filter is None else {**app.bearer, "X-Filter": json.dumps(filter)}
    return app.client.get(f"{TOKENS}{query}", headers=headers).json()


def revoke(app: App, body: object) -> Any:
    return app.client.post(f"{TOKENS}/revoke", headers=app.bearer, json=body).json()


def test_inventory_has_everybodys_tokens_with_their_owner(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_of_another_user(app)
    page = listed(app)
    assert [(row["id"], row["username"]) for row in page["data"]] == [(1, "admin"), (2, "other")]
    assert list(page["data"][0]) == [*KEYS, *MORE, "username"]
    details = app.client.get("/v4/profile/tokens/1/details", headers=app.bearer).json()
    assert page["data"][0] == {**details, "username": "admin"}


def test_inventory_is_selected_filtered_and_of_one_user(app: App) -> None:
    token_of_another_user(app)
    create(app, label="ci", expiry="2025-06-15T15:06:41")
    app.clock.seconds += 1
    found = [
        [row["id"] for row in listed(app, query, filter)["data"]]
        for query, filter in (
            ("?username=other", None),
            ("?username=nobody", None),
            ("?state=expired", None),
            ("?state=all&expires_before=2100-01-01T00:00:00", None),
            ("?last_used_before=2000-01-01T00:00:00", {"username": {"+contains": "OTH"}}),
            ("", {"+order_by": "username", "+order": "desc"}),
        )
    ]
    assert found == [[2], [], [3], [3], [2], [2, 1]]


def test_administrator_sees_and_revokes_in_the_own_account_only(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    eve_id, eve = token_of_another_account(app)
    assert [row["username"] for row in listed(app, "?state=all")["data"]] == ["admin"]
    assert revoke(app, {"ids": [eve_id]}) == {"data": [{"id": eve_id, "revoked": False}]}
    assert app.client.get("/verify", headers=bearer(eve)).status_code == 200
    theirs = app.client.get(TOKENS, headers=bearer(eve)).json()
    assert [row["username"] for row in theirs["data"]] == ["eve"]


def test_many_are_revoked_at_once_and_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    tokens = [create(app) for _ in range(3)]
    ids = [token["id"] for token in tokens]
    assert app.client.get("/verify", headers=bearer(tokens[0]["token"])).status_code == 200
    assert revoke(app, {"ids": [*ids, 999, ids[0]]}) == {
        "data": [*({"id": token_id, "revoked": True} for token_id in ids), {"id": 999, "revoked": False}]
    }
    for token in tokens:
        assert app.client.get("/verify", headers=bearer(token["token"])).status_code == 401
    assert revoke(app, {"ids": ids})["data"][0] == {"id": ids[0], "revoked": False}


@pytest.mark.parametrize("body", [{}, {"ids": None}, {"ids": 1}, {"ids": []}, {"ids": list(range(1, 502))}])
def test_ids_that_are_no_list_of_up_to_500_are_refused(app: App, body: object) -> None:
    assert revoke(app, body) == {"errors": [{"reason": "Must be a list of 1-500 ids", "field": "ids"}]}


def test_every_wrong_id_is_named_and_nothing_is_revoked(app: App) -> None:
    token = create(app)
    answer = revoke(app, {"ids": [token["id"], 0, "1", True, None, 1 << 63]})
    assert answer == {
        "errors": [{"reason": "Must be the id of a token", "field": f"ids[{index}]"} for index in range(1, 6)]
    }
    assert app.client.get("/verify", headers=bearer(token["token"])).status_code == 200


def test_500_ids_are_taken(app: App) -> None:
    assert len(revoke(app, {"ids": list(range(2, 502))})["data"]) == 500


def test_every_wrong_parameter_is_named_at_once(app: App) -> None:
    errors = listed(app, "?page=0&state=dead&expires_after=x", {"token": "pat_"})["errors"]
    assert [error["field"] for error in errors] == ["page", "X-Filter", "state", "expires_after"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", TOKENS), ("GET", f"{TOKENS}?page=0"), ("POST", f"{TOKENS}/revoke")]
)
def test_others_are_refused_before_anything_that_is_wrong_with_their_request(app: App, method: str, path: str) -> None:
    _, other = token_of_another_user(app)
    answer = app.client.request(method, path, headers=bearer(other))
    assert (answer.status_code, answer.json()) == (403, {"errors": [{"reason": "Unauthorized"}]})


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [("account:read_write", (200, 400)), ("account:read_only", (200, 401)), ("linodes:read_write", (401, 401))],
)
def test_scope_decides(app: App, scopes: str, statuses: tuple[int, int]) -> None:
    headers = bearer(create(app, scopes=scopes)["token"])
    answers = app.client.get(TOKENS, headers=headers), app.client.post(f"{TOKENS}/revoke", headers=headers, json={})
    assert tuple(answer.status_code for answer in answers) == statuses
