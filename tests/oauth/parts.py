"""What tests of OAuth over HTTP have in hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.conftest import App
from tests.issuing import bearer
from tests.making import new_user
from tests.oauth_making import REDIRECT_URI, VERIFIER, add_client, add_confidential, agree
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.oauth import GrantType
from tokenry.domain.secrets import Secret
from tokenry.service.installation import Installation
from tokenry.wiring import open_installation

TOKEN = "/oauth/token"


@contextmanager
def installation_of(app: App) -> Iterator[Installation]:
    """The installation behind an application, as another process has it."""
    installation = open_installation(app.settings, app.clock)
    yield installation
    installation.database.close()


def public_client(app: App, **columns: Any) -> Client:
    """A client without a secret."""
    with installation_of(app) as do:
        return add_client(do.database, **columns)


def confidential_client(app: App, **columns: Any) -> tuple[Client, Secret]:
    """A client with a secret, which sends it in the form unless `columns` say otherwise."""
    columns = {"authentication": Authentication.POST} | columns
    with installation_of(app) as do:
        return add_confidential(do.database, do.peppers, **columns)


def wire_client(app: App) -> tuple[Client, Secret]:
    """A client as the wire format has them: with a secret, and without PKCE."""
    return confidential_client(app, pkce_required=False)


def robot(app: App, **columns: Any) -> tuple[Client, Secret]:
    """A client that acts for itself."""
    with installation_of(app) as do:
        user_id = new_user(do.database, "robot")
    return confidential_client(app, grant_types=str(GrantType.CLIENT_CREDENTIALS), service_user_id=user_id, **columns)


def code_for(app: App, client: Client, **asked: Any) -> str:
    """What a client is sent back with, when the administrator has agreed."""
    with installation_of(app) as do:
        return agree(do.transactions, do.peppers, client, **asked).reveal()


def ask(app: App, form: dict[str, Any], **options: Any) -> httpx2.Response:
    """Ask for tokens."""
    return app.client.post(TOKEN, data=form, **options)


def error(answer: httpx2.Response) -> tuple[int, str]:
    """How an answer refuses: its status, and OAuth's code."""
    return answer.status_code, answer.json()["error"]


def with_code(client: Client, code: str, **more: str) -> dict[str, str]:
    """What a public client sends for a code."""
    form = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return form | more


def with_refresh_token(client: Client, token: str, **more: str) -> dict[str, str]:
    """What a public client sends for its next tokens."""
    return {"grant_type": "refresh_token", "client_id": client.client_id, "refresh_token": token} | more


def let_in(app: App, token: str) -> bool:
    """Whether a token is valid."""
    return app.client.get("/verify", headers=bearer(token)).status_code == 200
