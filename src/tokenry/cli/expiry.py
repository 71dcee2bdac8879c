"""Spans and moments as they are written on the command line."""

from datetime import UTC, datetime, timedelta

import typer

from tokenry import spans
from tokenry.moments import read_moment

NEVER = "never"
GRACE_MAX = timedelta(days=7)
"""The most that the service takes."""


def read_span(text: str, option: str, *, otherwise: str = "") -> timedelta:
    """Read a span such as `12h`, `90d` or `4w`. Raises BadParameter, which also says what else may be given."""
    span = spans.read_span(text)
    if span is None:
        raise typer.BadParameter(f"use a span such as 12h, 90d or 4w{otherwise}", param_hint=option)
    return span


def read_grace(text: str) -> timedelta:
    """Read for how long the secret before is good. Raises BadParameter."""
    grace = read_span(text, "--grace")
    if grace > GRACE_MAX:
        raise typer.BadParameter(f"use a span of at most {spans.write_span(GRACE_MAX)}", param_hint="--grace")
    return grace


def read_start(text: str | None) -> datetime | None:
    """Read from when on a token is valid, as `read_expiry` does; None for at once. Raises BadParameter."""
    if text == NEVER:
        raise typer.BadParameter("use a span such as 12h, or a time", param_hint="--not-before")
    return None if text is None else read_expiry(text, "--not-before")


def read_expiry(text: str, option: str) -> datetime | None:
    """Read a span from now, a date and perhaps a time (UTC without a zone), or `never`: None. Raises BadParameter."""
    if text == NEVER:
        return None
    span = spans.read_span(text)
    if span is not None:
        return datetime.now(UTC).replace(microsecond=0) + span
    moment = read_moment(text.replace(" ", "T", 1)) or read_moment(f"{text}T00:00:00")
    if moment is None:
        hint = "use a span such as 90d, a time such as 2030-01-01T00:00:00 (UTC), or never"
        raise typer.BadParameter(hint, param_hint=option)
    return moment
