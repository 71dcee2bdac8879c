"""Tables, drawn by rich: it knows the terminal's width, and obeys NO_COLOR, FORCE_COLOR, TERM and COLUMNS.

It costs 30 ms to import, and most output goes elsewhere: so only when something is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import IO, Literal

WIDTH_MIN = 20
COLUMN_WIDTH_MIN = 7
"""With what is around it. In less, rich leaves out whole columns."""
GAP = 2
"""Blanks between columns."""
FOLDED_WIDTH_MIN = 24
"""What is wider can be folded to this, and be read."""


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    to: IO[str],
    *,
    headers: bool = True,
    spare: Sequence[str] = (),
) -> Sequence[str]:
    """Print rows below their column names. What is too wide is folded.

    Where that would be hard to read, columns that are `spare` are left out, the first of these first; which they are.
    """
    left_out = _find_left_out(columns, rows, spare) if spare else ()
    if left_out:
        kept = [index for index, name in enumerate(columns) if name not in left_out]
        columns, *rows = [[cells[index] for index in kept] for cells in (columns, *rows)]
    _draw(columns, rows, to, headers=headers)
    return left_out


def _find_left_out(columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> Sequence[str]:
    room = get_terminal_size().columns + GAP
    widths = {cells[0]: min(FOLDED_WIDTH_MIN, max(map(len, cells))) + GAP for cells in zip(columns, *rows, strict=True)}
    needed, left_out = sum(widths.values()), list[str]()
    for name in spare:
        if needed <= room:
            break
        needed -= widths[name]
        left_out.append(name)
    return left_out


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]], to: IO[str], *, headers: bool) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = max(map(len, (columns, *rows)))
    heads = [Column(Text(name), overflow="fold") for name in (*columns, *[""] * (cells - len(columns)))]
    table = Table(*heads, box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=headers, header_style="bold")
    for row in rows:
        table.add_row(*map(Text, row))
    width, height = get_terminal_size()  # rich takes its own to be 80 with TERM=dumb, whatever COLUMNS says
    Console(file=to, width=_wide_enough(width, cells), height=height).print(table)


@dataclass(frozen=True, slots=True)
class Boxed:
    """How linode-cli draws a table: `box` is the name of one of rich's."""

    box: str
    headers: bool = True
    fold: bool = False
    width: int | None = None

    def print(self, columns: Sequence[str], rows: Sequence[Sequence[str]], to: IO[str], title: str | None) -> None:
        """Print rows in a box. What is too wide is cut, unless it is to be folded."""
        from rich import box  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Column, Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        overflow: Literal["fold", "ellipsis"] = "fold" if self.fold else "ellipsis"
        table = Table(
            *(Column(name, overflow=overflow, max_width=self.width) for name in columns),
            header_style="bold",
            box=getattr(box, self.box),
            show_header=self.headers,
            title_justify="left",
            show_lines=True,
        )
        for row in rows:
            table.add_row(*map(Text, row))
        if title is not None:
            table.title = title
            table.min_width = self.width or len(title)
        console = Console(file=to)
        if self.fold:
            console.width = _wide_enough(console.width, len(columns))
        console.print(table)


def _wide_enough(width: int, columns: int) -> int:
    """How wide to draw what may not be cut: on a terminal too narrow to fold it, the terminal folds it."""
    return max(width, WIDTH_MIN, columns * COLUMN_WIDTH_MIN)
