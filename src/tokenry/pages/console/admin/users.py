"""The users of an account."""

from urllib.parse import quote

from tokenry.domain.details import NOT_ENDED
from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.filters import Filter
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.links import LIFETIME, link_address
from tokenry.domain.logins import NO_SIGN_INS
from tokenry.domain.paging import PAGE_SIZE_MIN, PageRequest
from tokenry.domain.users import GrantsChange, NewUser, User, UserChange, UserType
from tokenry.pages.console.admin.places import USERS
from tokenry.pages.console.admin.questions import DELETE_USER, DISABLE_USER, ENABLE_USER, INVITE_USER, Question
from tokenry.pages.console.admin.shown import show_admin, show_question
from tokenry.pages.console.lists import Asked
from tokenry.pages.fields import Form
from tokenry.pages.languages import name_languages
from tokenry.pages.once import faults_of, form_request, tell_made
from tokenry.pages.paths import ADMIN
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit
from tokenry.pages.wording import in_words
from tokenry.service.installation import Installation

NEW = f"{ADMIN}/new-user"
SEARCHED = ("username", "email")
FIELDS = frozenset(SEARCHED)


class UserPages:
    """`/console/admin/users`, `/console/admin/new-user`, and what is below the former."""

    def __init__(self, installation: Installation) -> None:
        self._users = installation.account_users
        self._links = installation.links
        self._logins = installation.logins
        self._inventory = installation.inventory
        self._in_words = in_words(installation.catalogue)
        self._public_url = installation.public_url or ""

    def show_list(self, visit: Visit) -> Reply:
        """GET the users, those whose name or address has a text in it, or all."""
        asked = Asked.read(visit, USERS.path, fields=FIELDS, choices=())
        page = self._users.list_users(visit.signed_in.actor, asked.request, asked.filter(within=SEARCHED))
        known = self._logins.find_sign_ins([user.id for user in page.rows])
        return show_admin(USERS, "users", asked=asked, page=page, known=known, nothing=NO_SIGN_INS)

    def show_new(self, visit: Visit) -> Reply:
        """GET the form of a new user."""
        require_recent(visit)
        return _show_new(username="", email="", chosen="", admin=False)

    def create(self, visit: Visit) -> Reply:
        """POST a new user; a link by which that one chooses a password is shown, once."""
        username, email, admin = *_read_user(visit.form), visit.form.ticked("admin")
        language = visit.form.get("language")
        try:
            new = NewUser(username, email, restricted=not admin, language=language or None)
            user = self._users.create_user(visit.origin, new, form_request(visit))
        except AlreadyMade as made:
            return tell_made(path_of(str(made.id)))
        except Invalid as refusal:
            faults = faults_of(refusal)
            return _show_new(faults, username=username, email=email, chosen=language, admin=admin)
        return self._show_link(visit, user.username)

    def show_one(self, visit: Visit) -> Reply:
        """GET one user, with the newest tokens."""
        user = self._get(visit)
        page = self._inventory.list_tokens(
            visit.signed_in.actor, PageRequest(size=PAGE_SIZE_MIN), Filter(descending=True), NOT_ENDED, user.username
        )
        known = self._logins.find_sign_ins([user.id]).get(user.id, NO_SIGN_INS)
        return show_admin(USERS, "user", user=user, page=page, known=known, in_words=self._in_words)

    def show_change(self, visit: Visit) -> Reply:
        """GET the form to change a user."""
        require_recent(visit)
        user = self._get(visit)
        return _show_change(user, username=user.username, email=user.email, admin=user.admin)

    def change(self, visit: Visit) -> Reply:
        """POST another name or address, or whether somebody is an administrator, or may enter child accounts."""
        user = self._get(visit)
        username, email = _read_user(visit.form)
        admin = not user.service and visit.form.ticked("admin")
        granted = GrantsChange(child_account_access=visit.form.ticked("children")) if _may_enter(user) else None
        try:
            changed = self._users.update_user(
                visit.origin, user.username, UserChange(username=username, email=email, restricted=not admin)
            )
            if changed.restricted and granted is not None:
                self._users.update_grants(visit.origin, changed.username, granted)
        except Invalid as refusal:
            return _show_change(user, refusal.faults, username=username, email=email, admin=admin)
        return Redirect(path_of(changed.username), flash="user-changed")

    def show_invite(self, visit: Visit) -> Reply:
        """GET the question whether to make a link."""
        return self._ask(visit, INVITE_USER, "link")

    def invite(self, visit: Visit) -> Reply:
        """POST for a link, which is shown in this answer alone."""
        username = self._get(visit).username
        try:
            return self._show_link(visit, username, form_request(visit))
        except AlreadyMade:
            return tell_made(path_of(username))

    def show_disable(self, visit: Visit) -> Reply:
        """GET the question whether to disable a user."""
        return self._ask(visit, DISABLE_USER, "disable")

    def disable(self, visit: Visit) -> Reply:
        """POST that a user is disabled."""
        return self._turn(visit, disabled=True)

    def show_enable(self, visit: Visit) -> Reply:
        """GET the question whether to enable a user."""
        return self._ask(visit, ENABLE_USER, "enable")

    def enable(self, visit: Visit) -> Reply:
        """POST that a user is enabled."""
        return self._turn(visit, disabled=False)

    def show_delete(self, visit: Visit) -> Reply:
        """GET the question whether to delete a user."""
        return self._ask(visit, DELETE_USER, "delete")

    def delete(self, visit: Visit) -> Reply:
        """POST that a user is deleted, with the name typed."""
        user = self._get(visit)
        if faults := DELETE_USER.faults(visit, user.username):
            return self._ask(visit, DELETE_USER, "delete", *faults)
        try:
            self._users.delete_user(visit.origin, user.username)
        except Invalid as refusal:
            return self._ask(visit, DELETE_USER, "delete", *refusal.faults)
        return Redirect(USERS.path, flash="user-deleted")

    def _turn(self, visit: Visit, *, disabled: bool) -> Reply:
        username = visit.path["username"]
        try:
            self._users.set_disabled(visit.origin, username, disabled=disabled)
        except Invalid as refusal:
            return self._ask(visit, DISABLE_USER, "disable", *refusal.faults)
        return Redirect(path_of(username), flash="user-disabled" if disabled else "user-enabled")

    def _show_link(self, visit: Visit, username: str, request: KeyedRequest | None = None) -> Reply:
        try:
            secret = self._links.invite(visit.origin, username, request)
        except Invalid as refusal:
            return self._ask(visit, INVITE_USER, "link", *(Fault(fault.reason) for fault in faults_of(refusal)))
        link = link_address(self._public_url, secret)
        return show_admin(
            USERS, "link", name=username, back=path_of(username), link=link, minutes=LIFETIME.total_seconds() // 60
        )

    def _ask(self, visit: Visit, question: Question, action: str, *faults: Fault) -> Reply:
        require_recent(visit)
        own = path_of(self._get(visit).username)
        return show_question(USERS, question, visit.path["username"], action=f"{own}/{action}", back=own, faults=faults)

    def _get(self, visit: Visit) -> User:
        return self._users.get_user(visit.signed_in.actor, visit.path["username"])


def path_of(username: str) -> str:
    """The page of a user."""
    return f"{USERS.path}/{quote(username, safe='')}"


def _read_user(form: Form) -> tuple[str, str]:
    """The name and the address of a user."""
    return form.get("username").strip(), form.get("email").strip()


def _may_enter(user: User) -> bool:
    """Whether it is a question for a user if it may enter child accounts."""
    return user.type is UserType.PARENT and not user.service


def _show_new(faults: tuple[Fault, ...] = (), **values: object) -> Reply:
    status = 400 if faults else 200
    return show_admin(USERS, "new_user", status, faults=faults, languages=name_languages(), **values)


def _show_change(user: User, faults: tuple[Fault, ...] = (), **values: object) -> Reply:
    own = path_of(user.username)
    return show_admin(
        USERS,
        "change_user",
        400 if faults else 200,
        faults=faults,
        user=user,
        action=f"{own}/change",
        back=own,
        **values,
    )
