"""The service accounts of an account: backends of products, which manage users for them."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote

from tokenry.domain.details import NOT_ENDED
from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.filters import Filter
from tokenry.domain.paging import PAGE_SIZE_MIN, PageRequest
from tokenry.domain.scopes import ALL_MANAGEMENT, split_scopes
from tokenry.domain.service_accounts import ServiceAccountWanted
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.domain.users import User
from tokenry.pages.console.admin.places import SERVICE_ACCOUNTS
from tokenry.pages.console.admin.questions import (
    DELETE_SERVICE_ACCOUNT,
    DISABLE_SERVICE_ACCOUNT,
    ENABLE_SERVICE_ACCOUNT,
    Question,
)
from tokenry.pages.console.admin.shown import show_admin, show_question
from tokenry.pages.console.admin.users import FIELDS, select_users
from tokenry.pages.console.lists import Asked
from tokenry.pages.console.once import faults_of, form_request, tell_made
from tokenry.pages.paths import ADMIN
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.pages.wording import in_words
from tokenry.service.installation import Installation

TOKEN_OF = "A token of %(name)s"  # noqa: S105 - a title
NEW = f"{ADMIN}/new-service-account"
LIFETIMES = {"90": timedelta(days=90), "365": timedelta(days=365), "never": None}
"""For how many days a token can be made; without any, it does not expire."""


class ServiceAccountPages:
    """`/console/admin/service-accounts`, what is below it, and `/console/admin/new-service-account`."""

    def __init__(self, installation: Installation) -> None:
        self._accounts = installation.service_accounts
        self._inventory = installation.inventory
        self._in_words = in_words(installation.catalogue)
        self._catalogue = installation.catalogue

    def show_list(self, visit: Visit) -> Reply:
        """GET the service accounts, those whose name has a text in it, or all."""
        asked = Asked.read(visit, SERVICE_ACCOUNTS.path, fields=FIELDS, choices=())
        page = self._accounts.list_service_accounts(visit.signed_in.actor, asked.request, select_users(asked))
        return show_admin(SERVICE_ACCOUNTS, "service_accounts", asked=asked, page=page)

    def show_new(self, visit: Visit) -> Reply:
        """GET the form of a new one."""
        require_recent(visit)
        return self._show_form(None, username="", ceiling="")

    def create(self, visit: Visit) -> Reply:
        """POST a new one."""
        username, ceiling = visit.form.get("username").strip(), _read_scopes(visit.form.get("ceiling"))
        try:
            wanted = ServiceAccountWanted(username, ceiling)
            user = self._accounts.create_service_account(visit.origin, username, wanted)
        except Invalid as refusal:
            return self._show_form(None, refusal.faults, username=username, ceiling=ceiling)
        return Redirect(path_of(user.username), notice="service-account-made")

    def show_one(self, visit: Visit) -> Reply:
        """GET one, with its newest tokens."""
        user = self._get(visit)
        page = self._inventory.list_tokens(
            visit.signed_in.actor, PageRequest(size=PAGE_SIZE_MIN), Filter(descending=True), NOT_ENDED, user.username
        )
        return show_admin(SERVICE_ACCOUNTS, "service_account", user=user, page=page, in_words=self._in_words)

    def show_change(self, visit: Visit) -> Reply:
        """GET the form of another ceiling."""
        require_recent(visit)
        user = self._get(visit)
        return self._show_form(user, username=user.username, ceiling=str(user.ceiling))

    def change(self, visit: Visit) -> Reply:
        """POST another ceiling."""
        user, ceiling = self._get(visit), _read_scopes(visit.form.get("ceiling"))
        try:
            self._accounts.update_service_account(visit.origin, user.username, ServiceAccountWanted(ceiling=ceiling))
        except Invalid as refusal:
            return self._show_form(user, refusal.faults, username=user.username, ceiling=ceiling)
        return Redirect(path_of(user.username), notice="service-account-changed")

    def show_disable(self, visit: Visit) -> Reply:
        """GET the question whether to disable one."""
        return self._ask(visit, DISABLE_SERVICE_ACCOUNT, "disable")

    def disable(self, visit: Visit) -> Reply:
        """POST that one is disabled."""
        return self._turn(visit, disabled=True)

    def show_enable(self, visit: Visit) -> Reply:
        """GET the question whether to enable one."""
        return self._ask(visit, ENABLE_SERVICE_ACCOUNT, "enable")

    def enable(self, visit: Visit) -> Reply:
        """POST that one is enabled."""
        return self._turn(visit, disabled=False)

    def show_delete(self, visit: Visit) -> Reply:
        """GET the question whether to delete one."""
        return self._ask(visit, DELETE_SERVICE_ACCOUNT, "delete")

    def delete(self, visit: Visit) -> Reply:
        """POST that one is deleted, with its name typed."""
        user = self._get(visit)
        if faults := DELETE_SERVICE_ACCOUNT.faults(visit, user.username):
            return self._ask(visit, DELETE_SERVICE_ACCOUNT, "delete", *faults)
        self._accounts.delete_service_account(visit.origin, user.username)
        return Redirect(SERVICE_ACCOUNTS.path, notice="service-account-deleted")

    def show_new_token(self, visit: Visit) -> Reply:
        """GET the form of a new token of one."""
        require_recent(visit)
        return self._show_token_form(self._get(visit), label="", scopes=" ".join(ALL_MANAGEMENT), lifetime="90")

    def create_token(self, visit: Visit) -> Reply:
        """POST a new token of one; its text is shown in this answer alone."""
        user = self._get(visit)
        label, lifetime = visit.form.get("label").strip(), visit.form.get("lifetime")
        scopes = _read_scopes(visit.form.get("scopes"))
        faults = [] if lifetime in LIFETIMES else [Fault("Choose one of these", "lifetime")]
        span = LIFETIMES.get(lifetime)
        expiry = NEVER if span is None else visit.now + span
        try:
            new = NewToken(label, scopes, expiry)
            if faults:
                raise Invalid(*faults)  # noqa: TRY301 - told as the others are
            _, secret = self._accounts.create_token(visit.origin, user.username, new, form_request(visit))
        except AlreadyMade:
            return tell_made(path_of(user.username))
        except Invalid as refusal:
            shown = [Fault(each.reason, "lifetime") if each.field == "expiry" else each for each in faults_of(refusal)]
            return self._show_token_form(user, shown, label=label, scopes=scopes, lifetime=lifetime)
        return show_admin(
            SERVICE_ACCOUNTS,
            "secret",
            title=TOKEN_OF,
            name=user.username,
            secret=secret,
            back=path_of(user.username),
        )

    def _turn(self, visit: Visit, *, disabled: bool) -> Reply:
        username = visit.path["username"]
        self._accounts.update_service_account(visit.origin, username, ServiceAccountWanted(disabled=disabled))
        return Redirect(path_of(username), notice="user-disabled" if disabled else "user-enabled")

    def _ask(self, visit: Visit, question: Question, action: str, *faults: Fault) -> Reply:
        require_recent(visit)
        user = self._get(visit)
        own = path_of(user.username)
        return show_question(
            SERVICE_ACCOUNTS, question, user.username, action=f"{own}/{action}", back=own, faults=faults
        )

    def _show_form(self, user: User | None, faults: Sequence[Fault] = (), **values: object) -> Reply:
        own = None if user is None else path_of(user.username)
        return show_admin(
            SERVICE_ACCOUNTS,
            "service_account_form",
            400 if faults else 200,
            faults=faults,
            user=user,
            catalogue=self._catalogue,
            action=NEW if own is None else f"{own}/change",
            back=own or SERVICE_ACCOUNTS.path,
            **values,
        )

    def _show_token_form(self, user: User, faults: Sequence[Fault] = (), **values: object) -> Reply:
        own = path_of(user.username)
        return show_admin(
            SERVICE_ACCOUNTS,
            "service_account_token",
            400 if faults else 200,
            faults=faults,
            user=user,
            action=f"{own}/token",
            back=own,
            lifetimes=tuple(LIFETIMES),
            **values,
        )

    def _get(self, visit: Visit) -> User:
        return self._accounts.get_service_account(visit.signed_in.actor, visit.path["username"])


def path_of(username: str) -> str:
    """The page of a service account."""
    return f"{SERVICE_ACCOUNTS.path}/{quote(username, safe='')}"


def _read_scopes(text: str) -> str:
    """Scopes as people write them: on lines of their own, too."""
    return " ".join(split_scopes(" ".join(text.split())))
