"""Rows as files, written piece by piece: CSV (RFC 4180) and JSON Lines."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tokenry.printable import as_cell
from tokenry.web.answers import to_bytes

Row = Mapping[str, object]


def write_csv(columns: Sequence[str], pieces: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """Write rows below their column names, in UTF-8.

    Null is an empty cell, a list is separated by spaces, and an object is JSON. What a spreadsheet would take for a
    formula has a quote in front.
    """
    head = [columns]
    for rows in pieces:
        yield _csv([*head, *([as_cell(_text(row[column])) for column in columns] for row in rows)])
        head = []
    if head:
        yield _csv(head)


def write_json_lines(pieces: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """Write each row as JSON on a line of its own."""
    for rows in pieces:
        yield b"".join(to_bytes(row) + b"\n" for row in rows)


def _csv(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8")


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return " ".join(map(str, value))
        case dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
