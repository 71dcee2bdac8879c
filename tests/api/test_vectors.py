"""Recorded replies of the service whose wire format this is, replayed against the whole application."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.replay import (
    REFUSALS,
    REPLAYED,
    VECTORS,
    Exchange,
    Stage,
    conversation_of,
    for_token,
    headers_of_today,
    replay,
)
from tests.conftest import App, Clock, make_app
from tokenry.domain.accounts import Contact, Origin
from tokenry.domain.tokens import NewToken
from tokenry.storage.accounts import create_account
from tokenry.wiring import open_installation

ACTING = {"id": 56990571, "token": "9853aa8891ad9fe2", "label": "token"}
"""The token the recordings were made with, as the recorded list shows it."""
PROFILE = {"email": "person@example.com", "timezone": "GMT", "lish_auth_method": "password_keys"}
"""What was set in the recorded profile."""
CONFIDENTIAL = {'"public":true': '"public":false', '"public": true': '"public": false'}
"""The recorded OAuth clients were public, and had secrets; here only confidential ones have."""

NOT_COMPARED = {"connection", "date", "expires", "content-length"}
"""Of the connection, or told apart below: the time of the reply, and its length."""
REMOVED_OR_OURS = {
    "akamai-internal-account",
    "allow",
    "retry-after",
    "www-authenticate",
    "x-customer-uuid",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-spec-version",
    "x-token-expires",
}
"""Removed by the recorder, of the recorded account's staff, or added by this service on purpose."""
KNOWN = {
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "content-length",
    "content-security-policy",
    "content-type",
    "expires",
    "pragma",
    "strict-transport-security",
    "vary",
    "x-accepted-oauth-scopes",
    "x-content-type-options",
    "x-frame-options",
    "x-oauth-scopes",
    "x-ratelimit-limit",
    "x-xss-protection",
    "date",
    *REMOVED_OR_OURS,
}


# --- what is there before each conversation --------------------------------------------------------------------------


def _with_a_token(app: App) -> Stage:
    """The recorded user had one token, its own."""
    bearer = _bearer(app, label=ACTING["label"], expiry="2030-01-01T00:00:00")
    app.client.delete("/v4/profile/tokens/1", headers=bearer)
    (acting,) = app.client.get("/v4/profile/tokens", headers=bearer).json()["data"]
    return Stage(bearer, for_token(ACTING, acting))


def _with_a_profile(app: App) -> Stage:
    """The recorded user had a second factor, which nobody has here."""
    assert app.client.put("/v4/profile", headers=app.bearer, json=PROFILE).status_code == 200
    names = {'"uid": 6368933, "username": "exampleusr"': '"uid": 1, "username": "admin"'}
    factor = {
        '"two_factor_auth": true': '"two_factor_auth": false',
        '"two_factor_auth":true': '"two_factor_auth":false',
    }
    return Stage(app.bearer, names | factor)


def _with_nothing(app: App) -> Stage:
    return Stage(app.bearer, {})


def _with_a_login(app: App) -> Stage:
    """The recorded user had signed in; this one tried to."""
    installation = open_installation(app.settings, app.clock)
    installation.passwords.note_failure(1, address="192.0.2.1")
    installation.database.close()
    (login,) = app.client.get("/v4/profile/logins", headers=app.bearer).json()["data"]
    return Stage(app.bearer, {"/logins/1571944101": f"/logins/{login['id']}"})


def _with_a_child_account(app: App) -> Stage:
    """The recorded account had capabilities, which none has here. Its token was made by this user at this second."""
    app.clock.seconds = 1709135656
    installation = open_installation(app.settings, app.clock)
    installation.users.create_user(Origin("test"), username="dx-parent-account", admin=True)
    _, secret = installation.tokens.create_token_for(Origin("test"), "dx-parent-account", NewToken())
    contact = Contact(email="child-account-c@example.com", first_name="DX-Child", last_name="Team")
    with installation.database.write() as connection:
        create_account(
            connection,
            euuid="E89C475E-7476-4B95-95EA82BB4EE866E3",
            company="DX Child Account",
            created=datetime.fromtimestamp(app.clock.seconds, UTC),
            contact=contact,
            parent_id=1,
        )
    installation.database.close()
    (vector,) = [vector for vector in REPLAYED if vector["id"] == "TestAccountChild_basic.1"]
    capabilities = json.dumps(json.loads(vector["response"]["body_raw"])["capabilities"])
    stand_ins = {f'"capabilities": {capabilities}': '"capabilities": []', "_411983_": "_2_"}
    return Stage({"Authorization": f"Bearer {secret.reveal()}"}, stand_ins)


def _with_recorded_scopes(app: App, conversation: str = "ExampleGetAccount") -> Stage:
    (vector,) = [vector for vector in REPLAYED if vector["id"] == f"{conversation}.0"]
    return Stage(_bearer(app, scopes=vector["response"]["headers"]["X-Oauth-Scopes"][0]), {})


def _with_confidential_clients(app: App) -> Stage:
    return Stage(app.bearer, CONFIDENTIAL)


def _with_confidential_clients_and_scopes(app: App) -> Stage:
    return Stage(_with_recorded_scopes(app, "TestOAuthClient_GetFound").bearer, CONFIDENTIAL)


def _with_another_empty_list(app: App) -> Stage:
    """Recorded is the empty list of something that is not here; one that is here is asked for instead."""
    return Stage(app.bearer, {"/account/maintenance": "/regions"})


STAGES: dict[str, Callable[[App], Stage]] = {
    "TestToken_GetFound": _with_a_token,
    "TestToken_GetMissing": _with_a_token,
    "TestToken_GetNoExpiry": _with_a_token,
    "TestTokens_List": _with_a_token,
    "TestProfile_Get": _with_a_profile,
    "TestProfile_Update": _with_a_profile,
    "TestProfileLogins_List": _with_a_login,
    "TestGrantsList": _with_nothing,
    "TestOAuthClient_GetFound": _with_confidential_clients_and_scopes,
    "TestOAuthClient_GetMissing": _with_confidential_clients_and_scopes,
    "TestOAuthClients_List": _with_confidential_clients_and_scopes,
    "TestOAuthClients_Reset": _with_confidential_clients,
    "TestAccountMaintenances_List": _with_another_empty_list,
    "ExampleGetAccount": _with_recorded_scopes,
    "TestAccountChild_basic": _with_a_child_account,
}


def _bearer(app: App, **asked: object) -> dict[str, str]:
    created = app.client.post("/v4/profile/tokens", headers=app.bearer, json=asked).json()
    return {"Authorization": f"Bearer {created['token']}"}


@pytest.fixture(scope="module", params=STAGES)
def exchanges(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """One conversation, replayed by somebody like the one who spoke, at the time and under the limit of then."""
    vectors = [vector for vector in REPLAYED if conversation_of(vector) == request.param]
    headers = vectors[0]["response"]["headers"]
    clock = Clock()
    if "Expires" in headers:
        clock.seconds = parsedate_to_datetime(headers["Expires"][0]).timestamp()
    limit = int(headers["X-Ratelimit-Limit"][0])
    app = make_app(tmp_path_factory.mktemp(request.param) / "data", clock, rate_limit=limit)
    with app.client:
        return replay(app, vectors, STAGES[request.param](app))


# --- what is the same ------------------------------------------------------------------------------------------------


def _compared(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in headers if name not in NOT_COMPARED | REMOVED_OR_OURS)


def test_replies_have_the_recorded_status(exchanges: list[Exchange]) -> None:
    assert [exchange.answer.status_code for exchange in exchanges] == [exchange.status for exchange in exchanges]


def test_replies_have_the_recorded_body_byte_for_byte(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.body is not None:
            assert exchange.answered == exchange.body


def test_replies_whose_recorded_body_was_cut_have_its_keys_in_order(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.body_keys is not None:
            assert list(exchange.answer.json()) == exchange.body_keys


def test_replies_have_the_recorded_headers_as_often_as_recorded(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert _compared(exchange.answer.headers.multi_items()) == _compared(exchange.headers)


def test_replies_say_what_the_recorder_removed_of_the_rate_limit(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        headers = {name: exchange.answer.headers.get_list(name) for name in REMOVED_OR_OURS}
        (remaining,), (reset,) = headers["x-ratelimit-remaining"], headers["x-ratelimit-reset"]
        assert 0 <= int(remaining) < int(exchange.answer.headers["x-ratelimit-limit"])
        assert headers["retry-after"] == [str(int(reset) - int(exchange.at) - 1)]


def test_replies_expire_at_once(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        (expires,) = exchange.answer.headers.get_list("expires")
        assert parsedate_to_datetime(expires).tzinfo is not None


def test_replies_say_how_long_their_body_is(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        length = [] if exchange.status == 204 else [str(len(exchange.answer.content))]
        assert exchange.answer.headers.get_list("content-length") == length


def test_replies_have_no_header_that_the_format_does_not_know(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert set(exchange.answer.headers) <= KNOWN


# --- what refusals drop ----------------------------------------------------------------------------------------------

WRONG = {"Authorization": "Bearer wrong"}
REFUSED: dict[tuple[str, int], tuple[str, dict[str, str]]] = {
    ("GET", 400): ("/v4/profile/tokens?page=0", {}),
    ("POST", 400): ("/v4/profile/tokens", {}),
    ("PUT", 400): ("/v4/profile", {}),
    ("GET", 401): ("/v4/profile/tokens", WRONG),
    ("POST", 401): ("/v4/profile/tokens", WRONG),
    ("DELETE", 401): ("/v4/profile/tokens/1", WRONG),
    ("GET", 404): ("/v4/profile/tokens/987654", {}),
    ("POST", 404): ("/v4/profile/tokens/987654/rotate", {}),
    ("PUT", 404): ("/v4/profile/tokens/987654", {}),
    ("DELETE", 404): ("/v4/profile/tokens/987654", {}),
    ("DELETE", 429): ("/v4/profile/tokens/987654", {}),
}
"""What is refused here as it was when it was recorded."""


def _of_a_refusal(headers: list[tuple[str, str]], *differ: str) -> list[tuple[str, str]]:
    """Its headers; of what differs between operations only that it is there, and nothing of what is named."""
    shown = [(name, value) for name, value in _compared(headers) if name not in differ]
    return [(name, "" if name in {"x-accepted-oauth-scopes", "x-ratelimit-limit"} else value) for name, value in shown]


def _recorded_refusal(method: str, status: int) -> list[tuple[str, str]]:
    (recorded,) = [
        vector["response"]
        for vector in REFUSALS
        if (vector["request"]["method"], vector["response"]["status"]) == (method, status)
    ]
    return headers_of_today(recorded)


@pytest.mark.parametrize(("method", "status"), REFUSED)
def test_refusals_have_the_headers_of_the_recorded_one(tmp_path: Path, clock: Clock, method: str, status: int) -> None:
    """Scopes and limits too: a 401 tells no limit, and a 429 whose token it was."""
    path, sent = REFUSED[method, status]
    body = b"{" if status == 400 else b"{}"
    app = make_app(tmp_path / "data", clock, rate_limit=1)
    with app.client:
        for _ in range(2 if status == 429 else 1):
            answer = app.client.request(method, path, headers={**app.bearer, **sent}, content=body)
    assert answer.status_code == status
    assert _of_a_refusal(answer.headers.multi_items()) == _of_a_refusal(_recorded_refusal(method, status))


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v4/account/child-accounts", {}, 403),
        ("GET", "/v4/nothing", {}, 404),
        ("POST", "/v4/profile", {}, 405),
        ("POST", "/v4/profile/tokens", {"Content-Length": "70000"}, 413),
        ("POST", "/v4/profile/tokens", {"Content-Type": "text/plain"}, 415),
    ],
)
def test_refusals_that_were_not_recorded_have_the_headers_of_one_that_was(
    app: App, method: str, path: str, sent: dict[str, str], status: int
) -> None:
    answer = app.client.request(method, path, headers={**app.bearer, **sent}, content=b"{")
    assert answer.status_code == status
    ours, recorded = answer.headers.multi_items(), _recorded_refusal(method, 404)
    differ = ("x-oauth-scopes", "x-ratelimit-limit")
    assert _of_a_refusal(ours, *differ) == _of_a_refusal(recorded, *differ)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_refusal_for_asking_too_often_has_the_headers_of_any_other(tmp_path: Path, clock: Clock, method: str) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=1)
    with app.client:
        app.client.get("/v4/profile", headers=app.bearer)
        answer = app.client.request(method, "/v4/profile", headers=app.bearer)
    assert answer.status_code == 429
    assert _of_a_refusal(answer.headers.multi_items()) == _of_a_refusal(_recorded_refusal(method, 404))
    assert answer.headers["retry-after"].isdecimal()


# --- all of it -------------------------------------------------------------------------------------------------------


def test_every_recording_is_replayed_or_says_why_not() -> None:
    assert len(VECTORS) == 33
    assert {(vector["request"]["method"], vector["response"]["status"]) for vector in REFUSALS} == set(REFUSED)
    assert [vector["id"] for vector in VECTORS] == list(dict.fromkeys(vector["id"] for vector in VECTORS))
    assert {conversation_of(vector) for vector in REPLAYED} == set(STAGES)
    assert all(vector.get("not_replayed") for vector in VECTORS if vector not in REPLAYED)


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector not in REPLAYED], ids=lambda vector: vector["id"]
)
def test_what_is_not_replayed_is_not_here(app: App, vector: dict[str, Any]) -> None:
    """Once it is, its recording is to be replayed."""
    request = vector["request"]
    assert app.client.request(request["method"], request["path"], headers=app.bearer).status_code == 404
