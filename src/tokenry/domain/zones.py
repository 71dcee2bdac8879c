"""Time zones by their names."""

from collections.abc import Sequence
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

UTC = ZoneInfo("UTC")


@cache
def list_zones() -> Sequence[str]:
    """The names of all time zones that this system knows; reading them takes a walk through its files."""
    return sorted(available_timezones())


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """The zone of this name; UTC where the system has none: a profile takes names that it may not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
