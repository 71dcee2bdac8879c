"""The child accounts of a parent account, and how one enters them."""

from urllib.parse import quote

from tokenry.domain.accounts import Account
from tokenry.domain.callers import require_parent
from tokenry.domain.errors import AlreadyMade
from tokenry.pages.console.lists import Asked
from tokenry.pages.console.shown import show_in
from tokenry.pages.navigation import CHILD_ACCOUNTS
from tokenry.pages.once import form_request, tell_made
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation

FIELDS = frozenset({"company"})


class ChildPages:
    """`/console/child-accounts` and what is below it."""

    def __init__(self, installation: Installation) -> None:
        self._children = installation.children

    def show_list(self, visit: Visit) -> Reply:
        """GET the child accounts, those whose name has a text in it, or all."""
        require_parent(visit.signed_in.user)
        asked = Asked.read(visit, CHILD_ACCOUNTS.path, fields=FIELDS, choices=())
        page = self._children.list_children(visit.signed_in.actor, asked.request, asked.filter(within=("company",)))
        return show_in(CHILD_ACCOUNTS, "children", asked=asked, page=page)

    def show_token(self, visit: Visit) -> Reply:
        """GET the question whether to make a token with which one enters."""
        require_recent(visit)
        child = self._get(visit)
        return show_in(
            CHILD_ACCOUNTS,
            "child_question",
            name=child.company,
            action=f"{CHILD_ACCOUNTS.path}/{quote(child.euuid)}/token",
            back=CHILD_ACCOUNTS.path,
        )

    def create_token(self, visit: Visit) -> Reply:
        """POST for a token in a child account, for a quarter of an hour; it is shown in this answer alone."""
        child = self._get(visit)
        try:
            token, secret = self._children.create_token(visit.origin, child.euuid, form_request(visit))
        except AlreadyMade:
            return tell_made(CHILD_ACCOUNTS.path)
        return show_in(CHILD_ACCOUNTS, "child_token", child=child, token=token, secret=secret, back=CHILD_ACCOUNTS.path)

    def _get(self, visit: Visit) -> Account:
        require_parent(visit.signed_in.user)
        return self._children.get_child(visit.signed_in.actor, visit.path["euuid"])
