"""All tokens of an account at a glance: how many there are, and what became of them day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tokenry.domain.overview import Day, Gauge
from tokenry.domain.usage import Result
from tokenry.pages.console.admin.places import ALL_TOKENS, OVERVIEW
from tokenry.pages.console.admin.shown import show_admin
from tokenry.pages.visits import Reply, Visit
from tokenry.service.installation import Installation

WIDTH, HEIGHT = 900, 120
"""Of a picture, in its own units: it is as wide as its place."""
_GAP = 0.2
"""Between two bars, as a part of a day's width."""
_VISIBLE = 2
"""The least height of a bar that stands for something."""
LIVE, ACCEPTED = "Live tokens", "Accepted"
UNKNOWN = "No token of anybody, in all accounts"
GAUGES = {
    Gauge.LIVE: (LIVE, ALL_TOKENS.path),
    Gauge.EXPIRING: ("Expire within 30 days", f"{ALL_TOKENS.path}?show=expiring"),
    Gauge.ENDLESS: ("Never expire", f"{ALL_TOKENS.path}?show=never"),
    Gauge.ALL_SCOPES: ("May do everything", f"{ALL_TOKENS.path}?show=everything"),
    Gauge.UNUSED: ("Unused for 90 days", f"{ALL_TOKENS.path}?show=unused"),
}
"""What is counted of tokens: what it is called, and the list behind it."""
REFUSALS = {
    Result.EXPIRED: "Refused: expired",
    Result.DISABLED: "Refused: disabled",
    Result.PENDING: "Refused: not yet valid",
    Result.USER: "Refused: the user is disabled",
    Result.ADDRESS: "Refused: from another network",
    Result.AUDIENCE: "Refused: meant for others",
    Result.PROOF: "Refused: without a proof of its key",
    Result.SCOPES: "Refused: may not do it",
    Result.LIMIT: "Refused: too often",
}
"""Why a token is refused, in words."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A number for each day, drawn as bars: what it is called, the numbers, and the bars as the path of an SVG."""

    title: str
    numbers: Sequence[int]
    bars: str

    @classmethod
    def of(cls, title: str, numbers: Sequence[int]) -> "Picture":
        """Draw one."""
        return cls(title, numbers, draw_bars(numbers))

    @property
    def most(self) -> int:
        """The highest."""
        return max(self.numbers, default=0)

    @property
    def total(self) -> int:
        """All together."""
        return sum(self.numbers)


class OverviewPages:
    """`/console/admin`."""

    def __init__(self, installation: Installation) -> None:
        self._overviews = installation.overviews

    def show(self, visit: Visit) -> Reply:
        """GET all at a glance."""
        overview = self._overviews.get_overview(visit.signed_in.actor)
        return show_admin(
            OVERVIEW,
            "overview",
            gauges=GAUGES,
            tokens=overview.tokens,
            days=_days(overview.days),
            live=Picture.of(LIVE, [day.live for day in overview.days]),
            pictures=draw_results(overview.days),
            width=WIDTH,
            height=HEIGHT,
        )


def draw_results(days: Sequence[Day]) -> Sequence[Picture]:
    """What became of tokens, day by day: each that there was at all, what was accepted before all others."""
    found = [Picture.of(ACCEPTED, [day.results.get(Result.ACCEPTED, 0) for day in days])]
    refused = [
        Picture.of(title, [day.results.get(result, 0) for day in days])
        for result, title in REFUSALS.items()
        if any(result in day.results for day in days)
    ]
    unknown = Picture.of(UNKNOWN, [day.unknown for day in days])
    return [*found, *refused, *([unknown] if unknown.total else [])]


def draw_bars(numbers: Sequence[int]) -> str:
    """Draw a bar for each number that is not 0; the highest fills the picture."""
    most = max(numbers, default=0)
    step = WIDTH / max(1, len(numbers))
    bars = ((index * step, max(_VISIBLE, HEIGHT * number / most)) for index, number in enumerate(numbers) if number)
    wide = step * (1 - _GAP)
    return "".join(f"M{left:.1f} {HEIGHT}v-{tall:.1f}h{wide:.1f}v{tall:.1f}z" for left, tall in bars)


def _days(days: Sequence[Day]) -> Sequence[date]:
    return [day.day for day in days]
