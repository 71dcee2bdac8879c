"""`--metadata`: what a product keeps with a user or a token, as JSON or in a file."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tokenry.cli.options import read_text
from tokenry.cli.running import CommandError

FILE = "@"
BYTES_MAX = 64 * 1024
"""Longer than a body may be."""

_METADATA = partial(typer.Option, metavar="JSON|@FILE", parser=read_text)
NewMetadata = Annotated[
    str | None,
    _METADATA(
        show_default="none", help="With --user: what your product keeps with it and services are told, a JSON object."
    ),
]
ChangedMetadata = Annotated[
    str | None,
    _METADATA(
        show_default="as it is",
        help="What your product keeps with it and services are told: a JSON object, in place of what there was.",
    ),
]


def read_metadata(given: str | None) -> dict[str, Any] | None:
    """Read an object, or the file behind `@` that has it. Raises BadParameter, CommandError."""
    if given is None:
        return None
    text = _read_file(Path(given.removeprefix(FILE))) if given.startswith(FILE) else given
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter(
            'use a JSON object such as \'{"plan": "pro"}\', or @ and a file', param_hint="--metadata"
        )
    return found


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX).decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeError:
        raise CommandError(f"{path} is not UTF-8.") from None
