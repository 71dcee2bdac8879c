"""What tests of the API ask it, and what they make beside it."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import anyio
from starlette.routing import Route, Router
from starlette.types import Message, Scope

from tests.conftest import App
from tests.issuing import bearer
from tokenry.domain.accounts import Origin
from tokenry.domain.tokens import NewToken
from tokenry.service.installation import Installation
from tokenry.service.users import NO_RESERVATION, add_user
from tokenry.storage.accounts import create_account
from tokenry.storage.audit import list_events
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.rotations import activate_used
from tokenry.wiring import open_installation

IDENTITY = ("user", "user-id", "account-id", "token-id", "scopes", "expires", "client-id", "external-id")


TOKENS = "/v4/profile/tokens"
KEYS = ["id", "scopes", "created", "label", "token", "expiry"]
MORE = [
    "state",
    "description",
    "networks",
    "requests_per_minute",
    "created_by",
    "last_used",
    "last_used_address",
    "last_used_agent",
    "revoked",
    "revoked_by",
    "revoked_reason",
    "disabled",
    "disabled_by",
    "not_before",
    "metadata",
    "rotates_itself_only",
]


def create(app: App, **body: object) -> dict[str, Any]:
    created: dict[str, Any] = app.client.post(TOKENS, headers=app.bearer, json=body).json()
    return created


def token_of_another_user(app: App) -> tuple[int, str]:
    installation = open_installation(app.settings, app.clock)
    installation.users.create_user(Origin("test"), username="other")
    token, secret = installation.tokens.create_token_for(Origin("test"), "other", NewToken())
    installation.database.close()
    return token.id, secret.reveal()


def installation_of(app: App) -> Installation:
    """The same installation, as another process has it."""
    return open_installation(app.settings, app.clock)


def bearer_of(app: App, username: str, *, admin: bool = False, scopes: str = "*") -> dict[str, str]:
    """The header of a token of a new user."""
    installation = open_installation(app.settings, app.clock)
    installation.users.create_user(Origin("test"), username=username, admin=admin)
    _, secret = installation.tokens.create_token_for(Origin("test"), username, NewToken(scopes=scopes))
    installation.database.close()
    return {"Authorization": f"Bearer {secret.reveal()}"}


def actions(app: App) -> list[tuple[str, dict[str, object]]]:
    installation = open_installation(app.settings, app.clock)
    with installation.database.read() as connection:
        events = [(event.action, dict(event.details)) for event in list_events(connection, limit=100)]
    installation.database.close()
    return events


def faults(answer: Any) -> list[tuple[str, str | None]]:
    return [(error["reason"], error.get("field")) for error in answer.json()["errors"]]


def token_of_another_account(app: App) -> tuple[int, str]:
    """A token of the administrator of another account."""
    installation = open_installation(app.settings, app.clock)
    origin = Origin("test")
    with installation.transactions.change(origin) as change:
        account = create_account(
            change.connection, euuid="F" * 8 + "-FFFF-FFFF-" + "F" * 16, company="Other", created=change.now
        )
        add_user(change, account_id=account.id, username="eve", email="", admin=True, reservation=NO_RESERVATION)
    token, secret = installation.tokens.create_token_for(origin, "eve", NewToken())
    installation.database.close()
    return token.id, secret.reveal()


def rotate(app: App, token_id: int, *, by: str | None = None, **body: object) -> dict[str, Any]:
    answer = app.client.post(f"{TOKENS}/{token_id}/rotate", headers=bearer(by or app.token), json=body)
    assert answer.status_code == 200, answer.text
    rotated: dict[str, Any] = answer.json()
    return rotated


def opens(app: App, *texts: str) -> list[bool]:
    """Which of these are let in."""
    statuses = [app.client.get("/verify", headers=bearer(text)).status_code for text in texts]
    assert set(statuses) <= {200, 401}
    return [status == 200 for status in statuses]


def write_uses_down(app: App, texts: Iterable[str]) -> None:
    """As if these had been presented just now, and a worker had written that down."""
    database = Database(database_url(app.settings.database_url, app.settings.data_dir), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        for text in texts:
            activate_used(connection, text[:16], int(app.clock()))
    database.close()


def routes(app: App) -> list[Route]:
    """The route table, from under what is around it."""
    asgi: Any = app.client.app
    while not isinstance(asgi, Router):
        asgi = asgi._app
    table = [route for route in asgi.routes if isinstance(route, Route)]
    assert len(table) == len(asgi.routes)
    return table


def ask(
    app: Any, headers: list[tuple[bytes, bytes]], *, path: str = "/x", version: str = "1.1"
) -> tuple[int, dict[bytes, bytes], Any]:
    """Send one request straight to an ASGI application: clients would mend what is wrong with it."""
    sent: list[Message] = []
    path, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "http_version": version,
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    anyio.run(app, scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"])


def new_bearer(app: App, **body: object) -> dict[str, str]:
    answer = app.client.post("/v4/profile/tokens", headers=app.bearer, json=body)
    return {"Authorization": f"Bearer {answer.json()['token']}"}
