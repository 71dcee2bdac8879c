"""`/oauth/introspect` (RFC 7662): what a service is told of a token that was presented to it."""

from pathlib import Path

import httpx2
import pytest

from tests.api.parts import bearer_of, create, token_of_another_account, token_of_another_user
from tests.conftest import START, App, Clock, make_app
from tests.issuing import bearer
from tests.verification.dpop_making import Prover, bound_token
from tokenry.storage.schema import token_uses
from tokenry.wiring import open_installation

INTROSPECT = "/oauth/introspect"
INACTIVE = {"active": False}
EXPIRY = "2025-06-15T15:07:40"


def introspect(app: App, token: str, **parameters: str) -> httpx2.Response:
    return app.client.post(INTROSPECT, headers=app.bearer, data={"token": token, **parameters})


def test_valid_token_of_any_user_of_the_account_is_described(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_id, token = token_of_another_user(app)
    answer = introspect(app, token)
    assert answer.status_code == 200
    assert answer.json() == {
        "active": True,
        "scope": "*",
        "username": "other",
        "token_type": "Bearer",
        "sub": "2",
        "jti": str(token_id),
    }


def test_scopes_are_sorted_and_expiry_is_in_seconds(app: App) -> None:
    made = create(app, scopes="volumes:read_only,domains:read_write", expiry=EXPIRY)
    told = introspect(app, made["token"]).json()
    assert (told["scope"], told["exp"]) == ("domains:read_write volumes:read_only", int(START) + 60)


def test_expired_token_is_inactive(app: App) -> None:
    token = create(app, expiry=EXPIRY)["token"]
    app.clock.seconds += 60
    assert introspect(app, token).json() == INACTIVE


def test_revoked_token_is_inactive_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = create(app)
    assert introspect(app, made["token"]).json()["active"] is True
    app.client.delete(f"/v4/profile/tokens/{made['id']}", headers=app.bearer)
    assert introspect(app, made["token"]).json() == INACTIVE


def test_token_of_another_account_is_inactive(app_on_each_engine: App) -> None:
    _, token = token_of_another_account(app_on_each_engine)
    assert app_on_each_engine.client.get("/verify", headers=bearer(token)).status_code == 200
    assert introspect(app_on_each_engine, token).json() == INACTIVE


@pytest.mark.parametrize("change", ["{}x", " {}", "Bearer {}", "{}\n", '"{}"', "pat_", "é", "\0"])
def test_what_is_no_token_is_inactive(app: App, change: str) -> None:
    answer = introspect(app, change.format(app.token))
    assert (answer.status_code, answer.json()) == (200, INACTIVE)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"address": "203.0.113.7"}, True),
        ({"address": "::ffff:203.0.113.7"}, True),
        ({"address": "203.0.114.7"}, False),
        ({}, False),
    ],
)
def test_token_kept_to_networks_is_active_for_an_address_in_them(
    app: App, parameters: dict[str, str], told: object
) -> None:
    made = create(app)
    path = f"/v4/profile/tokens/{made['id']}/details"
    app.client.put(path, headers=app.bearer, json={"networks": ["203.0.113.0/24"]})
    assert introspect(app, made["token"], **parameters).json()["active"] is told


def test_being_asked_about_is_no_use_of_a_token(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock)
    with app.client:
        _, token = token_of_another_user(app)
        assert introspect(app, token).json()["active"] is True
    installation = open_installation(app.settings)
    with installation.database.read() as connection:
        assert connection.execute(token_uses.select()).scalars().all() == [1], "the caller's own token was used"
    installation.database.close()


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_caller_without_a_token_is_challenged(app: App) -> None:
    answer = app.client.post(INTROSPECT, data={"token": app.token})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="tokenry"'


def test_caller_with_a_wrong_token_is_told_so(app: App) -> None:
    answer = app.client.post(INTROSPECT, headers={"Authorization": "Bearer x"}, data={"token": app.token})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_scope_that_does_not_suffice_is_forbidden(app: App) -> None:
    narrow = bearer(create(app, scopes="linodes:read_write")["token"])
    answer = app.client.post(INTROSPECT, headers=narrow, data={"token": app.token})
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="tokenry", error="insufficient_scope", scope="account:read_only"'
    )


def test_reading_the_account_suffices(app: App) -> None:
    narrow = bearer(create(app, scopes="account:read_only")["token"])
    answer = app.client.post(INTROSPECT, headers=narrow, data={"token": app.token})
    assert answer.json()["active"] is True


@pytest.mark.parametrize("data", [{"token": "x"}, {}], ids=["asking", "asking wrongly"])
def test_user_who_is_no_administrator_is_forbidden_whatever_is_asked(app: App, data: dict[str, str]) -> None:
    answer = app.client.post(INTROSPECT, headers=bearer_of(app, "ada"), data=data)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


# --- wrong questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("", "token: Must be sent"),
        ("token=", "token: Must be sent"),
        ("token_type_hint=access_token", "token: Must be sent"),
        ("token=a&token=b", "Each parameter must be sent only once"),
        ("token=a&x=1&x=2", "Each parameter must be sent only once"),
        ("token=a&address=here", "address: Must be an IP address"),
        ("address=10.0.0.0/8", "token: Must be sent; address: Must be an IP address"),
    ],
)
def test_wrong_request_is_refused_in_words_of_oauth(app: App, body: str, description: str) -> None:
    headers = {**app.bearer, "Content-Type": "application/x-www-form-urlencoded"}
    answer = app.client.post(INTROSPECT, headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": description}


def test_token_in_the_query_is_not_read(app: App) -> None:
    assert app.client.post(f"{INTROSPECT}?token={app.token}", headers=app.bearer).status_code == 400


def test_hint_and_unknown_parameters_make_no_difference(app: App) -> None:
    assert introspect(app, app.token, token_type_hint="refresh_token", x="1").json()["active"] is True


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/mixed; boundary=x"])
def test_body_that_is_no_form_is_refused(app: App, media_type: str) -> None:
    answer = app.client.post(INTROSPECT, headers={**app.bearer, "Content-Type": media_type}, content=b"{}")
    assert (answer.status_code, answer.json()["error"]) == (415, "invalid_request")


def test_form_that_is_too_long_is_refused(app: App) -> None:
    answer = introspect(app, "x" * 65536)
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


def test_only_post_asks(app: App) -> None:
    answer = app.client.get(INTROSPECT, headers=app.bearer)
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


def test_database_that_does_not_answer_is_never_an_active_token(app: App) -> None:
    token = create(app)["token"]
    assert introspect(app, app.token).json()["active"] is True
    installation = open_installation(app.settings)
    with installation.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE credentials")
    installation.database.close()
    answer = introspect(app, token)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


# --- limits ----------------------------------------------------------------------------------------------------------


def test_asking_has_no_limit_but_failures_have(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=2, rate_limit_failures=2)
    with app.client:
        assert [introspect(app, app.token).status_code for _ in range(4)] == [200] * 4
        wrong = [app.client.post(INTROSPECT, data={"token": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in wrong] == [401, 401, 429]
    assert wrong[2].json()["error"] == "temporarily_unavailable"


def test_token_that_is_bound_to_a_key_is_told_with_it(app_on_each_engine: App) -> None:
    """RFC 9449 section 6.2: who asks judges the proof."""
    app, jkt = app_on_each_engine, Prover().jkt
    token = bound_token(app, jkt)
    told = introspect(app, token).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": jkt})
    assert app.client.delete("/v4/profile/apps/1", headers=app.bearer).status_code == 200
    assert introspect(app, token).json() == INACTIVE
