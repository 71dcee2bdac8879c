"""Pictures of numbers by day, drawn as SVG without a script; the numbers themselves stand in a table beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

ACCEPTED, LIVE = "accepted", "live"
"""What is drawn plainly, in the colour of what goes well; all else is refused, and has a texture for each reason."""
WIDTH, HEIGHT = 720, 160
"""Of the drawing, in its own units: it is as wide as there is room."""
GAP = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a column: where it is, how high, and of which kind, by its place among the kinds."""

    x: float
    y: float
    width: float
    height: float
    kind: int


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
    def textures(self) -> Sequence[int | None]:
        """How each kind is drawn: plainly if that is None, else by the number of its texture."""
        refused = [kind for kind in self.kinds if kind not in {ACCEPTED, LIVE}]
        return [refused.index(kind) if kind in refused else None for kind in self.kinds]


def draw_days(days: Sequence[date], kinds: Sequence[str], numbers: Mapping[tuple[date, str], int]) -> Chart:
    """Draw numbers of some days in their order, the oldest first; a number that is not there is none."""
    columns = {day: [numbers.get((day, kind), 0) for kind in kinds] for day in days}
    most = max(map(sum, columns.values()), default=0)
    width = WIDTH / max(len(days), 1)
    bars = [bar for place, day in enumerate(days) for bar in _draw_column(columns[day], place * width, width, most)]
    rows = [(day, column) for day, column in columns.items() if any(column)]
    return Chart(kinds, rows, bars, days[0], days[-1], most, sum(map(sum, columns.values())))


def _draw_column(column: Sequence[int], x: float, width: float, most: int) -> Sequence[Bar]:
    bars, top = [], float(HEIGHT)
    for kind, number in enumerate(column):
        if number:
            height = max(1.0, HEIGHT * number / most)  # whatever there was can be seen
            top = max(0.0, top - height)
            bars.append(Bar(round(x, 1), round(top, 1), round(width - GAP, 1), round(height, 1), kind))
    return bars
