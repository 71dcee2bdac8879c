"""Lists as files: CSV, or JSON Lines, sent while they are read."""

from collections.abc import Iterable, Mapping, Sequence

from tokenry.domain.errors import Fault, Invalid
from tokenry.web.answers import Answer
from tokenry.web.rows import Row, write_csv, write_json_lines

CSV = "csv"
FORMATS = {CSV: b"text/csv; charset=utf-8", "jsonl": b"application/jsonl"}
"""The formats of an export, each with its media type."""


def read_format(parameters: Mapping[str, str]) -> str:
    """Read the format of an export; CSV without one. Raises Invalid."""
    format = parameters.get("format", CSV)
    if format not in FORMATS:
        raise Invalid(Fault(f"Must be one of {', '.join(FORMATS)}", "format"))
    return format


def write_export(format: str, columns: Sequence[str], pieces: Iterable[Iterable[Row]]) -> Answer:
    """Write rows, of which CSV has these columns, in a format."""
    return Answer(200, write_csv(columns, pieces) if format == CSV else write_json_lines(pieces), FORMATS[format])
