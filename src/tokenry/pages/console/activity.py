"""What was done to oneself and one's tokens, and what became of each where it was presented, day by day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial

from tokenry.domain.usage import DayCount, Result, date_of, last_days
from tokenry.pages.charts import Chart, draw_days
from tokenry.pages.console.events import Wanted, show_events, write_file
from tokenry.pages.console.shown import show_in
from tokenry.pages.navigation import ACTIVITY, TOKENS
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation

RESULTS: Mapping[str, str] = {
    Result.ACCEPTED: "Accepted",
    Result.DISABLED: "Refused: disabled",
    Result.PENDING: "Refused: not yet valid",
    Result.EXPIRED: "Refused: expired",
    Result.USER: "Refused: its user is disabled",
    Result.ADDRESS: "Refused: from another network",
    Result.AUDIENCE: "Refused: meant for another service",
    Result.PROOF: "Refused: without a proof of its key",
    Result.SCOPES: "Refused: its scopes do not suffice",
    Result.LIMIT: "Refused: too many requests",
    Result.UNKNOWN: "Refused: an old secret",
}
"""What people are told of each, in English."""


class ActivityPages:
    """`/console/activity`, and `/console/tokens/{token_id}/activity`."""

    def __init__(self, installation: Installation) -> None:
        self._audit = installation.audit
        self._activity = installation.activity
        self._details = installation.details

    def show_own(self, visit: Visit) -> Reply:
        """GET what was done to oneself and to one's tokens, the newest first."""
        asked = Wanted.read(visit, ACTIVITY.path)
        page = self._audit.list_own_events(visit.signed_in.actor, asked.request, asked.filter)
        return show_events(partial(show_in, ACTIVITY, "own_events"), asked, page)

    def export(self, visit: Visit) -> Reply:
        """GET all of it as CSV."""
        export = partial(self._audit.export_own_events, visit.signed_in.actor)
        return write_file(Wanted.read(visit, ACTIVITY.path), export)

    def show_token(self, visit: Visit) -> Reply:
        """GET what became of one of one's tokens where it was presented. Raises NotFound."""
        token_id = visit.path_id("token_id")
        details = self._details.get_details(visit.signed_in.user.id, token_id)
        counts = self._activity.list_counts(visit.signed_in.actor, token_id)
        return show_in(TOKENS, "activity", details=details, drawn=draw_counts(counts, visit.now), words=RESULTS)


def draw_counts(counts: Sequence[DayCount], now: datetime) -> Chart:
    """Draw what became of a token, day by day."""
    numbers: dict[tuple[date, str], int] = {(each.day, each.result.value): each.number for each in counts}
    kinds = [kind for kind in RESULTS if any(kind == counted for _, counted in numbers)]
    return draw_days([date_of(day) for day in last_days(now)], kinds, numbers)
