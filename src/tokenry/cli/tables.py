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


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], to: IO[str], *, headers: bool = True) -> None:
    """Print rows below their column names. What is too wide is folded: nothing is left out."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = max(map(len, (columns, *rows)))
    heads = [Column(Text(name), overflow="fold") for name in (*columns, *[""] * (cells - len(columns)))]
    table = Table(*heads, box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=headers, header_style="bold")
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
