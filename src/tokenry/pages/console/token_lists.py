"""Which tokens a list of the console can show, and what is asked of the tokens for that."""

from collections.abc import Mapping
from datetime import datetime

from tokenry.domain.details import NOT_ENDED, Selection, Several, State
from tokenry.domain.filters import All, Comparison, Condition, Filter, Operator
from tokenry.domain.overview import EXPIRING_SOON, LONG_UNUSED
from tokenry.pages.console.lists import Asked, matching

CHOICES: Mapping[str, str] = {
    "": "All but those that ended",
    "active": "Active",
    "expiring": "Expiring within 30 days",
    "unused": "Unused for 90 days",
    "disabled": "Disabled",
    "pending": "Not yet valid",
    "expired": "Expired",
    "revoked": "Revoked",
    "all": "All",
}
"""What can be asked to be shown, by its name in the address, and what it is called."""
FIELDS = frozenset({"label", "created", "last_used", "expiry"})
"""What can be sorted by."""


def select_tokens(asked: Asked, now: datetime) -> tuple[Filter, Selection]:
    """What a list of tokens has to be asked for to show this.

    One that was never used counts as unused since it was made.
    """
    conditions: list[Condition] = []
    match asked.show:
        case "":
            selection = NOT_ENDED
        case "all":
            selection = Selection(None)
        case "expiring":
            selection = Selection(Several.NOT_ENDED, expires_before=now + EXPIRING_SOON)
        case "unused":
            selection = Selection(Several.NOT_ENDED, last_used_before=now - LONG_UNUSED)
            conditions.append(Comparison("created", Operator.LESS, now - LONG_UNUSED))
        case state:
            selection = Selection(State(state))
    if asked.search:
        conditions.append(matching(asked.search, within=("label",), equal=("preview",)))
    return Filter(All(tuple(conditions)), asked.order_by, asked.descending), selection
