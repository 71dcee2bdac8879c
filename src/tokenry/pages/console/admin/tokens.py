"""The tokens of all users of an account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from tokenry.domain.accounts import Actor
from tokenry.domain.details import Details, Reason, Selection
from tokenry.domain.errors import NotFound, Unauthorized
from tokenry.domain.filters import All, Any, Comparison, Condition, Filter, Operator
from tokenry.domain.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_SIZE_MIN, PageRequest
from tokenry.domain.texts import is_storable
from tokenry.domain.tokens import NEVER
from tokenry.moments import write_moment
from tokenry.pages.console.activity import RESULTS, draw_counts
from tokenry.pages.console.admin.places import ALL_TOKENS
from tokenry.pages.console.admin.questions import DISABLE_TOKENS, ENABLE_TOKENS, REVOKE_TOKENS, Question
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.console.lists import Asked
from tokenry.pages.console.token_lists import CHOICES as OWN_CHOICES
from tokenry.pages.console.token_lists import FIELDS, select_tokens
from tokenry.pages.cookies import SESSION
from tokenry.pages.happenings import REASONS
from tokenry.pages.visits import Download, Redirect, Reply, Visit, read_id
from tokenry.pages.wording import in_words, list_permissions
from tokenry.service.installation import Installation
from tokenry.service.inventory import Inventory
from tokenry.web.rows import Row, write_csv

CHOSEN = f"{ALL_TOKENS.path}/chosen"
NEVER_EXPIRES: Condition = Comparison("expiry", Operator.EQUAL, NEVER)
MAY_EVERYTHING: Condition = Comparison("scopes", Operator.EQUAL, "*")
_FURTHER = {"never": NEVER_EXPIRES, "everything": MAY_EVERYTHING}
CHOICES: Mapping[str, str] = {**OWN_CHOICES, "never": "Never expire", "everything": "May do everything"}
"""What can be asked to be shown, by its name in the address, and what it is called."""
ACTIONS: Mapping[str, Question] = {"revoke": REVOKE_TOKENS, "disable": DISABLE_TOKENS, "enable": ENABLE_TOKENS}
"""What can be done with several tokens together."""
COLUMNS = (
    "id",
    "username",
    "label",
    "scopes",
    "token",
    "state",
    "created",
    "created_by",
    "expiry",
    "last_used",
    "last_used_address",
    "last_used_agent",
    "revoked",
    "revoked_by",
    "revoked_reason",
    "disabled_by",
    "not_before",
    "description",
)
"""Those of a file, called as the API calls them."""


@dataclass(frozen=True)
class AskedOfAll(Asked):
    """What somebody asked this list for: those of one `user`, if that is said."""

    user: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether it is asked for less than it would show by itself."""
        return bool(self.search or self.show or self.user)

    @property
    def address(self) -> str:
        """The address of this list."""
        own = Asked(self.path, self.search, self.show, self.sort, self.page).address
        return f"{own}{'&' if '?' in own else '?'}{urlencode({'user': self.user})}" if self.user else own

    @property
    def file(self) -> str:
        """The address of the same as a file."""
        return replace(self, path=f"{ALL_TOKENS.path}.csv", page=1).address


class AllTokensPages:
    """`/console/admin/tokens`, the same as a file, and what is below it."""

    def __init__(self, installation: Installation) -> None:
        self._inventory = installation.inventory
        self._sessions = installation.sessions
        self._audit = installation.audit
        self._activity = installation.activity
        self._catalogue = installation.catalogue
        self._in_words = in_words(installation.catalogue)

    def show_list(self, visit: Visit) -> Reply:
        """GET the tokens of all users, or of one."""
        asked = read_asked(visit)
        filter, selection = select_all(asked, visit)
        page = self._inventory.list_tokens(visit.signed_in.actor, asked.request, filter, selection, asked.user or None)
        return show_admin(ALL_TOKENS, "tokens", asked=asked, choices=CHOICES, page=page, in_words=self._in_words)

    def export(self, visit: Visit) -> Reply:
        """GET all that a list is of, as CSV, by id."""
        return Download("tokens.csv", "text/csv; charset=utf-8", write_csv(COLUMNS, self._read_all(visit)))

    def show_one(self, visit: Visit) -> Reply:
        """GET everything known of a token, and what was done to it lately."""
        number = visit.path_id("token_id")
        details = get_token(self._inventory, visit.signed_in.actor, number)
        own = Filter(Comparison("subject", Operator.EQUAL, f"token:{number}"))
        events = self._audit.list_events(visit.signed_in.actor, PageRequest(size=PAGE_SIZE_MIN), own).rows
        return show_admin(
            ALL_TOKENS,
            "token",
            details=details,
            permissions=list_permissions(details.token.scopes, self._catalogue),
            events=events,
            drawn=draw_counts(self._activity.list_counts(visit.signed_in.actor, number), visit.now),
            words=RESULTS,
            reasons=REASONS,
        )

    def show_chosen(self, visit: Visit) -> Reply:
        """GET the question whether to do something with the tokens that the address names."""
        question = ACTIONS.get(visit.query.get("do"))
        found = self._find(visit, _read_ids(visit.query.all("id")))
        if question is None or not found:
            return Redirect(ALL_TOKENS.path, flash="nothing-chosen")
        return show_admin(
            ALL_TOKENS, "chosen", question=question, do=visit.query.get("do"), found=found, reasons=REASONS
        )

    def change_chosen(self, visit: Visit) -> Reply:
        """POST that it is done, to all of them or none."""
        do, ids = visit.form.get("do"), _read_ids(visit.form.all("id"))
        if do not in ACTIONS or not ids:
            return Redirect(ALL_TOKENS.path, flash="nothing-chosen")
        if do == "revoke":
            reason = visit.form.get("reason")
            known = Reason(reason) if reason in set(Reason) else None
            self._inventory.revoke_tokens(replace(visit.origin, reason=known), ids)
            return Redirect(_back(ids), flash="tokens-revoked")
        self._inventory.turn_tokens(visit.origin, ids, disabled=do == "disable")
        return Redirect(_back(ids), flash="tokens-disabled" if do == "disable" else "tokens-enabled")

    def _find(self, visit: Visit, ids: Sequence[int]) -> Sequence[Details]:
        """Those of some tokens that are of the account."""
        return find_tokens(self._inventory, visit.signed_in.actor, ids)

    def _read_all(self, visit: Visit) -> Iterator[Sequence[Row]]:
        """Read all tokens that a list is of, in pieces, until the session ends."""
        asked, last = read_asked(visit), 0
        filter, selection = select_all(asked, visit)
        while True:
            if self._sessions.find_session(visit.cookies[SESSION]) is None:
                raise Unauthorized
            after = Comparison("id", Operator.GREATER, last)
            piece = Filter(All((filter.condition, after)), order_by="id")
            rows = self._inventory.list_tokens(
                visit.signed_in.actor, PageRequest(size=PAGE_SIZE_MAX), piece, selection, asked.user or None
            ).rows
            if not rows:
                return
            yield [_write(each) for each in rows]
            last = rows[-1].token.id


def find_tokens(inventory: Inventory, actor: Actor, ids: Sequence[int]) -> Sequence[Details]:
    """Find those of some tokens that are of an administrator's account. Raises Forbidden."""
    if not ids:
        return ()
    those = Filter(Any(tuple(Comparison("id", Operator.EQUAL, number) for number in ids)), order_by="id")
    return inventory.list_tokens(actor, PageRequest(), those, Selection(None)).rows


def get_token(inventory: Inventory, actor: Actor, token_id: int) -> Details:
    """Read a token of an administrator's account. Raises Forbidden, NotFound."""
    found = find_tokens(inventory, actor, [token_id])
    if not found:
        raise NotFound
    return found[0]


def read_asked(visit: Visit) -> AskedOfAll:
    """Read the address of a list, or of its file."""
    asked = AskedOfAll.read(visit, ALL_TOKENS.path, fields=FIELDS | {"username"}, choices=CHOICES)
    user = visit.query.get("user").strip()
    return replace(asked, user=user if is_storable(user) else "")


def select_all(asked: AskedOfAll, visit: Visit) -> tuple[Filter, Selection]:
    """What the tokens have to be asked for to show this."""
    further = _FURTHER.get(asked.show)
    filter, selection = select_tokens(asked if further is None else replace(asked, show=""), visit.now)
    return filter if further is None else replace(filter, condition=All((filter.condition, further))), selection


def _read_ids(texts: Sequence[str]) -> Sequence[int]:
    """The ids among these, each once; no more than a list shows."""
    numbers = (read_id(text) for text in texts)
    return list(dict.fromkeys(number for number in numbers if number is not None))[:PAGE_SIZE_DEFAULT]


def _back(ids: Sequence[int]) -> str:
    return f"{ALL_TOKENS.path}/{ids[0]}" if len(ids) == 1 else ALL_TOKENS.path


def _write(details: Details) -> Row:
    token, use, revocation = details.token, details.last_use, details.revocation
    return {
        "id": token.id,
        "username": details.username,
        "label": token.label,
        "scopes": str(token.scopes),
        "token": token.preview,
        "state": details.state.value,
        "created": write_moment(token.created),
        "created_by": details.created_by,
        "expiry": write_moment(token.expiry),
        "last_used": None if use is None else write_moment(use.at),
        "last_used_address": None if use is None else use.address,
        "last_used_agent": None if use is None else use.agent,
        "revoked": None if revocation is None else write_moment(revocation.at),
        "revoked_by": None if revocation is None else revocation.by,
        "revoked_reason": None if revocation is None else revocation.reason,
        "disabled_by": None if details.disabled is None else details.disabled.by,
        "not_before": None if details.not_before is None else write_moment(details.not_before),
        "description": details.description,
    }
