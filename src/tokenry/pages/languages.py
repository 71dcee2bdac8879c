"""Languages of pages: which there are, which one a browser is shown, and how times are written in it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from babel.units import format_unit

LANGUAGES: Mapping[str, Locale] = {"en": Locale("en", "GB"), "de": Locale("de", "DE")}
"""Those whose texts are complete, and whose customs times and numbers are written by."""
DEFAULT = "en"
LANGUAGE_COOKIE = "tokenry-language"
LANGUAGE_COOKIE_SECONDS = 365 * 24 * 60 * 60
ACCEPTED_LENGTH_MAX = 200
"""What a browser says beyond that is not read."""


def choose_language(chosen: str, accepted: str) -> str:
    """The language to show: the one that somebody chose, else the first that the browser likes (RFC 9110, 12.5.4)."""
    if chosen in LANGUAGES:
        return chosen
    liked: list[tuple[float, str]] = []
    for piece in accepted[:ACCEPTED_LENGTH_MAX].split(","):
        tag, _, weight = piece.partition(";")
        name = tag.strip().partition("-")[0].lower()
        if name in LANGUAGES:
            liked.append((_read_weight(weight), name))
    weighing, name = max(liked, key=lambda each: each[0], default=(0.0, DEFAULT))
    return name if weighing > 0 else DEFAULT


def _read_weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@cache
def catalogue(language: str) -> Catalog:
    """The texts of a language by those that stand in the source, which are English: of that alone there is none."""
    text = files("tokenry.pages").joinpath("locale", f"{language}.po").read_bytes()
    return read_po(BytesIO(text), locale=language)


@cache
def translations(language: str) -> NullTranslations:
    """The same, to look them up."""
    if language == DEFAULT:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


@cache
def list_zones() -> Sequence[str]:
    """The names of all time zones that this system knows; reading them takes a walk through its files."""
    return sorted(available_timezones())


@cache
def find_zone(name: str) -> ZoneInfo:
    """The zone of this name; UTC where the system has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # the profile takes names that this system may not know
        return ZoneInfo("UTC")


def write_day(at: datetime, language: str, timezone: str) -> str:
    """A day in words, such as `30 Nov 2026`."""
    return _write_date(at.astimezone(find_zone(timezone)).date(), language)


def write_time(at: datetime, language: str, timezone: str) -> str:
    """A moment in words, with the zone: `30 Nov 2026, 10:36 UTC`."""
    there = at.astimezone(find_zone(timezone))
    clock = format_datetime(there, "HH:mm z", locale=LANGUAGES[language])
    return f"{_write_date(there.date(), language)}, {clock}"


def write_distance(at: datetime, now: datetime, language: str) -> str:
    """How far a moment is from now, such as `in 3 days` and `2 hours ago`."""
    seconds = round((at - now).total_seconds())
    step = next((step for step in _STEPS if abs(seconds) >= 10 * step), 1)
    return _write_distance(seconds - seconds % step, language)


def write_span(span: timedelta, language: str) -> str:
    """How long something takes, in the largest unit that it has at least two of: `90 days`."""
    seconds = int(span.total_seconds())
    unit, length = next((each for each in _UNITS if seconds >= 2 * each[1]), ("second", 1))
    return format_unit(seconds // length, f"duration-{unit}", locale=LANGUAGES[language])


_UNITS = (("day", 24 * 60 * 60), ("hour", 60 * 60), ("minute", 60))
UNITS_MIN = 2
"""Of how many a distance is told in a larger unit: 13 days are not two weeks."""
_STEPS = (24 * 60 * 60, 60 * 60, 60)
"""Of which only whole ones are told where there are many: a list has few of them, which take long to write."""


def write_date(day: date, language: str) -> str:
    """A day by the calendar in words, wherever one is."""
    return _write_date(day, language)


@lru_cache(maxsize=4096)
def _write_date(day: date, language: str) -> str:
    return format_date(day, "medium", locale=LANGUAGES[language])


@lru_cache(maxsize=4096)
def _write_distance(seconds: int, language: str) -> str:
    span = timedelta(seconds=seconds)
    return format_timedelta(span, threshold=UNITS_MIN, add_direction=True, locale=LANGUAGES[language])
