"""From creation to revocation and expiry, for everybody involved."""

from tests.api.parts import TOKENS, create, token_of_another_user
from tests.conftest import App
from tests.issuing import bearer


def test_deleted_token_is_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    assert app.client.get("/verify", headers=bearer(created["token"])).status_code == 200
    answer = app.client.delete(f"{TOKENS}/{created['id']}", headers=app.bearer)
    assert (answer.status_code, answer.text) == (200, "{}")
    assert app.client.get("/verify", headers=bearer(created["token"])).status_code == 401


def test_token_may_delete_itself(app: App) -> None:
    created = create(app)
    assert app.client.delete(f"{TOKENS}/{created['id']}", headers=bearer(created["token"])).status_code == 200
    assert app.client.get(TOKENS, headers=bearer(created["token"])).status_code == 401


def test_second_delete_finds_nothing(app: App) -> None:
    created = create(app)
    app.client.delete(f"{TOKENS}/{created['id']}", headers=app.bearer)
    assert app.client.delete(f"{TOKENS}/{created['id']}", headers=app.bearer).status_code == 404


def test_expiry_is_exact_to_the_second(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token = create(app, expiry="2025-06-15T15:07:00")["token"]
    app.clock.seconds += 19.999
    assert app.client.get("/verify", headers=bearer(token)).status_code == 200
    app.clock.seconds += 0.001
    assert app.client.get("/verify", headers=bearer(token)).status_code == 401


def test_expired_token_is_gone_for_its_owner(app: App) -> None:
    created = create(app, expiry="2025-06-15T15:07:00")
    app.clock.seconds += 20
    assert app.client.get(TOKENS, headers=app.bearer).json()["results"] == 1
    for method in ("GET", "PUT", "DELETE"):
        assert app.client.request(method, f"{TOKENS}/{created['id']}", headers=app.bearer).status_code == 404


def test_tokens_of_others_are_not_there(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_id, text = token_of_another_user(app)
    assert app.client.get(TOKENS, headers=app.bearer).json()["results"] == 1
    for method in ("GET", "PUT", "DELETE"):
        answer = app.client.request(method, f"{TOKENS}/{token_id}", headers=app.bearer, json={"label": "mine"})
        assert (answer.status_code, answer.text) == (404, '{"errors": [{"reason": "Not found"}]}')
    assert app.client.get("/verify", headers=bearer(text)).headers["x-auth-user"] == "other"


def test_acting_token_is_in_its_own_list(app: App) -> None:
    row = app.client.get(TOKENS, headers=app.bearer).json()["data"][0]
    assert app.token.startswith(row["token"])
    assert len(row["token"]) == 16


def test_all_tokens_but_the_acting_one_are_revoked_together(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    others = [create(app) for _ in range(3)]
    rotated = app.client.post(f"{TOKENS}/{others[0]['id']}/rotate", headers=app.bearer).json()
    create(app, expiry="2025-06-15T15:07:00")
    _, foreign = token_of_another_user(app)
    app.clock.seconds += 20
    answers = [app.client.post(f"{TOKENS}/revoke-others", headers=app.bearer) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"revoked": 3}), (200, {"revoked": 0})]
    texts = [*(other["token"] for other in others), rotated["token"], app.token, foreign]
    assert [app.client.get("/verify", headers=bearer(text)).status_code for text in texts] == [401] * 4 + [200] * 2
    details = app.client.get(f"{TOKENS}/{others[0]['id']}/details", headers=app.bearer).json()
    assert (details["state"], details["revoked_by"]) == ("revoked", "admin")


def test_reading_scope_does_not_revoke_others(app: App) -> None:
    reader = create(app, scopes="account:read_only")["token"]
    assert app.client.post(f"{TOKENS}/revoke-others", headers=bearer(reader)).status_code == 401
    assert app.client.get(TOKENS, headers=app.bearer).json()["results"] == 2
