"""What a page of a product shows its user, beside what it changes: that user's tokens, and what a new one may do."""

from collections.abc import Iterable

from tokenry.api.lists import read_list
from tokenry.api.tokens.details import FILTERABLE
from tokenry.api.tokens.operations import Whose, giver_of
from tokenry.api.wire import write_page, write_time, write_token
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.details import NOT_ENDED, Details
from tokenry.domain.filters import Kind
from tokenry.domain.scopes import Scopes
from tokenry.service.details import TokenDetails
from tokenry.service.policy import Policies
from tokenry.web.requests import Call

SHOWN = {name: kind for name, kind in FILTERABLE.items() if kind is not Kind.METADATA}
"""What rows can be found by: what a page does not see, it must not guess either."""


class PageOperations:
    """What is read below `/tokenry/page`."""

    def __init__(self, details: TokenDetails, policies: Policies, catalogue: Catalogue, whose: Whose) -> None:
        self._details = details
        self._policies = policies
        self._catalogue = catalogue
        self._whose = whose

    def list_tokens(self, call: Call) -> object:
        """GET the tokens that have not ended, each with its last use, and whether it is disabled."""
        request, filter = read_list(call, SHOWN)
        owner_id = self._whose(call).owner_id
        return write_page(self._details.list_details(owner_id, request, filter, NOT_ENDED), write_shown)

    def list_scopes(self, call: Call) -> object:
        """GET the scopes that a new token may have here, with words for people."""
        origin = self._whose(call)
        allowed = self._policies.get_rules(origin.owner_id, giver_id=giver_of(origin)).scopes
        return {
            "data": [
                {
                    "scope": scope,
                    "title": f"{resource.shown}: {action.shown}",
                    "description": action.description or resource.description,
                }
                for resource in self._catalogue.resources
                for general, action in zip(resource.scopes, resource.actions, strict=True)
                for scope in _within(general, allowed)
            ]
        }


def _within(general: str, allowed: Scopes) -> Iterable[str]:
    """Of a scope what is allowed: itself, or some of its instances."""
    if allowed.covers(Scopes.parse(general)):
        return [general]
    return [text for text, name in allowed.names.items() if name.instance and name.general == general]


def write_shown(details: Details) -> dict[str, object]:
    """Write what a page shows of a token."""
    use = details.last_use
    return {
        **write_token(details.token),
        "last_used": None if use is None else write_time(use.at),
        "disabled": details.disabled is not None,
    }
