"""What tests of the administration have: an account with one thing of each kind, and the paths of all pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.routing import Route

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.parts import Visitor, fields_of, pages
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import ClientChange
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken, Token
from tokenry.domain.webhooks import WebhookChange
from tokenry.service.installation import Installation
from tokenry.storage.audit import list_events

ADMIN = "/console/admin"
CHILDREN = "/console/child-accounts"
CALENDAR = "calendar"
BACKEND = "shop-backend"
NAMES = ("ada", "deploy", BACKEND, CALENDAR, "Acme")
"""What those pages show that are somebody's."""


OWN = "/console/tokens"
USER, SERVICE_ACCOUNT = f"{ADMIN}/users/{{username}}", f"{ADMIN}/service-accounts/{{username}}"
CLIENT, WEBHOOK = f"{ADMIN}/clients/{{client_id}}", f"{ADMIN}/webhooks/{{webhook_id}}"
FORMS: Mapping[str, Mapping[str, str]] = {
    f"{OWN}/new": {"label": "new", "expires": "90", "more": "linodes:read_only", "step": "make"},
    f"{OWN}/{{token_id}}": {"action": "save", "label": "renamed"},
    f"{OWN}/{{token_id}}/rotate": {"grace": "0", "begin": "now"},
    "/console/settings": {"timezone": "UTC"},
    "/console/settings/notifications": {"kind": "", "mail": ""},
    f"{ADMIN}/tokens/chosen": {"do": "disable", "id": "3"},
    f"{ADMIN}/tokens/{{token_id}}/watch": {"do": "watch", "level.linodes": "read_only"},
    f"{ADMIN}/new-user": {"username": "newcomer", "email": "new@example.org"},
    f"{USER}/change": {"username": "ada", "email": "ada@example.org"},
    f"{USER}/link": {},
    f"{USER}/disable": {},
    f"{USER}/enable": {},
    f"{USER}/delete": {"typed": "ada"},
    f"{ADMIN}/new-service-account": {"username": "newer", "level.linodes": "read_only"},
    f"{SERVICE_ACCOUNT}/change": {"level.linodes": "read_only"},
    f"{SERVICE_ACCOUNT}/token": {"label": "new", "level.tokenry_users": "read_only", "lifetime": "90"},
    f"{SERVICE_ACCOUNT}/disable": {},
    f"{SERVICE_ACCOUNT}/enable": {},
    f"{SERVICE_ACCOUNT}/delete": {"typed": BACKEND},
    f"{ADMIN}/new-client": {"label": "new", "redirect_uri": "https://new.example/callback"},
    f"{CLIENT}/change": {
        "label": "Calendar",
        "redirect_uris": "https://new.example/",
        "grant_types": "authorization_code",
        "level.linodes": "read_only",
    },
    f"{CLIENT}/reset": {},
    f"{CLIENT}/delete": {"typed": "Calendar"},
    f"{ADMIN}/new-webhook": {"url": "https://hooks.example/new"},
    WEBHOOK: {"do": "test"},
    f"{WEBHOOK}/change": {"url": "https://hooks.example/other"},
    f"{WEBHOOK}/rotate": {},
    f"{WEBHOOK}/rotate-now": {},
    f"{WEBHOOK}/disable": {},
    f"{WEBHOOK}/enable": {},
    f"{WEBHOOK}/delete": {},
    f"{CHILDREN}/{{euuid}}/token": {},
}
"""What each is filled in with, in the order in which they are sent."""


@dataclass
class Firm:
    """An account: its user ada, with a token, beside the administrator; and a child account."""

    euuid: str
    child_euuid: str
    token: Token
    secret: str
    webhook_id: int

    def path_of(self, route: Route) -> str:
        """The path of a page, of something that is there."""
        username = BACKEND if "service-accounts" in route.path else "ada"
        return route.path.format(
            username=username,
            client_id=CALENDAR,
            token_id=self.token.id,
            euuid=self.child_euuid,
            webhook_id=self.webhook_id,
        )


def make_firm(do: Installation) -> Firm:
    """Make what a firm has, beside the first account's administrator."""
    euuid = do.accounts.list_accounts()[0].euuid
    do.users.create_user(OPERATOR, username="ada", email="ada@example.org")
    token, secret = do.tokens.create_token_for(OPERATOR, "ada", NewToken(label="deploy", scopes="linodes:read_write"))
    do.users.create_service_account(OPERATOR, username=BACKEND, ceiling=Scopes.parse("linodes:read_only"))
    settings = {"label": "Calendar", "redirect_uris": ("https://calendar.example/callback",)}
    do.clients.create_client(OPERATOR, ClientChange(settings), client_id=CALENDAR, account=euuid)
    child = do.accounts.create_account(OPERATOR, company="Acme", parent=euuid)
    webhook, _ = do.webhooks.create_webhook(_administrator(do), WebhookChange(url="https://hooks.example/deploy"))
    return Firm(euuid, child.euuid, token, secret.reveal(), webhook.id)


def _administrator(do: Installation) -> Origin:
    """What the first administrator does, with a browser."""
    with do.transactions.change(OPERATOR) as change:
        cookie = do.sessions.begin_session(change, 1, method="password", address=None, agent=None)
    session = do.sessions.find_session(cookie.reveal())
    assert session is not None
    return session.origin(None)


def admin_pages(app: App) -> list[Route]:
    """The routes of the administration, those of child accounts among them."""
    return [route for route in pages(app) if route.path.startswith((ADMIN, CHILDREN))]


def fields_of_all(app: App, admin: Visitor, firm: Firm) -> dict[str, str]:
    """The fields of all forms of the administration together: with these none lacks any."""
    found: dict[str, str] = {}
    for route in admin_pages(app):
        found |= fields_of(admin.get(firm.path_of(route)).text)
    return found


def newest_event(do: Installation) -> int:
    """The id of what was recorded last."""
    with do.database.read() as connection:
        return list_events(connection, limit=1)[0].id


def methods_of(route: Route) -> frozenset[str]:
    """Those of a page."""
    found: frozenset[str] = route.app.methods  # type: ignore[attr-defined]
    return found
