"""Ending tokens: one, some, or all. Each is asked for on a page that says what would stop working."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tokenry.domain.details import NOT_ENDED, Details
from tokenry.domain.errors import Fault
from tokenry.domain.filters import EVERY_ROW, Any, Comparison, Filter, Operator
from tokenry.domain.paging import PAGE_SIZE_DEFAULT, PageRequest
from tokenry.pages.console.shown import show_in
from tokenry.pages.console.token import ENDED
from tokenry.pages.navigation import TOKENS
from tokenry.pages.paths import CONSOLE, CONSOLE_TOKENS
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.service.installation import Installation

IN_USE = timedelta(days=7)
"""How lately a token was used of which it has to be typed that it is meant."""
CONFIRMED = "confirmed"
"""The field of a form that comes from the page that asks."""


class EndingPages:
    """`/console/tokens/{token_id}/revoke`, `/console/tokens/revoke` and `/console/tokens/revoke-all`."""

    def __init__(self, installation: Installation) -> None:
        self._tokens = installation.tokens
        self._details = installation.details

    def ask_for_one(self, visit: Visit) -> Reply:
        """GET the question whether to revoke a token."""
        return self._ask_for_one(visit, self._details.get_details(visit.signed_in.user.id, visit.path_id("token_id")))

    def end_one(self, visit: Visit) -> Reply:
        """POST that a token is revoked, with its label if it is in use."""
        details = self._details.get_details(visit.signed_in.user.id, visit.path_id("token_id"))
        token = details.token
        if details.state not in ENDED:
            if has_to_be_typed(details, visit.now) and visit.form.find("label").strip() != token.label.strip():
                return self._ask_for_one(visit, details, Fault("Type the label as it is shown here", "label"))
            self._tokens.revoke_tokens(visit.origin, [token.id])
        return Redirect(CONSOLE, flash="token-revoked")

    def lead_back(self, visit: Visit) -> Reply:
        """GET, of a form that was sent from the list."""
        return Redirect(CONSOLE)

    def end_some(self, visit: Visit) -> Reply:
        """POST which tokens are to be revoked; once more, with their number if some are in use, and they are."""
        ids = {token_id for text in visit.form.all("id") if (token_id := read_id(text)) is not None}
        chosen = self._find(visit, sorted(ids)[:PAGE_SIZE_DEFAULT])
        if not chosen:
            return Redirect(CONSOLE, flash="nothing-chosen")
        typed = any(has_to_be_typed(details, visit.now) for details in chosen)
        if CONFIRMED not in visit.form:
            return _ask_for_some(chosen, typed=typed)
        if typed and visit.form.find("number").strip() != str(len(chosen)):
            return _ask_for_some(chosen, Fault("Type how many there are", "number"), typed=typed)
        self._tokens.revoke_tokens(visit.origin, [details.token.id for details in chosen])
        return Redirect(CONSOLE, flash="tokens-revoked")

    def ask_for_all(self, visit: Visit) -> Reply:
        """GET the question whether to revoke all of one's tokens."""
        require_recent(visit)
        page = self._details.list_details(visit.signed_in.user.id, PageRequest(), EVERY_ROW, NOT_ENDED)
        return show_in(TOKENS, "revoke_all", number=page.results)

    def end_all(self, visit: Visit) -> Reply:
        """POST that all of one's tokens are revoked."""
        require_recent(visit)
        self._tokens.revoke_other_tokens(visit.origin)
        return Redirect(CONSOLE, flash="all-revoked")

    def _ask_for_one(self, visit: Visit, details: Details, *faults: Fault) -> Reply:
        if details.state in ENDED:
            return Redirect(f"{CONSOLE_TOKENS}/{details.token.id}")
        typed = has_to_be_typed(details, visit.now)
        status = 400 if faults else 200
        return show_in(TOKENS, "revoke", status, faults=faults, details=details, token=details.token, typed=typed)

    def _find(self, visit: Visit, ids: Sequence[int]) -> Sequence[Details]:
        """Those of one's tokens with these ids that did not end."""
        these = Filter(Any(tuple(Comparison("id", Operator.EQUAL, token_id) for token_id in ids)))
        if not ids:
            return ()
        return self._details.list_details(visit.signed_in.user.id, PageRequest(), these, NOT_ENDED).rows


def has_to_be_typed(details: Details, now: datetime) -> bool:
    """Whether somebody would be sorry to have revoked this by mistake: it was used lately, or opens everything."""
    use = details.last_use
    return details.token.scopes.everything or (use is not None and now - use.at <= IN_USE)


def _ask_for_some(chosen: Sequence[Details], *faults: Fault, typed: bool) -> Reply:
    return show_in(TOKENS, "revoke_some", 400 if faults else 200, faults=faults, chosen=chosen, typed=typed)
