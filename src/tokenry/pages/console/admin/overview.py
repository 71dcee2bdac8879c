"""All tokens of an account at a glance: how many there are, and what became of them day by day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from tokenry.domain.overview import Day, Gauge
from tokenry.domain.paging import PageRequest
from tokenry.domain.usage import date_of, last_days
from tokenry.pages.charts import LIVE, Chart, draw_days
from tokenry.pages.console.activity import RESULTS
from tokenry.pages.console.admin.places import ALL_TOKENS, OVERVIEW
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation

NOBODYS = "nobody's"
GAUGES = {
    Gauge.LIVE: ("Live tokens", ALL_TOKENS.path),
    Gauge.EXPIRING: ("Expire within 30 days", f"{ALL_TOKENS.path}?show=expiring"),
    Gauge.ENDLESS: ("Never expire", f"{ALL_TOKENS.path}?show=never"),
    Gauge.ALL_SCOPES: ("May do everything", f"{ALL_TOKENS.path}?show=everything"),
    Gauge.UNUSED: ("Unused for 90 days", f"{ALL_TOKENS.path}?show=unused"),
}
"""What is counted of tokens: what it is called, and the list behind it."""
WORDS: Mapping[str, str] = {LIVE: "Live", **RESULTS, NOBODYS: "refused: no token of anybody, in all accounts"}


class OverviewPages:
    """`/console/admin`."""

    def __init__(self, installation: Installation) -> None:
        self._overviews = installation.overviews
        self._webhooks = installation.webhooks

    def show(self, visit: Visit) -> Reply:
        """GET all at a glance."""
        overview = self._overviews.get_overview(visit.signed_in.actor)
        live, results = draw_overview(overview.days, visit.now)
        webhooks = self._webhooks.list_webhooks(visit.signed_in.actor, PageRequest()).rows
        return show_admin(
            OVERVIEW,
            "overview",
            gauges=GAUGES,
            tokens=overview.tokens,
            live=live,
            results=results,
            words=WORDS,
            webhooks=[webhook for webhook in webhooks if webhook.disabled_for],
        )


def draw_overview(days: Sequence[Day], now: datetime) -> tuple[Chart, Chart]:
    """Draw how many tokens there were on each of the last days, and what became of those that were presented."""
    shown = [date_of(day) for day in last_days(now)]
    numbers: dict[tuple[date, str], int] = {
        (day.day, result.value): number for day in days for result, number in day.results.items()
    }
    numbers |= {(day.day, NOBODYS): day.unknown for day in days if day.unknown}
    kinds = [kind for kind in WORDS if any(kind == counted for _, counted in numbers)]
    return draw_days(shown, [LIVE], {(day.day, LIVE): day.live for day in days}), draw_days(shown, kinds, numbers)
