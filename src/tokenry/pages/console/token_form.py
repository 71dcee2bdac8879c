"""The form of a new token: what is typed into it, with which it begins, and what is asked for with it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Self

from tokenry.domain.details import Details, description_faults
from tokenry.domain.errors import Fault
from tokenry.domain.idempotency import KeyedRequest
from tokenry.domain.networks import NETWORKS_MAX, Networks, read_network
from tokenry.domain.policy import Rules
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.domain.zones import find_zone
from tokenry.moments import to_utc
from tokenry.pages.console.matrix import Matrix
from tokenry.pages.console.scope_choice import ScopeChoice
from tokenry.pages.fields import Fields, Form
from tokenry.pages.once import new_key, read_key, request_of
from tokenry.spans import read_span

PRESETS: Mapping[str, int] = {"30": 30, "90": 90, "182": 182, "365": 365}
"""Lifetimes to choose, in days."""
LONGEST, ON_DAY, WITHOUT_END = "longest", "day", "never"
LIFETIME_DEFAULT = "90"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What is typed. `expires` is a preset, or LONGEST, ON_DAY, WITHOUT_END; a day that is filled in counts."""

    label: str = ""
    description: str = ""
    expires: str = ""
    day: str = ""
    starts: str = ""
    scopes: ScopeChoice = field(default_factory=ScopeChoice)
    networks: str = ""
    key: str = ""

    @classmethod
    def read(cls, form: Form) -> Self:
        """Read a form that was sent. What means nothing is as if it were empty."""
        return cls(
            label=form.get("label").strip(),
            description=form.get("description").strip(),
            expires=form.find("expires"),
            day=form.get("day").strip(),
            starts=form.get("starts").strip(),
            scopes=ScopeChoice.read(form),
            networks=form.get("networks").strip(),
            key=read_key(form),
        )

    @classmethod
    def prefilled(cls, query: Fields, matrix: Matrix, today: date) -> Self:
        """Begin with what an address says: label, description, scopes, networks, and `expires` as `90d` or a day."""
        expires, day = _read_expires(query.get("expires"), today)
        return cls(
            label=query.get("label"),
            description=query.get("description"),
            expires=expires,
            day=day,
            scopes=ScopeChoice.of(query.get("scopes"), matrix, base=query.get("base")),
            networks=query.get("networks"),
            key=new_key(),
        )

    @classmethod
    def of(cls, details: Details, matrix: Matrix) -> Self:
        """Begin with what another token has, but for its expiry."""
        networks = "\n".join(map(str, details.networks or ()))
        scopes = ScopeChoice.of(details.token.scopes.text, matrix)
        return cls(details.token.label, details.description, scopes=scopes, networks=networks, key=new_key())

    def request(self) -> KeyedRequest:
        """Which request it is, if it is sent."""
        return request_of(self.key, {**asdict(self), "key": ""})

    def ask(self, matrix: Matrix, rules: Rules, now: datetime, timezone: str) -> NewToken:
        """What is asked for with it, with the faults of what cannot be read."""
        faults: list[Fault] = [*description_faults(self.description)]
        expiry = self._expiry(rules, now, timezone, faults)
        starts = _read_day(self.starts, timezone, time.min, "not_before", faults)
        networks = read_networks(self.networks, faults)
        return NewToken(
            label=self.label,
            description=self.description,
            scopes=self.scopes.text(matrix),
            expiry=expiry,
            not_before=starts,
            networks=networks,
            faults=tuple(faults),
        )

    def _expiry(self, rules: Rules, now: datetime, timezone: str, faults: list[Fault]) -> datetime | None:
        if self.day:
            end = _read_day(self.day, timezone, time(23, 59, 59), "expiry", faults)
            return None if end is None else _within(rules, now, end)
        if self.expires == WITHOUT_END:
            return NEVER
        if self.expires in PRESETS:
            return now + timedelta(days=PRESETS[self.expires])
        if self.expires == LONGEST and rules.lifetime_max is not None:
            return now + rules.lifetime_max
        faults.append(Fault("Choose when it expires", "expiry"))
        return None


def expiry_default(rules: Rules) -> str:
    """The expiry that is chosen to begin with."""
    fits = rules.lifetime_max is None or rules.lifetime_max >= timedelta(days=PRESETS[LIFETIME_DEFAULT])
    return LIFETIME_DEFAULT if fits else LONGEST


def read_networks(text: str, faults: list[Fault]) -> Networks:
    """Read addresses and networks, one a line or between commas. One that is there twice counts once."""
    found = {piece: read_network(piece) for piece in _BETWEEN.split(text) if piece}
    faults += [
        Fault(f"{piece[:50]} is no address, and no network such as 203.0.113.0/24", "networks")
        for piece, network in found.items()
        if network is None
    ]
    networks = tuple(dict.fromkeys(network for network in found.values() if network is not None))
    if len(networks) > NETWORKS_MAX:
        faults.append(Fault(f"Must be at most {NETWORKS_MAX} networks", "networks"))
    return networks


def _within(rules: Rules, now: datetime, end: datetime) -> datetime:
    """The end of a day, or as much of it as a token may live to see."""
    if rules.lifetime_max is None:
        return end
    latest = now + rules.lifetime_max
    return latest if end - timedelta(days=1) < latest < end else end


def _read_day(text: str, timezone: str, at: time, name: str, faults: list[Fault]) -> datetime | None:
    """A moment of a day where somebody is; None, and a fault, for what is no day."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        faults.append(Fault("Must be a day such as 2027-01-31", name))
        return None
    return to_utc(datetime.combine(day, at, find_zone(timezone)))


def _read_expires(text: str, today: date) -> tuple[str, str]:
    """Which expiry an address asks for, and which day if it is one of those."""
    span = read_span(text) or read_span(f"{text}d")
    if text == WITHOUT_END:
        return WITHOUT_END, ""
    if _DAY.fullmatch(text):
        return ON_DAY, text
    if span is None:
        return "", ""
    preset = next((name for name, days in PRESETS.items() if timedelta(days=days) == span), None)
    return (preset, "") if preset else (ON_DAY, (today + span).isoformat())


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One of the lifetimes to choose: when a token then expires, and whether the policy lets it live so long."""

    name: str
    days: int
    end: datetime
    allowed: bool


def list_lifetimes(rules: Rules, now: datetime) -> list[Lifetime]:
    """Those that there are to choose from."""
    longest = timedelta.max if rules.lifetime_max is None else rules.lifetime_max
    return [
        Lifetime(name, days, now + timedelta(days=days), timedelta(days=days) <= longest)
        for name, days in PRESETS.items()
    ]
