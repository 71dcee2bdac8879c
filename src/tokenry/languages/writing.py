"""How times and numbers are written in a language."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime, format_timedelta
from babel.units import format_unit

from tokenry.domain.zones import find_zone
from tokenry.languages.catalogues import LOCALES

_UNITS = (("day", 24 * 60 * 60), ("hour", 60 * 60), ("minute", 60))
UNITS_MIN = 2
"""Of how many a distance is told in a larger unit: 13 days are not two weeks."""
_STEPS = (24 * 60 * 60, 60 * 60, 60)
"""Of which only whole ones are told where there are many: a list has few of them, which take long to write."""


def write_day(at: datetime, language: str, timezone: str) -> str:
    """A day in words, such as `30 Nov 2026`."""
    return _write_date(at.astimezone(find_zone(timezone)).date(), language)


def write_time(at: datetime, language: str, timezone: str) -> str:
    """A moment in words, with the zone: `30 Nov 2026, 10:36 UTC`."""
    there = at.astimezone(find_zone(timezone))
    clock = format_datetime(there, "HH:mm z", locale=LOCALES[language])
    return f"{_write_date(there.date(), language)}, {clock}"


def write_distance(at: datetime, now: datetime, language: str) -> str:
    """How far a moment is from now, such as `in 3 days` and `2 hours ago`: a second at least."""
    seconds = round((at - now).total_seconds()) or (1 if at > now else -1)
    step = next((step for step in _STEPS if abs(seconds) >= 10 * step), 1)
    return _write_distance(seconds - seconds % step, language)


def write_span(span: timedelta, language: str) -> str:
    """How long something takes, in the largest unit that it has at least two of: `90 days`."""
    seconds = int(span.total_seconds())
    unit, length = next((each for each in _UNITS if seconds >= 2 * each[1]), ("second", 1))
    return format_unit(seconds // length, f"duration-{unit}", locale=LOCALES[language])


def write_date(day: date, language: str) -> str:
    """A day by the calendar in words, wherever one is."""
    return _write_date(day, language)


@lru_cache(maxsize=4096)
def _write_date(day: date, language: str) -> str:
    return format_date(day, "medium", locale=LOCALES[language])


@lru_cache(maxsize=4096)
def _write_distance(seconds: int, language: str) -> str:
    span = timedelta(seconds=seconds)
    return format_timedelta(span, threshold=UNITS_MIN, add_direction=True, locale=LOCALES[language])
