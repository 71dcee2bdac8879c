"""The five operations on tokens, against the whole application."""

import json

import pytest

from tests.conftest import App

TOKENS = "/v4/profile/tokens"


def test_created_token_is_shown_whole_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    answer = app.client.post(TOKENS, headers=app.bearer, json={"label": "ci", "scopes": "linodes:read_only"})
    assert answer.status_code == 200
    created = answer.json()
    assert answer.text == json.dumps(created)
    assert list(created) == ["id", "scopes", "created", "label", "token", "expiry"]
    assert created["expiry"] == "2999-12-12T05:00:00"
    assert created["created"] == "2025-06-15T15:06:40"
    read = app.client.get(f"{TOKENS}/{created['id']}", headers=app.bearer).json()
    assert read == {**created, "token": created["token"][:16]}


def test_every_answer_says_when_the_acting_token_expires(app: App) -> None:
    asked = {"scopes": "account:read_only", "expiry": "2026-01-01T00:00:00"}
    made = app.client.post(TOKENS, headers=app.bearer, json=asked)
    assert made.headers["x-token-expires"] == "2999-12-12T05:00:00"
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}
    for method, path, status in (("GET", TOKENS, 200), ("GET", f"{TOKENS}/9", 404), ("POST", TOKENS, 401)):
        answer = app.client.request(method, path, headers=narrow)
        assert (answer.status_code, answer.headers["x-token-expires"]) == (status, "2026-01-01T00:00:00")
    assert "x-token-expires" not in app.client.get(TOKENS, headers={"Authorization": "Bearer wrong"}).headers
    assert "x-token-expires" not in app.client.get("/v4/regions", headers=narrow).headers


@pytest.mark.parametrize("version", ["v4", "v4beta"])
def test_both_versions_answer(app: App, version: str) -> None:
    answer = app.client.get(f"/{version}/profile/tokens", headers=app.bearer)
    assert answer.status_code == 200
    assert answer.json()["results"] == 1
