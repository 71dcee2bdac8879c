"""Rows for people on a terminal, tab-separated elsewhere."""

import sys
from collections.abc import Sequence
from datetime import datetime

from tokenry.domain.tokens import NEVER
from tokenry.moments import write_moment
from tokenry.printable import printable


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their column names: aligned on a terminal, else separated by tabs."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    if not sys.stdout.isatty():
        for line in lines:
            print("\t".join(line))
        return
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return "never" if value >= NEVER else f"{write_moment(value)}Z"
    return printable(str(value))
