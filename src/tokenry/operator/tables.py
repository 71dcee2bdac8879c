"""Rows as the commands for users print them: drawn on a terminal, tab-separated elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from tokenry.cli.output import Output, Printer, write_time
from tokenry.domain.tokens import NEVER


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their column names."""
    printer = Printer(Output(), columns)
    printer.write(dict(zip(columns, map(_value, row), strict=True)) for row in rows)


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return "never" if value >= NEVER else write_time(value)
    return value
