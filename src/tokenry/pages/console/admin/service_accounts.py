"""The service accounts of an account: backends of products, which manage users for them."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote

from tokenry.domain.details import NOT_ENDED
from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.filters import Filter
from tokenry.domain.paging import PAGE_SIZE_MIN, PageRequest
from tokenry.domain.scopes import ALL_MANAGEMENT
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
from tokenry.pages.console.lists import Asked
from tokenry.pages.console.matrix import ITS_LIMIT, Matrix
from tokenry.pages.console.scope_choice import ScopeChoice
from tokenry.pages.once import faults_of, form_request, tell_made
from tokenry.pages.paths import ADMIN
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.pages.wording import in_words
from tokenry.service.installation import Installation

TOKEN_OF = "A token of %(name)s"  # noqa: S105 - a title
NEW = f"{ADMIN}/new-service-account"
FIELDS = frozenset({"username"})
LIFETIMES = {"90": timedelta(days=90), "365": timedelta(days=365), "never": None}
"""For how many days a token can be made; without any, it does not expire."""


class ServiceAccountPages:
    """`/console/admin/service-accounts`, what is below it, and `/console/admin/new-service-account`."""

    def __init__(self, installation: Installation) -> None:
        self._accounts = installation.service_accounts
        self._inventory = installation.inventory
        self._policies = installation.policies
        self._in_words = in_words(installation.catalogue)
        self._catalogue = installation.catalogue

    def show_list(self, visit: Visit) -> Reply:
        """GET the service accounts, those whose name has a text in it, or all."""
        asked = Asked.read(visit, SERVICE_ACCOUNTS.path, fields=FIELDS, choices=())
        filter = asked.filter(within=("username",))
        page = self._accounts.list_service_accounts(visit.signed_in.actor, asked.request, filter)
        return show_admin(SERVICE_ACCOUNTS, "service_accounts", asked=asked, page=page)

    def show_new(self, visit: Visit) -> Reply:
        """GET the form of a new one."""
        require_recent(visit)
        return self._show_form(visit, None, "", ScopeChoice())

    def create(self, visit: Visit) -> Reply:
        """POST a new one."""
        username, chosen = visit.form.get("username").strip(), ScopeChoice.read(visit.form)
        try:
            wanted = ServiceAccountWanted(username, chosen.text(self._givable(visit)))
            user = self._accounts.create_service_account(visit.origin, username, wanted)
        except Invalid as refusal:
            return self._show_form(visit, None, username, chosen, refusal.faults)
        return Redirect(path_of(user.username), flash="service-account-made")

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
        return self._show_form(visit, user, user.username, ScopeChoice.of(str(user.ceiling), self._givable(visit)))

    def change(self, visit: Visit) -> Reply:
        """POST another ceiling."""
        user, chosen = self._get(visit), ScopeChoice.read(visit.form)
        wanted = ServiceAccountWanted(ceiling=chosen.text(self._givable(visit)))
        try:
            self._accounts.update_service_account(visit.origin, user.username, wanted)
        except Invalid as refusal:
            return self._show_form(visit, user, user.username, chosen, refusal.faults)
        return Redirect(path_of(user.username), flash="service-account-changed")

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
        return Redirect(SERVICE_ACCOUNTS.path, flash="service-account-deleted")

    def show_new_token(self, visit: Visit) -> Reply:
        """GET the form of a new token of one."""
        require_recent(visit)
        user = self._get(visit)
        chosen = ScopeChoice.of(" ".join(ALL_MANAGEMENT), self._offer(visit, user))
        return self._show_token_form(visit, user, chosen, label="", lifetime="90")

    def create_token(self, visit: Visit) -> Reply:
        """POST a new token of one; its text is shown in this answer alone."""
        user = self._get(visit)
        label, lifetime = visit.form.get("label").strip(), visit.form.get("lifetime")
        chosen = ScopeChoice.read(visit.form)
        faults = [] if lifetime in LIFETIMES else [Fault("Choose one of these", "lifetime")]
        span = LIFETIMES.get(lifetime)
        expiry = NEVER if span is None else visit.now + span
        try:
            new = NewToken(label, chosen.text(self._offer(visit, user)), expiry)
            if faults:
                raise Invalid(*faults)  # noqa: TRY301 - told as the others are
            _, secret = self._accounts.create_token(visit.origin, user.username, new, form_request(visit))
        except AlreadyMade:
            return tell_made(path_of(user.username))
        except Invalid as refusal:
            shown = [Fault(each.reason, "lifetime") if each.field == "expiry" else each for each in faults_of(refusal)]
            return self._show_token_form(visit, user, chosen, shown, label=label, lifetime=lifetime)
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
        return Redirect(path_of(username), flash="user-disabled" if disabled else "user-enabled")

    def _ask(self, visit: Visit, question: Question, action: str, *faults: Fault) -> Reply:
        require_recent(visit)
        user = self._get(visit)
        own = path_of(user.username)
        return show_question(
            SERVICE_ACCOUNTS, question, user.username, action=f"{own}/{action}", back=own, faults=faults
        )

    def _givable(self, visit: Visit) -> Matrix:
        """What a service account may be allowed to give users."""
        return Matrix.within(self._catalogue, visit.signed_in.actor.scopes)

    def _offer(self, visit: Visit, user: User) -> Matrix:
        """What a token of a service account may do."""
        limit = visit.signed_in.actor.scopes.by(self._catalogue.implied)
        return Matrix.of(self._catalogue, user, limit, self._policies.get_rules(user.id), ITS_LIMIT)

    def _show_form(
        self, visit: Visit, user: User | None, username: str, chosen: ScopeChoice, faults: Sequence[Fault] = ()
    ) -> Reply:
        own = None if user is None else path_of(user.username)
        return show_admin(
            SERVICE_ACCOUNTS,
            "service_account_form",
            400 if faults else 200,
            faults=faults,
            user=user,
            username=username,
            matrix=self._givable(visit),
            chosen=chosen,
            action=NEW if own is None else f"{own}/change",
            back=own or SERVICE_ACCOUNTS.path,
        )

    def _show_token_form(
        self, visit: Visit, user: User, chosen: ScopeChoice, faults: Sequence[Fault] = (), **values: object
    ) -> Reply:
        own = path_of(user.username)
        return show_admin(
            SERVICE_ACCOUNTS,
            "service_account_token",
            400 if faults else 200,
            faults=faults,
            user=user,
            matrix=self._offer(visit, user),
            chosen=chosen,
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
