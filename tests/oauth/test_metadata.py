"""What clients find out by themselves, and that it is true."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.parts import routes
from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.oauth.parts import (
    ask,
    code_for,
    confidential_client,
    error,
    public_client,
    robot,
    with_code,
    with_refresh_token,
)
from tests.oauth_making import CHALLENGE
from tokenry.domain.oauth import GrantType
from tokenry.oauth.metadata import ENDPOINTS

SERVER, PROTECTED = "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"
ISSUER = "https://tokens.example.com"


@pytest.fixture
def known(tmp_path: Path, clock: Clock) -> Iterator[App]:
    """An application that knows its public address."""
    app = make_app(tmp_path / "data", clock, public_url=ISSUER)
    with app.client:
        yield app


def test_endpoints_that_are_told_are_those_that_are_served(known: App) -> None:
    told = known.client.get(SERVER).json()
    served = {route.path for route in routes(known)}
    endpoints = {name: value for name, value in told.items() if name.endswith("_endpoint")}
    there = served - {"/oauth/register"}  # which nobody has opened
    assert endpoints == {name: f"{ISSUER}{path}" for path, name in ENDPOINTS.items() if path in there}
    assert {path for path in served if path.startswith("/oauth/") and "{" not in path} <= ENDPOINTS.keys()
    assert told["issuer"] == ISSUER


def test_addresses_are_those_that_are_set_whatever_host_was_asked(known: App) -> None:
    answer = known.client.get(SERVER, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in answer.text


def test_grants_that_are_told_are_those_that_are_given(known: App) -> None:
    told = known.client.get(SERVER).json()["grant_types_supported"]
    client, secret = confidential_client(known)
    for grant_type in set(GrantType) - {GrantType.IMPLICIT}:
        form = {"grant_type": grant_type, "client_id": client.client_id, "client_secret": secret.reveal()}
        answer = known.client.post("/oauth/token", data=form).json()
        assert (answer["error"] != "unsupported_grant_type") == (grant_type in told), grant_type


def test_path_makes_no_other_issuer(known: App) -> None:
    whole = known.client.get(SERVER).json()
    assert known.client.get(f"{SERVER}/mcp/v1").json() == whole


@pytest.mark.parametrize("path", ["", "/v4", "/v4beta"])
def test_own_api_says_who_gives_out_tokens_for_it(known: App, path: str) -> None:
    told = known.client.get(PROTECTED + path).json()
    assert (told["resource"], told["authorization_servers"]) == (f"{ISSUER}{path}", [ISSUER])
    assert "linodes:read_only" in told["scopes_supported"]


@pytest.mark.parametrize("path", ["", "/v4", "/v4beta"])
def test_token_that_is_asked_for_as_told_opens_the_api(known: App, path: str) -> None:
    """Of every request that names whom a token is for, none of which is for this service and for others."""
    resource = known.client.get(PROTECTED + path).json()["resource"]
    client, secret = robot(known)
    device = public_client(known, grant_types=str(GrantType.DEVICE_CODE))
    proved = {"client_id": client.client_id, "client_secret": secret.reveal()}
    asked = {
        "/oauth/token": {"grant_type": "client_credentials", "scope": "linodes:read_only", **proved},
        "/oauth/device_authorization": {"client_id": device.client_id},
        "/oauth/par": {
            "client_id": public_client(known).client_id,
            "response_type": "code",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        },
    }
    for endpoint, form in asked.items():
        mixed = known.client.post(endpoint, data={**form, "resource": [resource, "https://mcp.example"]})
        assert error(mixed) == (400, "invalid_target")
        assert known.client.post(endpoint, data={**form, "resource": resource}).is_success
    public = public_client(known)
    given = ask(known, with_code(public, code_for(known, public))).json()
    token = ask(known, with_refresh_token(public, given["refresh_token"], resource=resource)).json()["access_token"]
    assert known.client.get("/v4/profile", headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("path", ["/mcp", "/v4/", "/v4/profile", "//evil.example"])
def test_nothing_is_said_of_what_is_not_protected_here(known: App, path: str) -> None:
    assert known.client.get(PROTECTED + path).status_code == 404


def test_only_get_asks_and_the_error_is_oauths(known: App) -> None:
    for path in (SERVER, PROTECTED, f"{PROTECTED}/v4"):
        assert error(known.client.post(path)) == (405, "invalid_request")


def test_service_that_does_not_know_its_address_tells_none(app: App) -> None:
    for path in (SERVER, PROTECTED):
        answer = app.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
