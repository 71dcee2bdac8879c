"""One's own tokens: the list."""

from tokenry.domain.details import NOT_ENDED
from tokenry.domain.filters import Filter
from tokenry.domain.paging import PageRequest
from tokenry.pages.console.shown import show_in
from tokenry.pages.navigation import TOKENS
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation


class TokenPages:
    """`/console`."""

    def __init__(self, installation: Installation) -> None:
        self._details = installation.details

    def show_list(self, visit: Visit) -> Reply:
        """GET one's tokens."""
        user, newest = visit.signed_in.user, Filter(descending=True)
        page = self._details.list_details(user.id, PageRequest(), newest, NOT_ENDED)
        return show_in(TOKENS, "tokens", tokens=page.rows)
