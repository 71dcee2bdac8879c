"""The paths of the administration. Every page is for administrators.

Every form is taken only from whoever has proved not long ago who it is, but for those that say why not.
"""

from collections.abc import Callable

from tokenry.pages.console.admin.audit import AuditPages
from tokenry.pages.console.admin.clients import NEW as NEW_CLIENT
from tokenry.pages.console.admin.clients import ClientPages
from tokenry.pages.console.admin.leaked import LeakedPages
from tokenry.pages.console.admin.mail import MailPages
from tokenry.pages.console.admin.overview import OverviewPages
from tokenry.pages.console.admin.places import (
    ALL_TOKENS,
    AUDIT,
    CLIENTS,
    LEAKED,
    MAIL,
    OVERVIEW,
    POLICY,
    SCOPES,
    SERVICE_ACCOUNTS,
    USERS,
    WEBHOOKS,
)
from tokenry.pages.console.admin.policy import CHANGE as CHANGE_POLICY
from tokenry.pages.console.admin.policy import TOKENS as OUTLIVING
from tokenry.pages.console.admin.policy import PolicyPages
from tokenry.pages.console.admin.scopes import ScopePages
from tokenry.pages.console.admin.service_accounts import NEW as NEW_SERVICE_ACCOUNT
from tokenry.pages.console.admin.service_accounts import ServiceAccountPages
from tokenry.pages.console.admin.shown import for_administrators
from tokenry.pages.console.admin.tokens import CHOSEN, AllTokensPages
from tokenry.pages.console.admin.users import NEW as NEW_USER
from tokenry.pages.console.admin.users import UserPages
from tokenry.pages.console.admin.watch import WatchPages
from tokenry.pages.console.admin.webhooks import NEW as NEW_WEBHOOK
from tokenry.pages.console.admin.webhooks import WebhookPages
from tokenry.pages.page import MakePage, Page, Pages
from tokenry.pages.signed_in import only_recent
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation


def admin_paths(installation: Installation, page: MakePage) -> Pages:
    """All pages of the administration."""

    def admin(*, recent: bool = True, **operations: Callable[[Visit], Reply]) -> Page:
        if recent and "POST" in operations:
            operations["POST"] = only_recent(operations["POST"])
        return page(**{method: for_administrators(operation) for method, operation in operations.items()})

    audit, scopes, leaked = AuditPages(installation), ScopePages(installation), LeakedPages(installation)
    mail, policy = MailPages(installation), PolicyPages(installation)
    return {
        OVERVIEW.path: admin(GET=OverviewPages(installation).show),
        **_token_paths(installation, admin),
        **_user_paths(installation, admin),
        **_service_account_paths(installation, admin),
        **_client_paths(installation, admin),
        **_webhook_paths(installation, admin),
        MAIL.path: admin(GET=mail.show, POST=mail.send),
        AUDIT.path: admin(GET=audit.show_list),
        f"{AUDIT.path}.csv": admin(GET=audit.export),
        SCOPES.path: admin(GET=scopes.show),
        POLICY.path: admin(GET=policy.show),
        CHANGE_POLICY: admin(GET=policy.show_change, POST=policy.change),
        OUTLIVING: admin(GET=policy.list_tokens),
        # Anybody may have a leaked token revoked who has its text, without signing in: a proof would only take time.
        LEAKED.path: admin(GET=leaked.show, POST=leaked.revoke, recent=False),
    }


def _token_paths(installation: Installation, page: MakePage) -> Pages:
    tokens, watch = AllTokensPages(installation), WatchPages(installation)
    return {
        ALL_TOKENS.path: page(GET=tokens.show_list),
        f"{ALL_TOKENS.path}.csv": page(GET=tokens.export),
        CHOSEN: page(GET=tokens.show_chosen, POST=tokens.change_chosen),
        f"{ALL_TOKENS.path}/{{token_id}}": page(GET=tokens.show_one),
        f"{ALL_TOKENS.path}/{{token_id}}/watch": page(GET=watch.show, POST=watch.change),
    }


def _user_paths(installation: Installation, page: MakePage) -> Pages:
    users = UserPages(installation)
    one = f"{USERS.path}/{{username}}"
    return {
        USERS.path: page(GET=users.show_list),
        NEW_USER: page(GET=users.show_new, POST=users.create),
        one: page(GET=users.show_one),
        f"{one}/change": page(GET=users.show_change, POST=users.change),
        f"{one}/link": page(GET=users.show_invite, POST=users.invite),
        f"{one}/disable": page(GET=users.show_disable, POST=users.disable),
        f"{one}/enable": page(GET=users.show_enable, POST=users.enable),
        f"{one}/delete": page(GET=users.show_delete, POST=users.delete),
    }


def _service_account_paths(installation: Installation, page: MakePage) -> Pages:
    accounts = ServiceAccountPages(installation)
    one = f"{SERVICE_ACCOUNTS.path}/{{username}}"
    return {
        SERVICE_ACCOUNTS.path: page(GET=accounts.show_list),
        NEW_SERVICE_ACCOUNT: page(GET=accounts.show_new, POST=accounts.create),
        one: page(GET=accounts.show_one),
        f"{one}/change": page(GET=accounts.show_change, POST=accounts.change),
        f"{one}/token": page(GET=accounts.show_new_token, POST=accounts.create_token),
        f"{one}/disable": page(GET=accounts.show_disable, POST=accounts.disable),
        f"{one}/enable": page(GET=accounts.show_enable, POST=accounts.enable),
        f"{one}/delete": page(GET=accounts.show_delete, POST=accounts.delete),
    }


def _client_paths(installation: Installation, page: MakePage) -> Pages:
    clients = ClientPages(installation)
    one = f"{CLIENTS.path}/{{client_id}}"
    return {
        CLIENTS.path: page(GET=clients.show_list),
        NEW_CLIENT: page(GET=clients.show_new, POST=clients.create),
        one: page(GET=clients.show_one),
        f"{one}/change": page(GET=clients.show_change, POST=clients.change),
        f"{one}/reset": page(GET=clients.show_reset, POST=clients.reset),
        f"{one}/delete": page(GET=clients.show_delete, POST=clients.delete),
    }


def _webhook_paths(installation: Installation, page: MakePage) -> Pages:
    webhooks = WebhookPages(installation)
    one = f"{WEBHOOKS.path}/{{webhook_id}}"
    return {
        WEBHOOKS.path: page(GET=webhooks.show_list),
        NEW_WEBHOOK: page(GET=webhooks.show_new, POST=webhooks.create),
        one: page(GET=webhooks.show_one, POST=webhooks.send),
        f"{one}/change": page(GET=webhooks.show_change, POST=webhooks.change),
        f"{one}/disable": page(GET=webhooks.show_disable, POST=webhooks.disable),
        f"{one}/enable": page(GET=webhooks.show_enable, POST=webhooks.enable),
        f"{one}/rotate": page(GET=webhooks.show_rotate, POST=webhooks.rotate),
        f"{one}/rotate-now": page(GET=webhooks.show_rotate_now, POST=webhooks.rotate_now),
        f"{one}/delete": page(GET=webhooks.show_delete, POST=webhooks.delete),
    }
