"""What tokens are used for, over HTTP: for owners, for administrators, and for nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import App, Clock, make_app
from tests.description import CHECKED
from tests.making import OPERATOR
from tokenry.application import build_app
from tokenry.domain.tokens import NewToken
from tokenry.service.overview import COUNTING_SECONDS
from tokenry.wiring import open_installation

PLACE = "/v4/tokenry/tokens"


def make(app: App, headers: dict[str, str] | None = None, scopes: str = "linodes:read_write") -> tuple[int, str]:
    made = app.client.post("/v4/profile/tokens", headers=headers or app.bearer, json={"scopes": scopes}).json()
    return made["id"], made["token"]


def use(app: App, text: str, scope: str = "linodes:read_only") -> int:
    return app.client.get(f"/verify?scope={scope}", headers={"Authorization": f"Bearer {text}"}).status_code


@pytest.fixture
def used(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[tuple[App, int]]:
    """An application that was stopped, and so has written down what it was asked, and is there again; and a token."""
    app = make_app(tmp_path / "data", clock, migrated_url)
    with app.client:
        token_id, text = make(app)
        assert [use(app, text), use(app, text), use(app, text, "volumes:read_only")] == [200, 200, 403]
    client = TestClient(build_app(app.settings, clock), base_url="http://testserver")
    client.event_hooks = CHECKED
    with client:
        yield replace(app, client=client), token_id


def test_activity_tells_each_day_what_became_of_a_token(used: tuple[App, int]) -> None:
    app, token_id = used
    answer = app.client.get(f"{PLACE}/{token_id}/activity", headers=app.bearer)
    assert answer.json() == {"days": [{"day": "2025-06-15", "accepted": 2, "refused": {"scopes": 1}}]}


def test_overview_tells_what_became_of_all_tokens(used: tuple[App, int]) -> None:
    app, _ = used
    [day] = app.client.get("/v4/tokenry/overview", headers=app.bearer).json()["days"]
    assert (day["day"], day["accepted"], day["refused"]) == ("2025-06-15", 3, {"scopes": 1})


def test_activity_is_for_the_owner_and_for_administrators(app: App) -> None:
    token_id, _ = make(app)
    app.client.post(
        "/v4/account/users", headers=app.bearer, json={"username": "ada", "email": "a@b.example", "restricted": True}
    )
    installation = open_installation(app.settings, app.clock)
    own, secret = installation.tokens.create_token_for(OPERATOR, "ada", NewToken())
    installation.database.close()
    ada = {"Authorization": f"Bearer {secret.reveal()}"}
    asked = [(token_id, ada), (own.id, ada), (own.id, app.bearer), (own.id + 1, app.bearer)]
    for what in ("activity", "advice"):
        answers = [app.client.get(f"{PLACE}/{each}/{what}", headers=headers).status_code for each, headers in asked]
        assert answers == [404, 200, 200, 404]
    assert app.client.get(f"{PLACE}/{own.id}/shadow", headers=ada).status_code == 403


def test_advice_says_why_nothing_can_be_said(app: App) -> None:
    token_id, _ = make(app)
    answer = app.client.get(f"{PLACE}/{token_id}/advice", headers=app.bearer)
    assert answer.json() == {
        "since": "2025-06-15",
        "scopes": [{"scope": "linodes:read_write", "asked": None}],
        "sufficient": None,
        "reason": "too_young",
    }


def test_shadow_is_put_read_enforced(app: App) -> None:
    token_id, text = make(app)
    shadow = f"{PLACE}/{token_id}/shadow"
    put = app.client.put(shadow, headers=app.bearer, json={"scopes": "linodes:read_only"})
    assert (put.status_code, put.json()["scopes"], put.json()["refusals"]) == (200, "linodes:read_only", [])
    assert use(app, text, "linodes:read_write") == 200
    enforced = app.client.post(f"{shadow}/enforce", headers=app.bearer, json={"scopes": "linodes:read_only"})
    assert enforced.json() == {"scopes": "linodes:read_only"}
    assert use(app, text, "linodes:read_write") == 403
    assert app.client.get(shadow, headers=app.bearer).status_code == 404


def test_shadow_is_given_up(app: App) -> None:
    token_id, _ = make(app)
    shadow = f"{PLACE}/{token_id}/shadow"
    app.client.put(shadow, headers=app.bearer, json={"scopes": "linodes:read_only"})
    assert [app.client.delete(shadow, headers=app.bearer).status_code for _ in range(2)] == [200, 404]


@pytest.mark.parametrize("body", [{}, {"scopes": 1}, {"scopes": ""}, {"scopes": "*"}])
def test_shadow_of_no_fewer_scopes_is_refused(app: App, body: dict[str, object]) -> None:
    token_id, _ = make(app)
    answer = app.client.put(f"{PLACE}/{token_id}/shadow", headers=app.bearer, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "scopes")


def test_overview_has_how_many_tokens_there_are(app: App) -> None:
    make(app)
    installation = open_installation(app.settings, app.clock)
    app.clock.seconds += COUNTING_SECONDS
    assert installation.overviews.count_tokens() == 1
    installation.database.close()
    answer = app.client.get("/v4/tokenry/overview", headers=app.bearer).json()
    assert answer["tokens"] == {"live": 2, "expiring": 0, "endless": 2, "all_scopes": 1, "unused": 0}
    assert answer["days"][-1]["live"] == 2
