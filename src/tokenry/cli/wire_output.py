"""Rows of tokens in the forms of linode-cli: as it draws, separates and orders them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO, Annotated, Any

import typer

from tokenry.cli.tables import Boxed
from tokenry.printable import printable

ALL_COLUMNS = ("created", "expiry", "id", "label", "scopes", "token")
WIDTH_MAX = 10_000
COLUMNS = ("id", "label", "scopes", "created", "token", "expiry")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireOutput:
    """In which form, as linode-cli's options: a drawn table unless another is named, wherever it goes."""

    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
    pretty: Annotated[bool, typer.Option("--pretty", help="Print indented JSON.")] = False
    text: Annotated[bool, typer.Option("--text", help="Print lines with a delimiter.")] = False
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False
    ascii_table: Annotated[bool, typer.Option("--ascii-table", help="Print an ASCII table.")] = False
    delimiter: Annotated[str, typer.Option(metavar="DELIMITER", show_default="a tab", help="With --text.")] = "\t"
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the column names.")] = False
    format: Annotated[
        str | None, typer.Option(metavar="FORMAT", show_default=False, help="The columns, separated by commas.")
    ] = None
    all_columns: Annotated[bool, typer.Option("--all-columns", help="All columns.")] = False
    no_truncation: Annotated[bool, typer.Option("--no-truncation", help="Fold what is too wide.")] = False
    column_width: Annotated[
        int | None, typer.Option(min=1, max=WIDTH_MAX, show_default=False, help="How wide a column may be.")
    ] = None

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Print rows. What is too wide for a drawn table is cut, unless it is to be folded."""
        columns = self._columns()
        if self._is_json:
            self._write_json([{name: row[name] for name in row if name in columns} for row in rows], sys.stdout)
        else:
            cells = [["" if row[name] is None else printable(str(row[name])) for name in columns] for row in rows]
            self._write(columns, cells, sys.stdout)

    def write_new(self, row: dict[str, Any]) -> None:
        """Print the row of a new token, and never cut it: its secret would be lost."""
        replace(self, no_truncation=True).write([row])

    def write_page(self, page: int, pages: int) -> None:
        """Say below a table that there are more pages."""
        if pages > 1 and not (self._is_json or self.text or self.markdown or self.ascii_table):
            print(f"Page {page} of {pages}. Call with --page [PAGE] to load a different page.")

    def write_refusal(self, status: int, faults: Sequence[tuple[str | None, str]]) -> None:
        """Say on standard error what the service said."""
        print(f"Request failed: {status}", file=sys.stderr)
        columns = ("field", "reason")
        rows = [[field or "", reason] for field, reason in faults]
        if self._is_json:
            self._write_json([dict(zip(columns, row, strict=True)) for row in rows], sys.stderr)
        else:
            self._write(columns, rows, sys.stderr, title="errors")

    @property
    def _is_json(self) -> bool:
        return (self.json or self.pretty) and (self.pretty or not self.text)

    def _columns(self) -> Sequence[str]:
        if self.all_columns:
            return ALL_COLUMNS
        if self.format is not None:
            return [name for name in dict.fromkeys(self.format.split(",")) if name in ALL_COLUMNS] or ALL_COLUMNS
        return ALL_COLUMNS if self._is_json else COLUMNS

    def _write_json(self, rows: Sequence[dict[str, Any]], to: IO[str]) -> None:
        print(json.dumps(rows, indent=2 if self.pretty else None, sort_keys=self.pretty), file=to)

    def _write(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], to: IO[str], *, title: str | None = None
    ) -> None:
        shown_title = None if self.no_headers else title
        if self.text:
            for line in (*filter(None, [shown_title]), *([] if self.no_headers else [columns]), *rows):
                print(line if isinstance(line, str) else self.delimiter.join(line), file=to)
            return
        box = "MARKDOWN" if self.markdown else "ASCII" if self.ascii_table else "SQUARE"
        boxed = Boxed(box, headers=not self.no_headers, fold=self.no_truncation, width=self.column_width)
        boxed.print(columns, rows, to, shown_title)
