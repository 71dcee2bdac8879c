"""One's own tokens: the list."""

from dataclasses import replace

from tokenry.pages.console.lists import Asked
from tokenry.pages.console.shown import show_in
from tokenry.pages.console.token_lists import CHOICES, FIELDS, select_tokens
from tokenry.pages.navigation import TOKENS
from tokenry.pages.paths import CONSOLE
from tokenry.pages.visits import Reply, Visit
from tokenry.pages.wording import in_words
from tokenry.service.installation import Installation


class TokenPages:
    """`/console`."""

    def __init__(self, installation: Installation) -> None:
        self._details = installation.details
        self._notices = installation.notices
        self._public_url = installation.public_url
        self._in_words = in_words(installation.catalogue)
        self._example_scope = installation.catalogue.scopes[0]

    def show_list(self, visit: Visit) -> Reply:
        """GET one's tokens."""
        asked = Asked.read(visit, CONSOLE, fields=FIELDS, choices=CHOICES)
        filter, selection = select_tokens(asked, visit.now)
        page = self._details.list_details(visit.signed_in.user.id, asked.request, filter, selection)
        shown = show_in(
            TOKENS,
            "tokens",
            asked=asked,
            choices=CHOICES,
            page=page,
            notices=self._notices.list_notices(visit.signed_in.actor),
            in_words=self._in_words,
            example_scope=self._example_scope,
            proxy=visit.signed_in.user.proxy,
            public_url=self._public_url,
        )
        return replace(shown, script=None)  # which does nothing for a list
