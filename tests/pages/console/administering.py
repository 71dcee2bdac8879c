"""What tests of the administration have: an account with one thing of each kind, and the paths of all pages."""

from dataclasses import dataclass

from starlette.routing import Route

from tests.conftest import App
from tests.making import OPERATOR
from tests.pages.parts import pages
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import ClientChange
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken, Token
from tokenry.domain.webhooks import WebhookChange
from tokenry.service.installation import Installation

ADMIN = "/console/admin"
CHILDREN = "/console/child-accounts"
CALENDAR = "calendar"
BACKEND = "shop-backend"
NAMES = ("ada", "deploy", BACKEND, CALENDAR, "Acme")
"""What those pages show that are somebody's."""


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


def methods_of(route: Route) -> frozenset[str]:
    """Those of a page."""
    found: frozenset[str] = route.app.methods  # type: ignore[attr-defined]
    return found
