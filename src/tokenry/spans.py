"""Spans of time as people write them: `12h`, `90d`, `4w`."""

import re
from datetime import timedelta

_SPAN = re.compile(r"([0-9]{1,5})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def read_span(text: str) -> timedelta | None:
    """Read a number of hours, days or weeks; None for anything else."""
    match = _SPAN.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


def write_span(span: timedelta) -> str:
    """Write a span of whole hours: in days if it is of whole days."""
    hours = span // timedelta(hours=1)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
