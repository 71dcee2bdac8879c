"""Limits in options, some of them by the kind of user. The operator's commands read them, too."""

import re
from collections.abc import Collection

import typer

NO_LIMIT = "none"
_NUMBER = re.compile(r"[1-9][0-9]{0,6}")


def read_number(text: str, most: int, option: str) -> int | None:
    """Read a limit from 1 to `most`, or None for none. Raises BadParameter."""
    if text == NO_LIMIT:
        return None
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise typer.BadParameter(f"use a number from 1 to {most}, or none", param_hint=option)
    return int(text)


def read_kind(text: str, kinds: Collection[str], form: str, option: str) -> tuple[str, str]:
    """Read `KIND=…`, of which `form` says what it looks like; the kind and the rest. Raises BadParameter."""
    kind, equals, value = text.partition("=")
    if kind not in kinds or not equals:
        raise typer.BadParameter(f"use {form}, KIND being one of {', '.join(kinds)}", param_hint=option)
    return kind, value
