"""The unmodified Authlib of PyPI, in both of its forms, as applications in Python sign their users in with."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from tests.clients.parts import Person, register
from tests.servers import Server

REDIRECT_URI = "https://app.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXkdBjftJeZ4CVP"
SCOPE = "account:read_only"


@pytest.fixture(scope="module")
def endpoints(oauth_service: Server) -> dict[str, str]:
    """What the service says of itself."""
    answer = httpx2.get(f"{oauth_service.url}/.well-known/oauth-authorization-server")
    endpoints: dict[str, str] = answer.raise_for_status().json()
    return endpoints


@pytest.fixture(scope="module", params=[OAuth2Session, OAuth2Client])
def make_client(request: pytest.FixtureRequest, endpoints: dict[str, str]) -> Iterator[Any]:
    """Each form of the client: over requests, and over HTTPX."""
    clients = ExitStack()

    def make(client_id: str, secret: Any = None, **more: Any) -> Any:
        described = {
            "redirect_uri": REDIRECT_URI,
            "code_challenge_method": "S256",
            "token_endpoint": endpoints["token_endpoint"],
            "scope": SCOPE,
        }
        return clients.enter_context(request.param(client_id, secret, **described | more))

    with clients:
        yield make


@pytest.fixture(scope="module")
def app(oauth_service: Server, make_client: Any) -> Any:
    """A confidential client, which proves itself by HTTP Basic."""
    return make_client(*register(oauth_service, "Authlib", "--redirect-uri", REDIRECT_URI))


def log_in(client: Any, person: Person, endpoints: dict[str, str]) -> Any:
    """Let the application in; the token that it gets."""
    url, state = client.create_authorization_url(endpoints["authorization_endpoint"], code_verifier=VERIFIER)
    sent_back = person.agree(url)
    return client.fetch_token(authorization_response=sent_back, state=state, code_verifier=VERIFIER)


def opens(client: Any, service: Server) -> bool:
    """Whether the client's token opens the API, which it signs requests with."""
    return bool(client.get(f"{service.url}/v4/profile").status_code == 200)


def test_user_is_signed_in_refreshed_looked_at_and_signed_out(
    app: Any, person: Person, endpoints: dict[str, str], oauth_service: Server
) -> None:
    first = log_in(app, person, endpoints)
    assert (first["scope"], first["expires_in"], opens(app, oauth_service)) == (SCOPE, 7200, True)
    second = app.refresh_token(endpoints["token_endpoint"])
    assert second["refresh_token"] != first["refresh_token"]
    assert opens(app, oauth_service)
    told = app.introspect_token(endpoints["introspection_endpoint"], token=second["access_token"]).json()
    assert (told["active"], told["username"], told["client_id"]) == (True, "admin", app.client_id)
    kind = {"token": second["refresh_token"], "token_type_hint": "refresh_token"}
    assert app.revoke_token(endpoints["revocation_endpoint"], **kind).status_code == 200
    assert not opens(app, oauth_service)
    told = app.introspect_token(endpoints["introspection_endpoint"], token=second["access_token"]).json()
    assert told == {"active": False}


def test_public_client_is_let_in_by_pkce_alone(
    make_client: Any, person: Person, endpoints: dict[str, str], oauth_service: Server
) -> None:
    made = register(oauth_service, "Authlib in public", "--public", "--redirect-uri", REDIRECT_URI)
    client = make_client(made.client_id, token_endpoint_auth_method="none")
    url, state = client.create_authorization_url(endpoints["authorization_endpoint"], code_verifier=VERIFIER)
    sent_back = person.agree(url)
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(authorization_response=sent_back, state=state, code_verifier=VERIFIER[::-1])
    client.fetch_token(authorization_response=sent_back, state=state, code_verifier=VERIFIER)
    assert opens(client, oauth_service)


def test_client_acts_for_itself(make_client: Any, oauth_service: Server) -> None:
    options = ("--grant-type", "client_credentials", "--account", "tokenry", "--scopes", SCOPE)
    robot = make_client(*register(oauth_service, "Robot", *options))
    assert "refresh_token" not in robot.fetch_token(grant_type="client_credentials")
    assert robot.get(f"{oauth_service.url}/v4/profile").json()["username"] == f"client-{robot.client_id}"


def test_client_proves_itself_by_its_key(
    make_client: Any, oauth_service: Server, endpoints: dict[str, str], tmp_path: Path
) -> None:
    key = ECKey.generate_key("P-256")
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    options = ("--grant-type", "client_credentials", "--account", "tokenry", "--jwks-file", str(jwks))
    made = register(oauth_service, "Robot with a key", *options)
    assert made.secret is None
    for private, is_let_in in ((key, True), (ECKey.generate_key("P-256"), False)):
        robot = make_client(made.client_id, private, token_endpoint_auth_method="private_key_jwt")
        robot.register_client_auth_method(PrivateKeyJWT(endpoints["token_endpoint"], alg="ES256"))
        if is_let_in:
            robot.fetch_token(grant_type="client_credentials")
            assert opens(robot, oauth_service)
        else:
            with pytest.raises(OAuthError, match="invalid_client"):
                robot.fetch_token(grant_type="client_credentials")


def test_device_is_let_in_by_its_user(
    make_client: Any, person: Person, endpoints: dict[str, str], oauth_service: Server
) -> None:
    """The client knows the grant as one among others; the application begins it."""
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    made = register(oauth_service, "Television", "--public", "--grant-type", kind)
    client = make_client(made.client_id, token_endpoint_auth_method="none")
    form = {"client_id": made.client_id, "scope": SCOPE}
    device = httpx2.post(endpoints["device_authorization_endpoint"], data=form).raise_for_status().json()
    person.submit(person.visit(device["verification_uri_complete"]), decision="agree")
    client.fetch_token(grant_type=kind, device_code=device["device_code"])
    assert opens(client, oauth_service)
