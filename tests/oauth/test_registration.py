"""Clients register themselves, where the operator lets them, and manage what they registered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.api.parts import bearer_of, installation_of
from tests.conftest import App, Clock, make_app
from tests.making import NOW, OPERATOR
from tests.oauth_making import agree
from tokenry.domain.clients import ClientChange, PresentedClient
from tokenry.domain.errors import Forbidden
from tokenry.domain.oauth import GrantType, OAuthRefusal
from tokenry.domain.scopes import Scopes
from tokenry.service.pruning import PRUNING_SECONDS
from tokenry.service.registration import UNUSED_DAYS_MAX

REGISTER = "/oauth/register"
ISSUER = "https://tokens.example"
LOOPBACK = "http://127.0.0.1:3000/callback"
NATIVE: dict[str, Any] = {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"}
DAY = 86400


@pytest.fixture
def open_app(tmp_path: Path, clock: Clock, migrated_url: str | None) -> Iterator[App]:
    app = make_app(tmp_path / "data", clock, migrated_url, client_registration="open", public_url=ISSUER)
    with app.client:
        yield app


@pytest.fixture
def lone_app(tmp_path: Path, clock: Clock) -> Iterator[App]:
    app = make_app(tmp_path / "data", clock, client_registration="open", public_url=ISSUER)
    with app.client:
        yield app


def register(app: App, headers: dict[str, str] | None = None, **metadata: object) -> dict[str, Any]:
    answer = app.client.post(REGISTER, headers=headers, json={**NATIVE, **metadata})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def opening(registered: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {registered['registration_access_token']}"}


def known(app: App, client_id: str) -> bool:
    """Whether the client is there, as a public one."""
    installation = installation_of(app)
    try:
        installation.client_authentication.authenticate(PresentedClient(client_id))
    except OAuthRefusal:
        return False
    finally:
        installation.database.close()
    return True


def test_client_registers_itself(open_app: App) -> None:
    told = register(open_app, client_name="Example", software_id="ignored", response_types=["code"])
    client_id = told["client_id"]
    assert told == {
        "client_id": client_id,
        "client_id_issued_at": int(NOW.timestamp()),
        "client_name": "Example",
        "redirect_uris": [LOOPBACK],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "*",
        "dpop_bound_access_tokens": False,
        "require_pushed_authorization_requests": False,
        "registration_access_token": told["registration_access_token"],
        "registration_client_uri": f"{ISSUER}/oauth/register/{client_id}",
    }
    assert known(open_app, client_id)


def test_scope_that_a_client_registers_with_is_no_limit_to_what_it_asks_for_later(lone_app: App) -> None:
    assert register(lone_app, scope="linodes:read_only")["scope"] == "*"


def test_where_to_register_is_told_where_it_is_open(lone_app: App) -> None:
    told = lone_app.client.get("/.well-known/oauth-authorization-server").json()
    assert told["registration_endpoint"] == f"{ISSUER}/oauth/register"


def test_client_that_registered_itself_is_never_verified_and_has_the_strict_rules(lone_app: App) -> None:
    told = register(
        lone_app,
        verified=True,
        account_id=1,
        grant_types=["authorization_code", "client_credentials", "implicit", "password", "refresh_token"],
    )
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    installation = installation_of(lone_app)
    client = installation.clients.get_client(told["client_id"])
    installation.database.close()
    assert (client.verified, client.account_id, client.service_user_id) == (False, None, None)
    assert (client.rights.pkce_required, client.rights.narrowing) == (True, True)


def test_confidential_client_gets_a_secret_once(lone_app: App) -> None:
    told = register(lone_app, token_endpoint_auth_method="client_secret_post")
    assert told["client_secret_expires_at"] == 0
    installation = installation_of(lone_app)
    presented = PresentedClient(told["client_id"], told["client_secret"])
    assert installation.client_authentication.authenticate(presented).client_id == told["client_id"]
    installation.database.close()
    again = lone_app.client.get(f"{REGISTER}/{told['client_id']}", headers=opening(told)).json()
    assert "client_secret" not in again


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": ["http://app.example"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": LOOPBACK}, "invalid_client_metadata"),
        ({"redirect_uris": [5]}, "invalid_client_metadata"),
        ({"client_name": 5}, "invalid_client_metadata"),
        ({"client_name": "a" * 101}, "invalid_client_metadata"),
        ({"client_name": "\u202e"}, "invalid_client_metadata"),
        ({"client_uri": "http://app.example"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"scope": "nothing:read_only"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks_uri": "https://app.example/keys"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
    ],
)
def test_metadata_that_do_not_go_are_refused(lone_app: App, metadata: dict[str, object], error: str) -> None:
    answer = lone_app.client.post(REGISTER, json={**NATIVE, **metadata})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("body", ["", "[]", "{", "\xff", '{"redirect_uris": null}'])
def test_body_that_is_none_is_refused(lone_app: App, body: str) -> None:
    sent = {"Content-Type": "application/json"}
    assert lone_app.client.post(REGISTER, headers=sent, content=body.encode("latin-1")).status_code == 400
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    assert lone_app.client.post(REGISTER, headers=sent, content="a=b").status_code == 415


def test_registration_is_read_replaced_and_deleted_with_its_own_token(open_app: App) -> None:
    app = open_app
    told, keys = register(app, client_name="Example"), {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    one = f"{REGISTER}/{told['client_id']}"
    assert app.client.get(one, headers=opening(told)).json() == told
    wanted = {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "private_key_jwt", "jwks": keys}
    replaced = app.client.put(one, headers=opening(told), json={**wanted, "client_id": told["client_id"]})
    assert replaced.status_code == 200, replaced.text
    assert (replaced.json()["jwks"], replaced.json()["client_name"]) == (keys, "Unnamed app")
    other = app.client.put(one, headers=opening(told), json={**wanted, "client_id": "other"})
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")
    assert app.client.delete(one, headers=opening(told)).status_code == 204
    assert app.client.get(one, headers=opening(told)).status_code == 401
    assert not known(app, told["client_id"])


def test_client_that_was_verified_is_so_no_more_with_another_face(open_app: App) -> None:
    told = register(open_app, client_name="Example")
    one, sent = f"{REGISTER}/{told['client_id']}", {**NATIVE, "client_id": told["client_id"], "client_name": "Example"}
    installation = installation_of(open_app)
    clients = installation.clients
    faces: list[dict[str, object]] = [
        {"client_name": "Your Bank"},
        {"client_uri": "https://bank.example/"},
        {"redirect_uris": [LOOPBACK, "https://elsewhere.example/"]},
    ]
    for face in faces:
        clients.update_client(OPERATOR, told["client_id"], ClientChange({"verified": True}))
        same = {**sent, "dpop_bound_access_tokens": True}
        assert open_app.client.put(one, headers=opening(told), json=same).status_code == 200
        assert clients.get_client(told["client_id"]).verified
        assert open_app.client.put(one, headers=opening(told), json={**sent, **face}).status_code == 200
        assert not clients.get_client(told["client_id"]).verified, face
        assert open_app.client.put(one, headers=opening(told), json=sent).status_code == 200
    installation.database.close()


def test_limits_that_an_operator_set_outlive_another_registration(open_app: App) -> None:
    told = register(open_app)
    installation = installation_of(open_app)
    limits = {"scopes": Scopes.parse("linodes:read_only"), "dpop_required": True, "par_required": True}
    installation.clients.update_client(OPERATOR, told["client_id"], ClientChange(limits))
    body = {**NATIVE, "client_id": told["client_id"], "scope": "*", "dpop_bound_access_tokens": False}
    answer = open_app.client.put(f"{REGISTER}/{told['client_id']}", headers=opening(told), json=body)
    assert (answer.status_code, answer.json()["scope"]) == (200, "linodes:read_only")
    rights = installation.clients.get_client(told["client_id"]).rights
    installation.database.close()
    assert (str(rights.scopes), rights.dpop_required, rights.par_required) == ("linodes:read_only", True, True)


def test_registration_is_nobody_elses(lone_app: App) -> None:
    told, other = register(lone_app), register(lone_app)
    one = f"{REGISTER}/{told['client_id']}"
    basic = {"Authorization": f"Basic {told['registration_access_token']}"}
    for headers in ({}, opening(other), lone_app.bearer, basic, {"Authorization": "Bearer"}):
        for method in ("GET", "PUT", "DELETE"):
            body = {**NATIVE, "client_id": told["client_id"]}
            answer = lone_app.client.request(method, one, headers=headers, json=body)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert known(lone_app, told["client_id"])


def test_registration_is_off_unless_it_is_opened(app: App) -> None:
    for headers in ({}, app.bearer):
        answer = app.client.post(REGISTER, headers=headers, json=NATIVE)
        assert answer.status_code == 404
        assert "TOKENRY_CLIENT_REGISTRATION" in answer.json()["error_description"]


def test_with_a_token_administrators_register_clients_of_their_account(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, client_registration="token", public_url=ISSUER)
    with app.client:
        assert app.client.post(REGISTER, json=NATIVE).status_code == 401
        assert app.client.post(REGISTER, headers=bearer_of(app, "ada"), json=NATIVE).status_code == 403
        narrow = bearer_of(app, "boss", admin=True, scopes="account:read_only")
        assert app.client.post(REGISTER, headers=narrow, json=NATIVE).status_code == 403
        told = register(app, app.bearer)
        own = app.client.get("/v4/account/oauth-clients", headers=app.bearer).json()
    assert [client["id"] for client in own["data"]] == [told["client_id"]]


def test_each_address_registers_so_many_a_minute(lone_app: App) -> None:
    answers = [lone_app.client.post(REGISTER, json={}).status_code for _ in range(21)]
    assert (set(answers[:20]), answers[20]) == ({400}, 429)


def test_so_many_clients_register_themselves_and_no_more(lone_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenry.service.registration.SELF_REGISTERED_MAX", 2)  # the command line is one
    told = register(lone_app)
    answer = lone_app.client.post(REGISTER, json=NATIVE)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "ask the operator" in answer.json()["error_description"]
    lone_app.client.delete(f"{REGISTER}/{told['client_id']}", headers=opening(told))
    register(lone_app)


def test_client_that_is_not_used_is_deleted_and_one_that_is_stays(open_app: App) -> None:
    unused, used = register(open_app), register(open_app)
    installation = installation_of(open_app)
    client = installation.clients.get_client(used["client_id"])
    agree(installation.transactions, installation.peppers, client)
    open_app.clock.seconds += UNUSED_DAYS_MAX * DAY - 1
    installation.pruning.prune()
    assert known(open_app, unused["client_id"])
    open_app.clock.seconds += PRUNING_SECONDS
    installation.pruning.prune()
    installation.database.close()
    assert not known(open_app, unused["client_id"])
    assert known(open_app, used["client_id"])


def test_nobody_signs_in_as_a_client(open_app: App) -> None:
    """The user that a client is when it acts for itself has no password; nor does anything else let it in."""
    installation = installation_of(open_app)
    itself = ClientChange({"label": "Robot", "grant_types": frozenset({GrantType.CLIENT_CREDENTIALS})})
    client, _ = installation.clients.create_client(OPERATOR, itself, account="tokenry")
    assert client.service_user_id is not None
    with installation.transactions.change(OPERATOR) as change:
        installation.sessions.begin_session(change, 1, method="password", address=None, agent=None)
    with pytest.raises(Forbidden), installation.transactions.change(OPERATOR) as change:
        installation.sessions.begin_session(change, client.service_user_id, method="password", address=None, agent=None)
    installation.database.close()
