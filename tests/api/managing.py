"""A product's backend, as tests of the API have it."""

from urllib.parse import quote

from tests.api.parts import installation_of
from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken

USERS = "/v4/tokenry/users"
MANAGES = "tokenry_users:read_write tokenry_tokens:read_write"
CEILING = "linodes:read_write domains:read_only"


def backend_of(app: App, *, scopes: str = MANAGES, name: str = "backend", account: str | None = None) -> dict[str, str]:
    installation = installation_of(app)
    ceiling = Scopes.parse(CEILING)
    installation.users.create_service_account(OPERATOR, username=name, ceiling=ceiling, account=account)
    _, secret = installation.tokens.create_token_for(OPERATOR, name, NewToken(scopes=scopes))
    installation.database.close()
    return {"Authorization": f"Bearer {secret.reveal()}"}


def at(external_id: str) -> str:
    return f"{USERS}/{quote(external_id, safe='')}"


def verify(app: App, token: str) -> int:
    return app.client.get("/verify", headers={"Authorization": f"Bearer {token}"}).status_code
