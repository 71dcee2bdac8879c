"""OAuth clients and grants, as tests of several places make them in a database."""

import json
from secrets import token_hex
from typing import Any

from sqlalchemy import insert

from tests.making import NOW
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import GrantType
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import CLIENT_SECRET, Peppers, Secret
from tokenry.service.grants.issuing import Issued, allow_app, begin_grant, issue, keep_parties
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.oauth_clients import find_client
from tokenry.storage.schema import oauth_clients


def add_client(database: Database, client_id: str | None = None, **columns: object) -> Client:
    """Store a public client of the authorization code, unless `columns` say otherwise."""
    row = {
        "client_id": client_id or token_hex(10),
        "label": "Example App",
        "website": "",
        "public": True,
        "redirect_uris": json.dumps(["https://app.example/callback"]),
        "grant_types": f"{GrantType.AUTHORIZATION_CODE} {GrantType.REFRESH_TOKEN}",
        "scopes": "*",
        "authentication": Authentication.NONE,
        "pkce_required": True,
        "created_at": to_seconds(NOW),
        "created_by": "operator",
    }
    row.update(columns)
    with database.write() as connection:
        connection.execute(insert(oauth_clients).values(row))
        client = find_client(connection, str(row["client_id"]))
    assert client is not None
    return client


def add_confidential(
    database: Database, peppers: Peppers, authentication: Authentication = Authentication.BASIC, **columns: Any
) -> tuple[Client, Secret]:
    """Store a client with a secret."""
    secret = Secret.generate(kind=CLIENT_SECRET)
    client = add_client(
        database,
        public=False,
        authentication=authentication,
        preview=secret.preview,
        digest=peppers.digest(secret),
        pepper_generation=peppers.generation,
        **columns,
    )
    return client, secret


def give(
    transactions: Transactions,
    peppers: Peppers,
    client: Client,
    *,
    user_id: int = 1,
    scopes: str = "linodes:read_only",
    audience: tuple[str, ...] = (),
    jkt: str | None = None,
) -> Issued:
    """Let a client in, and give it an access and a refresh token."""
    new = NewGrant(GrantType.AUTHORIZATION_CODE, Scopes.parse(scopes), audience, jkt)
    with transactions.change(Origin("test")) as change:
        user = keep_parties(change, user_id, client)
        app = allow_app(change, user, client, new.scopes)
        return issue(change, peppers, begin_grant(change, app, new, Policy()), client.label, refreshes=True)
