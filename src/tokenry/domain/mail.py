"""Mail: where it goes out, and what users are told by it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tokenry.domain.notices import Notice
from tokenry.domain.public_url import is_loopback
from tokenry.domain.texts import fold
from tokenry.domain.zones import find_zone

ATTEMPTS_MAX = 5
"""How often a message is tried of which the server says that it did not take it."""
RETRY_SECONDS = 900
ALARM_INTERVAL = timedelta(hours=1)
"""How long what is not grave waits after an alarm, to be told together: nobody with many tokens is flooded."""
ALARMS_AT_ONCE_MAX = 5
"""So many alarms are mailed one right after the other, if they are grave, and then one in each interval."""
ALARMS_AHEAD = (ALARMS_AT_ONCE_MAX - 1) * ALARM_INTERVAL
"""How far in the future an alarm may be due that is mailed at once, since it is grave."""
_PORTS = {"smtp": 587, "smtps": 465}
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)


class Room(NamedTuple):
    """How many messages an address is sent right after one another, before one in each interval."""

    at_once: int
    interval: timedelta


ROOM_OF_ACCOUNT = Room(10, timedelta(hours=1))
"""For all that one account's users are sent at one address, which may be a stranger's."""
ROOM_OF_ALL = Room(40, timedelta(minutes=15))
"""For all that anybody is sent at it: so much more that no account silences what another's users are told there."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes out: TLS from the start, or after STARTTLS, with a checked certificate; none on this machine."""

    host: str
    port: int
    tls: bool
    plain: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail goes out, and from whom it is."""

    server: MailServer
    sender: str


class Reader(NamedTuple):
    """Who is told by mail: with times as they are where the user is, and in which language, if one was chosen."""

    user_id: int
    account_id: int
    username: str
    address: str
    timezone: str
    language: str | None = None


class Letter(NamedTuple):
    """What one user is told now: alarms if it is `urgent`, else reminders; and how often that could not be mailed."""

    reader: Reader
    notices: Sequence[Notice]
    urgent: bool
    failures: int = 0


def read_mail_server(text: str) -> MailServer:
    """Read `smtps://user:password@host`, or `smtp://`, for STARTTLS but on this machine. Raises ValueError."""
    url = urlsplit(text)
    if url.scheme not in _PORTS or not url.hostname or url.path not in {"", "/"} or url.query or url.fragment:
        raise ValueError
    username, password = url.username, url.password
    if (username is None) != (password is None):
        raise ValueError
    return MailServer(
        host=url.hostname,
        port=url.port or _PORTS[url.scheme],
        tls=url.scheme == "smtps",
        plain=url.scheme == "smtp" and is_loopback(url.hostname),
        username=None if username is None else unquote(username),
        password=None if password is None else unquote(password),
    )


def is_sender(text: str) -> bool:
    """Whether mail can be from this address."""
    return _ADDRESS.fullmatch(text) is not None


def fold_address(address: str) -> str:
    """What addresses have in common that are one: no case, and a domain as all servers take it (IDNA)."""
    name, _, domain = address.rpartition("@")
    with suppress(UnicodeError):  # one that has no such form is written to as it is
        domain = domain.encode("idna").decode("ascii")
    return fold(f"{name}@{domain}")


def next_message(now: datetime, due: datetime, timezone: str, *, urgent: bool) -> datetime:
    """When a user is due the next message of the kind after one that is sent now, and was due at a time."""
    if not urgent:
        return next_day(now, timezone)
    return min(max(now, due), now + ALARMS_AHEAD) + ALARM_INTERVAL


def next_day(now: datetime, timezone: str) -> datetime:
    """When the next day begins where a user is."""
    zone = find_zone(timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)
