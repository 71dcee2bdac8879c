"""What a command prints: rows, in one of the forms that `Output` offers."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from itertools import chain, islice
from typing import IO, Annotated, Any

import typer

from tokenry.cli.progress import tracked
from tokenry.cli.running import complain
from tokenry.cli.tables import print_table
from tokenry.moments import write_moment
from tokenry.printable import as_cell, printable

Row = Mapping[str, Any]
"""A value that JSON knows for each column."""

ABSENT = {"events": "all", "expiry": "never", "last_used": "never"}
"""What people read in place of null and of an empty list, by column; a dash elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """In which form, as options. Without one it is a table on a terminal, and lines with tabs elsewhere."""

    json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print a JSON object on each line.")] = False
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as spreadsheets read it.")] = False
    text: Annotated[bool, typer.Option("--text", help="Print tab-separated lines, also on a terminal.")] = False
    delimiter: Annotated[
        str, typer.Option(metavar="TEXT", show_default="a tab", help="With --text: the separator between columns.")
    ] = "\t"
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the column names.")] = False
    format: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", show_default="all", help="Print only these columns, such as id,label."),
    ] = None
    field: Annotated[
        str | None, typer.Option(metavar="COLUMN", show_default="none", help="Print only the values of one column.")
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only what a script needs: ids, or the new secret.")
    ] = False

    def of(
        self,
        columns: Sequence[str],
        *,
        bare: str = "id",
        shown: Sequence[str] | None = None,
        spare: Sequence[str] = (),
    ) -> "Printer":
        """Make ready for rows of these columns. Raises BadParameter.

        Of them `bare` is left with --quiet; `shown`, or else all, where they stand side by side and none is asked for.
        On a terminal that is too narrow for these, the `spare` ones are left out, the first of them first.
        """
        forms = [self.json, self.jsonl, self.csv, self.text, self.field is not None, self.quiet]
        if sum(forms) > 1:
            raise typer.BadParameter("--json, --jsonl, --csv, --text, --field and --quiet exclude each other")
        if self.quiet or self.field is not None:
            column = bare if self.field is None else _find(self.field, columns, "--field")
            return Printer(self, (column,))
        if self.format is None:
            side_by_side = columns if shown is None or self.json or self.jsonl or self.csv else shown
            return Printer(self, side_by_side, spare=spare)
        return Printer(self, [_find(name, columns, "--format") for name in self.format.split(",")])


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints rows in the form that was asked for. What can be printed while rows still come, is."""

    output: Output
    columns: Sequence[str]
    absent: Mapping[str, str] = field(default_factory=lambda: ABSENT)
    spare: Sequence[str] = ()

    def write_one(self, row: Row) -> None:
        """Print a single row: on a terminal, a line for each of its values."""
        if self.is_table:
            lines = [(column, self._cell(column, row[column])) for column in self.columns]
            print_table((), lines, sys.stdout, headers=False)
        else:
            self.write([row])

    def write(self, rows: Iterable[Row]) -> None:
        """Print rows."""
        chosen = ({column: row[column] for column in self.columns} for row in rows)
        output = self.output
        if output.json:
            print(json.dumps(list(chosen)))
        elif output.jsonl:
            for row in chosen:
                print(json.dumps(row))
        elif output.csv:
            self._write_csv(chosen)
        elif self.is_table:
            self.draw(chosen, sys.stdout)
        else:
            self._write_lines(chosen)

    def write_list(self, rows: Iterator[Row], limit: int | None, *, otherwise: int | None = None) -> None:
        """Print rows, and meanwhile how many there are by now; at most `limit`.

        Without a limit all of them, as CSV, or else as many as `otherwise` says; then also say if there are more.
        """
        most = otherwise if limit is None and not self.output.csv else limit
        shown = self.is_table or not sys.stdout.isatty()
        self.write(tracked(islice(rows, most), "Listing", shown=shown))
        if limit is None and most is not None and next(rows, None) is not None:
            complain(f"There are more than {most}: --limit shows more of them, and --csv all.")

    def draw(self, rows: Iterable[Row], to: IO[str]) -> None:
        """Print rows as a table."""
        cells = [[self._cell(column, row[column]) for column in self.columns] for row in rows]
        left_out = print_table(self.columns, cells, to, headers=not self.output.no_headers, spare=self.spare)
        if left_out:
            complain(f"There is no room for {', '.join(left_out)}: --format or --json shows all.")

    @property
    def is_table(self) -> bool:
        """Whether rows are drawn, which waits for the last one."""
        forms = (self.output.json, self.output.jsonl, self.output.csv, self.output.text)
        return sys.stdout.isatty() and not (self._is_bare or any(forms))

    @property
    def _is_bare(self) -> bool:
        return self.output.quiet or self.output.field is not None

    def _cell(self, column: str, value: Any) -> str:
        """A value for people: in one line, and without what a terminal would obey."""
        if value is None:
            return self.absent.get(column, "-")
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dict):
            return printable(json.dumps(value, ensure_ascii=False)) if value else "-"
        return printable(" ".join(value) or self.absent.get(column, "-") if isinstance(value, list) else str(value))

    def _write_csv(self, rows: Iterable[Row]) -> None:
        from csv import writer  # noqa: PLC0415 - few commands need it

        lines = writer(sys.stdout, lineterminator="\n")
        lines.writerows(self._lines([_csv_cell(value) for value in row.values()] for row in rows))

    def _write_lines(self, rows: Iterable[Row]) -> None:
        for line in self._lines([self._cell(column, value) for column, value in row.items()] for row in rows):
            print(self.output.delimiter.join(line))

    def _lines(self, lines: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
        headers = [] if self._is_bare or self.output.no_headers else [self.columns]
        first = list(islice(lines, 1))  # before the headers: while it is fetched, something may go wrong
        return chain(headers, first, lines)


def _csv_cell(value: Any) -> str:
    """A value as the service's own files have it. What a spreadsheet takes for a formula has a quote in front."""
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else value if isinstance(value, str) else json.dumps(value)
    return printable(as_cell(text))


def write_time(moment: datetime | None) -> str | None:
    """A time in UTC as rows have it."""
    return None if moment is None else f"{write_moment(moment)}Z"


def _find(name: str, columns: Sequence[str], option: str) -> str:
    if name in columns:
        return name
    near = get_close_matches(name, columns, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(columns)}"
    raise typer.BadParameter(f"there is no column {printable(name)}: {hint}", param_hint=option)
