"""Tokens that are refused before a moment, against the whole application."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.managing import at, backend_of
from tests.api.parts import TOKENS, actions, create, faults, opens
from tests.conftest import START, App
from tests.issuing import bearer

OF_ALICE = f"{at('alice')}/tokens"


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(int(START) + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def state(app: App, token_id: int) -> tuple[str, str | None]:
    details = app.client.get(f"{TOKENS}/{token_id}/details", headers=app.bearer).json()
    return details["state"], details["not_before"]


def listed(app: App, name: str) -> list[int]:
    """Which tokens are in this state, in the list of one's own, and in that of the account."""
    [own, all_] = [
        [row["id"] for row in app.client.get(path, headers=app.bearer).json()["data"]]
        for path in (f"{TOKENS}/details?state={name}", f"/v4/account/tokens?state={name}")
    ]
    assert own == all_
    return own


def told(app: App, text: str) -> list[object]:
    """What everybody who may ask is told: whether it opens the API and a gateway, and is active."""
    asking: Any = {"headers": app.bearer}
    [verdict] = app.client.post("/verify/batch", json={"tokens": [text]}, **asking).json()
    introspected = app.client.post("/oauth/introspect", data={"token": text}, **asking).json()
    explained = app.client.post("/verify/explain", json={"token": text}, **asking).json()
    failed = [step["check"] for step in explained["steps"] if not step["passed"]]
    profile = app.client.get("/v4/profile", headers=bearer(text)).status_code == 200
    said = [profile, *opens(app, text), verdict["active"], introspected["active"], explained["active"]]
    return [*said, introspected.get("nbf"), failed]


def test_token_is_refused_everywhere_until_its_moment(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = create(app, scopes="account:read_only", not_before=moment(60), expiry=moment(3600))
    assert "not_before" not in made
    for seconds in (0, 59):
        app.clock.seconds = START + seconds
        assert told(app, made["token"]) == [*[False] * 5, None, ["not_before"]]
    assert (state(app, made["id"]), listed(app, "pending"), listed(app, "active")) == (
        ("pending", moment(60)),
        [made["id"]],
        [1],
    )
    [row] = [row for row in app.client.get(TOKENS, headers=app.bearer).json()["data"] if row["id"] == made["id"]]
    assert row.keys() == made.keys()
    app.clock.seconds = START + 60
    assert told(app, made["token"]) == [*[True] * 5, int(START) + 60, []]
    assert (state(app, made["id"]), listed(app, "pending"), listed(app, "active")) == (
        ("active", moment(60)),
        [],
        [1, made["id"]],
    )
    assert ("token.create", f"{moment(60)}+00:00") in [(name, given.get("not_before")) for name, given in actions(app)]


def test_rotation_and_a_repeated_request_keep_the_moment(app: App) -> None:
    keyed = {**app.bearer, "Idempotency-Key": "once"}
    body = {"not_before": moment(60)}
    first, again = (app.client.post(TOKENS, headers=keyed, json=body).json() for _ in range(2))
    rotated = app.client.post(f"{TOKENS}/{again['id']}/rotate", headers=app.bearer, json={}).json()
    assert first["id"] == again["id"] == rotated["id"]
    assert opens(app, first["token"], again["token"], rotated["token"]) == [False] * 3
    app.clock.seconds = START + 60
    assert opens(app, first["token"], again["token"], rotated["token"]) == [False, True, True]


def test_pending_token_is_disabled_and_revoked_as_any_other(app: App) -> None:
    kept, revoked = (create(app, not_before=moment(60)) for _ in range(2))
    path = f"{TOKENS}/{kept['id']}/details"
    assert app.client.put(path, headers=app.bearer, json={"disabled": True}).json()["state"] == "disabled"
    assert listed(app, "pending") == [revoked["id"]]
    app.clock.seconds = START + 60
    assert opens(app, kept["token"]) == [False]
    app.clock.seconds = START
    assert app.client.put(path, headers=app.bearer, json={"disabled": False}).json()["state"] == "pending"
    reported = {"credentials": [revoked["token"]]}
    assert app.client.post("/v4/credentials/revoke", json=reported).status_code == 202
    assert state(app, revoked["id"])[0] == "revoked"
    app.clock.seconds = START + 60
    assert opens(app, kept["token"], revoked["token"]) == [True, False]


def test_backend_makes_such_a_token_for_a_user(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend = backend_of(app)
    body = {"create_user": True, "scopes": "linodes:read_only", "not_before": moment(60)}
    made = app.client.post(OF_ALICE, headers=backend, json=body).json()
    assert opens(app, made["token"]) == [False]
    [row] = app.client.get(f"{OF_ALICE}/details?state=pending", headers=backend).json()["data"]
    assert (row["id"], row["not_before"]) == (made["id"], moment(60))
    app.clock.seconds = START + 60
    assert opens(app, made["token"]) == [True]


@pytest.mark.parametrize("not_before", [None, moment(0), moment(-60)])
def test_moment_that_has_passed_is_at_once(app: App, not_before: str | None) -> None:
    made = create(app, not_before=not_before)
    assert (opens(app, made["token"]), state(app, made["id"])) == ([True], ("active", None))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"not_before": "soon"}, "Must be a date and time such as 2018-01-01T13:46:32"),
        ({"not_before": 5}, "Must be a date and time such as 2018-01-01T13:46:32"),
        ({"not_before": moment(60), "expiry": moment(60)}, f"Must be before the token expires: {moment(60)}"),
        ({"not_before": moment(61), "expiry": moment(60)}, f"Must be before the token expires: {moment(60)}"),
        ({"not_before": "2999-12-12T05:00:00"}, "Must be before the token expires: 2999-12-12T05:00:00"),
    ],
)
def test_moment_that_can_never_be_is_a_fault(app: App, body: dict[str, object], reason: str) -> None:
    answer = app.client.post(TOKENS, headers=app.bearer, json=body)
    assert (answer.status_code, faults(answer)) == (400, [(reason, "not_before")])
