"""`/oauth/revoke` and `/oauth/introspect` for OAuth clients, which prove who they are as for tokens."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import START, App, Clock, make_app
from tests.oauth.parts import (
    ask,
    code_for,
    confidential_client,
    installation_of,
    let_in,
    public_client,
    wire_client,
    with_code,
    with_refresh_token,
)
from tokenry.domain.clients import Client
from tokenry.domain.oauth import REFRESH_LIFETIME_SECONDS
from tokenry.domain.secrets import Secret
from tokenry.storage.schema import oauth_clients
from tokenry.storage.users import get_user, set_user

REVOKE, INTROSPECT = "/oauth/revoke", "/oauth/introspect"
INACTIVE = {"active": False}


def send(app: App, path: str, client: Client, secret: Secret | None, token: str, **more: str) -> httpx2.Response:
    form = {"client_id": client.client_id, "token": token, **more}
    if secret is not None:
        form["client_secret"] = secret.reveal()
    return app.client.post(path, data=form)


def get_tokens(app: App, client: Client, secret: Secret | None = None, **asked: Any) -> dict[str, Any]:
    form = with_code(client, code_for(app, client, **asked))
    told: dict[str, Any] = ask(app, form if secret is None else form | {"client_secret": secret.reveal()}).json()
    return told


# --- revocation ------------------------------------------------------------------------------------------------------


def test_access_token_that_is_given_back_is_refused_and_the_grant_goes_on(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client = public_client(app)
    told = get_tokens(app, client)
    answer = send(app, REVOKE, client, None, told["access_token"], token_type_hint="refresh_token")
    assert (answer.status_code, answer.content) == (200, b"")
    assert not let_in(app, told["access_token"])
    assert ask(app, with_refresh_token(client, told["refresh_token"])).status_code == 200


def test_access_token_that_a_client_of_the_wire_format_gives_back_ends_the_grant(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client, secret = wire_client(app)
    form = {"client_id": client.client_id, "client_secret": secret.reveal()}
    told = ask(app, {**form, "code": code_for(app, client, code_challenge=None)}).json()
    assert send(app, REVOKE, client, secret, told["access_token"]).status_code == 200
    assert not let_in(app, told["access_token"])
    again = ask(app, with_refresh_token(client, told["refresh_token"], **form))
    assert again.json()["error"] == "invalid_grant"


def test_refresh_token_that_is_given_back_ends_the_grant(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client, secret = confidential_client(app)
    told = get_tokens(app, client, secret)
    assert send(app, REVOKE, client, secret, told["refresh_token"]).status_code == 200
    assert not let_in(app, told["access_token"])
    again = ask(app, with_refresh_token(client, told["refresh_token"], client_secret=secret.reveal()))
    assert again.json()["error"] == "invalid_grant"
    assert send(app, REVOKE, client, secret, told["refresh_token"]).status_code == 200


def test_used_refresh_token_that_is_given_back_ends_the_grant_as_well(app: App) -> None:
    client = public_client(app)
    first = get_tokens(app, client)
    second = ask(app, with_refresh_token(client, first["refresh_token"])).json()
    assert send(app, REVOKE, client, None, first["refresh_token"]).status_code == 200
    assert not let_in(app, second["access_token"])


def test_what_another_client_has_is_left_to_it(app: App) -> None:
    client, other = public_client(app), public_client(app)
    told = get_tokens(app, client)
    for token in (told["access_token"], told["refresh_token"]):
        answer = send(app, REVOKE, other, None, token)
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert let_in(app, told["access_token"])
    assert ask(app, with_refresh_token(client, told["refresh_token"])).status_code == 200


def test_what_is_no_token_of_a_client_is_the_same_answer(app: App) -> None:
    client = public_client(app)
    told = get_tokens(app, client)
    forged = [told[name][:16] + Secret.generate().reveal()[16:] for name in ("access_token", "refresh_token")]
    for text in ("x", app.token, told["access_token"][:16], *forged, Secret.generate().reveal()):
        assert send(app, REVOKE, client, None, text).status_code == 200
    assert let_in(app, app.token)
    assert let_in(app, told["access_token"])


def test_client_that_proves_nothing_revokes_nothing(app: App) -> None:
    client, secret = confidential_client(app)
    told = get_tokens(app, client, secret)
    answer = send(app, REVOKE, client, None, told["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert let_in(app, told["access_token"])


def test_token_has_to_be_sent(app: App) -> None:
    client = public_client(app)
    answer = app.client.post(REVOKE, data={"client_id": client.client_id})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# --- introspection ---------------------------------------------------------------------------------------------------


def test_client_is_told_of_its_own_tokens(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client, secret = confidential_client(app)
    told = get_tokens(app, client, secret, audience=("https://mcp.example/",))
    of_access = send(app, INTROSPECT, client, secret, told["access_token"]).json()
    assert (of_access["active"], of_access["client_id"], of_access["aud"]) == (
        True,
        client.client_id,
        ["https://mcp.example/"],
    )
    assert send(app, INTROSPECT, client, secret, told["refresh_token"]).json() == {
        "active": True,
        "scope": "linodes:read_only",
        "client_id": client.client_id,
        "sub": "1",
        "exp": int(START) + REFRESH_LIFETIME_SECONDS,
    }


def test_client_is_not_told_what_the_product_keeps_with_its_user(app: App) -> None:
    """It is somebody else's application. Who the token is meant for is told."""
    client, secret = confidential_client(app)
    api, of_api = confidential_client(app, website="https://mcp.example", verified=True)
    told = get_tokens(app, client, secret, audience=("https://mcp.example/",))["access_token"]
    with installation_of(app) as do, do.database.write() as connection:
        set_user(connection, replace(get_user(connection, 1), metadata='{"plan":"pro"}'))
    answer = send(app, INTROSPECT, client, secret, told).json()
    assert (answer["active"], "metadata" in answer) == (True, False)
    kept = {"user": {"plan": "pro"}, "token": {}}
    assert send(app, INTROSPECT, api, of_api, told).json()["metadata"] == kept


def test_what_was_used_or_has_ended_is_not_active(app: App) -> None:
    client, secret = confidential_client(app)
    first = get_tokens(app, client, secret)
    proof = {"client_secret": secret.reveal()}
    second = ask(app, with_refresh_token(client, first["refresh_token"], **proof)).json()
    assert send(app, INTROSPECT, client, secret, first["refresh_token"]).json() == INACTIVE
    assert send(app, INTROSPECT, client, secret, second["refresh_token"]).json()["active"] is True
    app.clock.seconds += REFRESH_LIFETIME_SECONDS
    for token in (second["refresh_token"], second["access_token"], first["access_token"]):
        assert send(app, INTROSPECT, client, secret, token).json() == INACTIVE


def test_stranger_is_told_nothing(app: App) -> None:
    client, (stranger, secret) = public_client(app), confidential_client(app)
    told = get_tokens(app, client)
    for token in (told["access_token"], told["refresh_token"], app.token, "x"):
        assert send(app, INTROSPECT, stranger, secret, token).json() == INACTIVE
        refused = send(app, INTROSPECT, stranger, None, token)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        public = send(app, INTROSPECT, client, None, token)
        assert (public.status_code, public.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("website", "verified", "active"),
    [
        ("https://mcp.example", True, True),
        ("https://mcp.example/", True, True),
        ("https://mcp.example/v", True, False),
        ("https://mcp.exampl", True, False),
        ("https://mcp.example", False, False),
        ("", True, False),
    ],
)
def test_client_that_is_an_api_is_told_of_tokens_for_it(
    app: App, website: str, *, verified: bool, active: bool
) -> None:
    client, (api, secret) = public_client(app), confidential_client(app, website=website, verified=verified)
    told = get_tokens(app, client, audience=("https://mcp.example/v1",))
    answer = send(app, INTROSPECT, api, secret, told["access_token"]).json()
    assert answer["active"] is active
    assert send(app, INTROSPECT, api, secret, told["refresh_token"]).json() == INACTIVE


def test_disabled_client_is_told_nothing(app: App) -> None:
    client, secret = confidential_client(app)
    told = get_tokens(app, client, secret)
    with installation_of(app) as do, do.database.write() as connection:
        connection.execute(oauth_clients.update().values(disabled_at=1))
    assert send(app, INTROSPECT, client, secret, told["access_token"]).status_code == 401


def test_secret_may_come_in_the_header(app: App) -> None:
    client, secret = confidential_client(app)
    told = get_tokens(app, client, secret)
    sent = base64.b64encode(f"{client.client_id}:{secret.reveal()}".encode()).decode()
    for path in (INTROSPECT, REVOKE):
        answer = app.client.post(path, headers={"Authorization": f"basic {sent}"}, data={"token": told["access_token"]})
        assert answer.status_code == 200
    assert not let_in(app, told["access_token"])


def test_client_has_no_limit_and_those_that_prove_nothing_have_that_of_failures(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=2, rate_limit_failures=2)
    with app.client:
        client, secret = confidential_client(app)
        assert [send(app, INTROSPECT, client, secret, "x").status_code for _ in range(4)] == [200] * 4
        wrong = [send(app, INTROSPECT, client, None, "x") for _ in range(3)]
        assert [answer.status_code for answer in wrong] == [401, 401, 429]
        assert int(wrong[2].headers["retry-after"]) > 0
        assert send(app, INTROSPECT, client, secret, "x").status_code == 200
