"""Moments and spans as callers give them: checked before anything is sent, by the name of the argument."""

from datetime import datetime, timedelta
from typing import TypeVar

from tokenry.moments import write_moment

SECONDS_MAX = 24 * 60 * 60
"""As long as anybody waits; operating systems take no number whatever."""

T = TypeVar("T", datetime, timedelta)


def write_time(moment: datetime, name: str) -> str:
    """A time as the wire format has it: UTC, to the second.

    Raises TypeError for what is no datetime, a date for instance, and ValueError for one without a zone.
    """
    if _require(datetime, moment, name).utcoffset() is None:
        raise ValueError(f"{name} needs a time zone, such as datetime(…, tzinfo=UTC)")
    return write_moment(moment)


def write_span(span: timedelta, name: str) -> int:
    """A span in whole seconds. Raises TypeError for what is no timedelta."""
    return int(_require(timedelta, span, name).total_seconds())


def after(now: datetime, span: timedelta, name: str) -> datetime:
    """The moment after a span. Raises TypeError for what is no timedelta, ValueError for one that no calendar has."""
    try:
        return now + _require(timedelta, span, name)
    except OverflowError:
        raise ValueError(f"{name} leads beyond the years 1 to 9999") from None


def check_seconds(seconds: float, name: str) -> float:
    """Return a number of seconds that one can wait. Raises TypeError for no number, ValueError for another number."""
    if not isinstance(seconds, int | float):
        raise TypeError(f"{name} has to be a number of seconds, not a {type(seconds).__name__}")
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"{name} has to be more than 0 seconds and at most {SECONDS_MAX}")
    return seconds


def _require(kind: type[T], value: T, name: str) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{name} has to be a {kind.__name__}, not a {type(value).__name__}")
    return value
