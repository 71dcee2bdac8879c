"""Moments as text, for every part of tokenry: read as RFC 3339 writes them, written as the wire format does.

A moment is an aware datetime in UTC. One that an offset moves out of the years 1 to 9999 is the first or the last there
is: it compares as it should with whatever is kept.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC, microsecond=0)
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.\d+)?"
    r"([Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?",
    re.ASCII,
)


def read_moment(text: str) -> datetime | None:
    """Read a date and time such as `2018-01-01T13:46:32`, with an optional zone (UTC without); None for anything else.

    More than RFC 3339 asks for: the zone may be missing, the offset be without its colon, and month and day without a
    leading zero, as in an expiry. A fraction of a second is cut off: times are kept to the second. A leap second is
    the second that follows it, as clocks that know none count it, and stands only where there can be one.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    leaps = second == 60
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leaps else second, tzinfo=_zone(match[7]))
    except ValueError:
        return None
    moment = to_utc(moment)
    if not leaps:
        return moment
    return moment + timedelta(seconds=1) if (moment.hour, moment.minute) == (23, 59) and moment < LAST else None


def write_moment(moment: datetime) -> str:
    """Write a moment: UTC, to the second, no zone, as in `2018-01-02T03:04:05`."""
    return to_utc(moment).replace(microsecond=0, tzinfo=None).isoformat()


def to_utc(moment: datetime) -> datetime:
    """An aware datetime in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
