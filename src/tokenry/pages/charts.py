"""Pictures of numbers by day, drawn as SVG without a script; the numbers themselves stand in a table beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

ACCEPTED, LIVE, REFUSED = "accepted", "live", "refused"
"""How pieces are coloured: what is neither of the first two is refused, since colours would not tell reasons apart."""
WIDTH, HEIGHT = 720, 160
"""Of the drawing, in its own units: it is as wide as there is room."""
GAP = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a column: where it is, how high, and its colour, as the style calls it."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns by day, each of one piece for each kind, one upon the other. `rows` are the days that have numbers."""

    kinds: Sequence[str]
    rows: Sequence[tuple[date, Sequence[int]]]
    bars: Sequence[Bar]
    first: date
    last: date
    most: int
    total: int

    @property
    def colours(self) -> Sequence[str]:
        """Those that there are, each once."""
        return list(dict.fromkeys(map(_colour, self.kinds)))


def draw_days(days: Sequence[date], kinds: Sequence[str], numbers: Mapping[tuple[date, str], int]) -> Chart:
    """Draw numbers of some days in their order, the oldest first; a number that is not there is none."""
    columns = {day: [numbers.get((day, kind), 0) for kind in kinds] for day in days}
    most = max(map(sum, columns.values()), default=0)
    width = WIDTH / max(len(days), 1)
    bars = [
        bar for place, day in enumerate(days) for bar in _draw_column(columns[day], kinds, place * width, width, most)
    ]
    rows = [(day, column) for day, column in columns.items() if any(column)]
    return Chart(kinds, rows, bars, days[0], days[-1], most, sum(map(sum, columns.values())))


def _draw_column(column: Sequence[int], kinds: Sequence[str], x: float, width: float, most: int) -> Sequence[Bar]:
    bars, top = [], float(HEIGHT)
    for kind, number in zip(kinds, column, strict=True):
        if number:
            height = max(1.0, HEIGHT * number / most)  # whatever there was can be seen
            top = max(0.0, top - height)
            bars.append(Bar(round(x, 1), round(top, 1), round(width - GAP, 1), round(height, 1), _colour(kind)))
    return bars


def _colour(kind: str) -> str:
    return kind if kind in {ACCEPTED, LIVE} else REFUSED
