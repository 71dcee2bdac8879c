"""How many requests a minute may be made with a token: who says so, and who sees it."""

from functools import partial
from typing import Any

import pytest

from tests.api.managing import at, backend_of
from tests.api.parts import TOKENS, actions, bearer_of, create, faults, installation_of, rotate
from tests.conftest import App
from tests.issuing import bearer
from tests.making import OPERATOR
from tokenry.domain.policy import Policy, UserKind

KEY = "requests_per_minute"


def put(app: App, place: str, headers: dict[str, str], limit: object) -> Any:
    return app.client.put(f"{place}/details", headers=headers, json={KEY: limit})


def test_owner_lowers_a_limit_and_only_who_manages_raises_it(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend = backend_of(app)
    made = app.client.post(f"{at('ada')}/tokens", headers=backend, json={"create_user": True, KEY: 600}).json()
    managed = f"{at('ada')}/tokens/{made['id']}"
    assert app.client.get(f"{managed}/details", headers=backend).json()[KEY] == 600
    assert [put(app, managed, backend, limit).json()[KEY] for limit in (60, 900, 0, 60)] == [60, 900, 0, 60]

    theirs = bearer_of(app, "bob")
    own = f"{TOKENS}/{app.client.post(TOKENS, headers=theirs, json={}).json()['id']}"
    assert [put(app, own, theirs, limit).json()[KEY] for limit in (60, 60, 5)] == [60, 60, 5]
    for raised in (6, 0):
        assert faults(put(app, own, theirs, raised)) == [("Must be 1-5: who manages your tokens sets more", KEY)]
    assert app.client.get(f"{own}/details", headers=theirs).json()[KEY] == 5

    administrators = create(app, requests_per_minute=5)
    assert put(app, f"{TOKENS}/{administrators['id']}", app.bearer, 0).json()[KEY] == 0
    changes = [details[KEY] for action, details in actions(app) if action.startswith("token.") and KEY in details]
    assert changes[::-1][:3] == [600, {"from": 600, "to": 60}, {"from": 60, "to": 900}]


def test_limit_stays_with_a_rotated_token_and_goes_with_a_revoked_one(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = create(app, requests_per_minute=7)
    place = f"{TOKENS}/{token['id']}"
    rotate(app, token["id"], activate="now", grace=0)
    assert app.client.get(f"{place}/details", headers=app.bearer).json()[KEY] == 7
    app.client.delete(place, headers=app.bearer)
    assert app.client.get(f"{place}/details", headers=app.bearer).json()[KEY] is None
    gone = app.client.put(f"{place}/details", headers=app.bearer, json={KEY: 7, "networks": ["10.0.0.0/8"]})
    assert faults(gone) == [("Must be left out: this token can no longer be used", name) for name in ("networks", KEY)]


@pytest.mark.parametrize("limit", [-1, 1_000_001, "60", None, True, 1.5, [60]])
def test_what_is_no_limit_is_refused_by_name(app: App, limit: object) -> None:
    expected = [("Must be 0-1000000, 0 for no limit", KEY)]
    assert faults(app.client.post(TOKENS, headers=app.bearer, json={KEY: limit})) == expected
    assert faults(put(app, f"{TOKENS}/1", app.bearer, limit)) == expected


def test_policy_tells_each_kind_of_user_its_limit(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    theirs = bearer_of(app, "ada")

    def shown() -> list[object]:
        answers = (app.client.get(f"{TOKENS}/policy", headers=headers) for headers in (app.bearer, theirs))
        return [answer.json()[KEY] for answer in answers]

    assert shown() == [None, None]
    installation = installation_of(app)
    installation.policies.set_policy(OPERATOR, lambda _: Policy(requests_per_minute={UserKind.USER: 600}))
    installation.database.close()
    assert shown() == [None, 600]


def asked(app: App, token: str, cost: int = 1) -> tuple[int, str | None]:
    answer = app.client.get(f"/verify?cost={cost}", headers=bearer(token))
    return answer.status_code, answer.headers.get("x-ratelimit-remaining")


def test_another_limit_holds_for_the_next_question_and_what_was_counted_stays(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = create(app, requests_per_minute=2)
    place = f"{TOKENS}/{token['id']}"
    assert [asked(app, token["token"]) for _ in range(4)] == [(200, "1"), (200, "0"), (429, "0"), (429, "0")]
    put(app, place, app.bearer, 4)
    assert [asked(app, token["token"]) for _ in range(2)] == [(200, "1"), (200, "0")]
    put(app, place, app.bearer, 1)
    assert asked(app, token["token"]) == (429, "0")
    put(app, place, app.bearer, 0)
    assert asked(app, token["token"]) == (200, None)


def _instead(policy: Policy, _: Policy) -> Policy:
    return policy


def test_policy_limits_every_token_of_a_kind_from_the_next_question_on(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    theirs = bearer_of(app, "ada")
    own = app.client.post(TOKENS, headers=theirs, json={KEY: 5}).json()["token"]
    other = app.client.post(TOKENS, headers=theirs, json={}).json()["token"]
    limits: list[tuple[dict[UserKind, int], list[str | None]]] = [
        ({}, ["4", None, None]),
        ({UserKind.USER: 3}, ["1", "2", None]),
        ({UserKind.USER: 9, UserKind.ADMIN: 7}, ["2", "7", "6"]),
        ({}, ["1", None, None]),
    ]
    installation = installation_of(app)
    for limited, left in limits:
        policy = Policy(requests_per_minute=limited)
        installation.policies.set_policy(OPERATOR, partial(_instead, policy))
        assert [asked(app, token)[1] for token in (own, other, app.token)] == left
    installation.database.close()


def test_both_secrets_of_a_rotated_token_count_together(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = create(app, requests_per_minute=2)
    rotated = rotate(app, token["id"])
    assert [asked(app, text)[0] for text in (token["token"], rotated["token"], token["token"])] == [200, 200, 429]
