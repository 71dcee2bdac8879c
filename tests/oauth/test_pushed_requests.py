"""`/oauth/par` (RFC 9126): requests that clients leave, and the errors that they are told."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

from tests.conftest import App, Clock, make_app
from tests.oauth.parts import confidential_client, installation_of, public_client
from tests.oauth_making import CHALLENGE, REDIRECT_URI
from tokenry.domain.clients import Client

PAR = "/oauth/par"


def push(app: App, client: Client, **changed: Any) -> httpx2.Response:
    """Push a good request, but for these parameters; one that is None is left out."""
    form = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "linodes:read_only",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    return app.client.post(PAR, data={name: value for name, value in form.items() if value is not None})


def test_browser_comes_with_what_was_pushed(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    client = public_client(app)
    answer = push(app, client, resource=["https://mcp.example/a", "https://mcp.example/b"], unknown="x")
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 60)
    assert "no-store" in answer.headers["cache-control"]
    request_uri = answer.json()["request_uri"]
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:opr_\w{50}", request_uri)
    with installation_of(app) as do:
        asked = do.authorizations.open_request(urlencode({"client_id": client.client_id, "request_uri": request_uri}))
    assert asked.request.audience == ("https://mcp.example/a", "https://mcp.example/b")


def test_confidential_client_has_to_prove_who_it_is(app: App) -> None:
    client, secret = confidential_client(app)
    assert push(app, client, client_secret=secret.reveal()).status_code == 201
    for wrong in (None, "", "ocs_wrong"):
        answer = push(app, client, client_secret=wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_what_is_wrong_is_told_to_the_client_itself(app: App) -> None:
    client = public_client(app)
    faults: list[tuple[dict[str, Any], str]] = [
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_type": "x"}, "unsupported_response_type"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"resource": "mcp"}, "invalid_target"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request": "e.e."}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:opr_"}, "invalid_request"),
        ({"state": ["a", "b"]}, "invalid_request"),
        ({"state": "\0"}, "invalid_request"),
    ]
    for changed, error in faults:
        answer = push(app, client, **changed)
        assert (answer.status_code, answer.json()["error"]) == (400, error), changed


def test_client_may_push_so_often(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, rate_limit=3)
    with app.client:
        client, secret = confidential_client(app)
        statuses = []
        for number in range(4):
            app.client._transport.client = (f"192.0.2.{number}", 50000)  # type: ignore[attr-defined]
            statuses.append(push(app, client, client_secret=secret.reveal()).status_code)
    assert statuses == [201, 201, 201, 429]
