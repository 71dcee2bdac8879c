"""Which tokens a list of the console can show, and what is asked of the tokens for that."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tokenry.domain.details import NOT_ENDED, Selection, Several, State
from tokenry.domain.filters import All, Any, Comparison, Condition, Filter, Operator
from tokenry.domain.texts import is_storable
from tokenry.pages.console.lists import Asked

EXPIRING_SOON = timedelta(days=30)
LONG_UNUSED = timedelta(days=90)
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
            selection = Selection(State.ACTIVE, last_used_before=now - LONG_UNUSED)
            conditions.append(Comparison("created", Operator.LESS, now - LONG_UNUSED))
        case state:
            selection = Selection(State(state))
    if asked.search:
        conditions.append(_matching(asked.search))
    # Ids are given in the order in which tokens are made, and every index has them.
    order_by = None if asked.field == "created" else asked.field
    return Filter(All(tuple(conditions)), order_by, asked.descending), selection


def _matching(text: str) -> Condition:
    """What has the text in its label, or is shown by it. What no database can store is nowhere."""
    if not is_storable(text):
        return Comparison("id", Operator.LESS, 0)
    return Any((Comparison("label", Operator.CONTAINS, text), Comparison("preview", Operator.EQUAL, text)))
