"""Keys of a body that mean nothing: most are ignored, and those that somebody must believe in are told."""

import json
from typing import Any

import pytest

from tests.api.parts import TOKENS, create, faults
from tests.api.replay import REPLAYED
from tests.conftest import App
from tokenry.api.tokens.effects import WITHOUT_EFFECT

CHANGES = {
    "create": ("POST", TOKENS),
    "create in the beta": ("POST", "/v4beta/profile/tokens"),
    "rename": ("PUT", f"{TOKENS}/1"),
    "rotate": ("POST", f"{TOKENS}/1/rotate"),
    "change details": ("PUT", f"{TOKENS}/1/details"),
    "revoke all others": ("POST", f"{TOKENS}/revoke-others"),
}


def tokens_of(app: App) -> list[Any]:
    """All that is known of the caller's tokens, and whether others are valid."""
    tokens: list[Any] = app.client.get(f"{TOKENS}/details?state=all", headers=app.bearer).json()["data"]
    return [{**token, "last_used": None} for token in tokens]


@pytest.mark.parametrize("change", CHANGES)
def test_key_that_must_be_believed_to_have_an_effect_is_told_and_nothing_is_done(app: App, change: str) -> None:
    create(app)
    before = tokens_of(app)
    method, path = CHANGES[change]
    without = WITHOUT_EFFECT.keys() - ({"metadata"} if change == "change details" else set())
    for key in without:
        answer = app.client.request(method, path, headers=app.bearer, json={"label": "x", "junk": 1, key: "alice"})
        assert (answer.status_code, [field for _, field in faults(answer)]) == (400, [key])
    answer = app.client.request(method, path, headers=app.bearer, json=dict.fromkeys(without, "x"))
    assert sorted(str(field) for _, field in faults(answer)) == sorted(without)
    assert tokens_of(app) == before


def test_whole_objects_may_be_sent_back(app: App) -> None:
    """As clients of the format do, which change one key of what they read."""
    token = app.client.get(f"{TOKENS}/{create(app)['id']}", headers=app.bearer).json()
    renamed = app.client.put(f"{TOKENS}/{token['id']}", headers=app.bearer, json={**token, "label": "b"})
    assert renamed.json() == {**token, "label": "b"}
    details = app.client.get(f"{TOKENS}/{token['id']}/details", headers=app.bearer).json()
    changed = app.client.put(
        f"{TOKENS}/{token['id']}/details", headers=app.bearer, json={**details, "description": "x"}
    )
    assert changed.json() == {**details, "description": "x"}


def test_no_recorded_client_sends_such_a_key() -> None:
    bodies = [
        (vector["request"]["path"], json.loads(vector["request"]["body"]))
        for vector in REPLAYED
        if vector["request"].get("body") and "/profile/tokens" in vector["request"]["path"]
    ]
    assert len(bodies) > 1
    assert [path for path, body in bodies if WITHOUT_EFFECT.keys() & body.keys()] == []
