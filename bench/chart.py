"""The figures as a picture: horizontal bars in an SVG that needs nothing else to be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABEL_WIDTH, _BAR_WIDTH_MAX, _ROW_HEIGHT, _HEADING_HEIGHT = 760, 220, 400, 28, 40
_STYLE = "text{font:14px sans-serif;fill:#222}.heading{font-weight:bold}.bar{fill:#4878a8}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure: what it is of, its size, and how it is written."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under one heading, drawn to one scale."""

    heading: str
    bars: Sequence[Bar]


def draw(charts: Sequence[Chart]) -> str:
    """Draw charts below each other, as the text of an SVG file."""
    parts: list[str] = []
    top = 0
    for chart in charts:
        parts += _draw_chart(chart, top)
        top += _HEADING_HEIGHT + _ROW_HEIGHT * len(chart.bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 10}" width="{_WIDTH}">\n'
        f'<style>{_STYLE}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _draw_chart(chart: Chart, top: int) -> list[str]:
    parts = [f'<text class="heading" x="10" y="{top + 26}">{escape(chart.heading)}</text>']
    largest = max((bar.value for bar in chart.bars), default=0) or 1
    for row, bar in enumerate(chart.bars):
        y = top + _HEADING_HEIGHT + row * _ROW_HEIGHT
        width = max(1, round(bar.value / largest * _BAR_WIDTH_MAX))
        parts += [
            f'<text x="{_LABEL_WIDTH - 10}" y="{y + 16}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="bar" x="{_LABEL_WIDTH}" y="{y}" width="{width}" height="{_ROW_HEIGHT - 6}"/>',
            f'<text x="{_LABEL_WIDTH + width + 8}" y="{y + 16}">{escape(bar.text)}</text>',
        ]
    return parts
