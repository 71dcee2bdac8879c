"""OAuth clients and grants, as tests of several places make them in a database."""

import json
from secrets import token_hex
from typing import Any

from sqlalchemy import insert

from tests.making import NOW
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Authentication, Client, ClientRights
from tokenry.domain.codes import NewCode
from tokenry.domain.grants import NewGrant
from tokenry.domain.oauth import GrantType
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import CLIENT_SECRET, Peppers, Secret
from tokenry.service.grants.authorization_code import begin_code
from tokenry.service.grants.issuing import Issued, allow_app, begin_grant, issue, keep_parties
from tokenry.service.transactions import Transactions
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.oauth_clients import find_client
from tokenry.storage.schema import oauth_clients

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""RFC 7636 appendix B."""
REDIRECT_URI = "https://app.example/callback"


def client_row(client_id: str | None = None, **columns: object) -> dict[str, object]:
    """A public client of the authorization code as it is stored, unless `columns` say otherwise."""
    row: dict[str, object] = {
        "client_id": client_id or token_hex(10),
        "label": "Example App",
        "website": "",
        "public": True,
        "redirect_uris": json.dumps([REDIRECT_URI]),
        "grant_types": f"{GrantType.AUTHORIZATION_CODE} {GrantType.REFRESH_TOKEN}",
        "scopes": "*",
        "authentication": Authentication.NONE,
        "pkce_required": True,
        "created_at": to_seconds(NOW),
        "created_by": "operator",
    }
    return row | columns


def client_of(row: dict[str, object]) -> Client:
    """A client of such a row that has an id."""
    return Client(
        id=int(str(row["id"])),
        client_id=str(row["client_id"]),
        account_id=None,
        label=str(row["label"]),
        website="",
        public=bool(row["public"]),
        verified=False,
        redirect_uris=(REDIRECT_URI,),
        authentication=Authentication.NONE,
        rights=ClientRights(frozenset(GrantType), pkce_required=bool(row["pkce_required"])),
        created=NOW,
        service_user_id=None if row.get("service_user_id") is None else int(str(row["service_user_id"])),
    )


def add_client(database: Database, client_id: str | None = None, **columns: object) -> Client:
    """Store such a client."""
    row = client_row(client_id, **columns)
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
        return issue(change, peppers, begin_grant(change, app, client, new, Policy()), client.label, refreshes=True)


def agree(
    transactions: Transactions,
    peppers: Peppers,
    client: Client,
    *,
    user_id: int = 1,
    scopes: str = "linodes:read_only",
    audience: tuple[str, ...] = (),
    redirect_uri: str | None = REDIRECT_URI,
    code_challenge: str | None = CHALLENGE,
    jkt: str | None = None,
) -> Secret:
    """Let a client in, and send it a code."""
    new = NewCode(redirect_uri, Scopes.parse(scopes), audience, code_challenge, jkt)
    with transactions.change(Origin("test")) as change:
        app = allow_app(change, keep_parties(change, user_id, client), client, new.scopes)
        return begin_code(change, peppers, app.id, new)
