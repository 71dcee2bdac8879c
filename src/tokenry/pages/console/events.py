"""What was done, as a list of the console and as a file: which events somebody asks for, by the address."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

from tokenry.domain.actions import ACTIONS, action_faults
from tokenry.domain.audit import Entry
from tokenry.domain.errors import Fault, raise_faults
from tokenry.domain.filters import All, Comparison, Filter, Operator
from tokenry.domain.paging import Page, PageRequest
from tokenry.pages.console.lists import matching
from tokenry.pages.visits import Download, Shown, Visit, read_id
from tokenry.web.events import COLUMNS, write_entry
from tokenry.web.rows import write_csv

TEXT_LENGTH_MAX = 300
CHOICES: Sequence[str] = sorted(ACTIONS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody wants to see. Days are of UTC; what is empty, or cannot be, asks for nothing."""

    path: str
    actor: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    page: int = 1

    @classmethod
    def read(cls, visit: Visit, path: str) -> Self:
        """Read an address below which the list has this path."""
        query = visit.query
        texts = {name: query.get(name).strip()[:TEXT_LENGTH_MAX] for name in ("actor", "action", "subject")}
        days = {name: query.get(name) for name in ("since", "until")}
        known = {name: text for name, text in days.items() if _read_day(text) is not None}
        return cls(path, **texts, **known, page=max(1, read_id(query.get("page")) or 1))

    @property
    def narrowed(self) -> bool:
        """Whether it is less than everything."""
        return bool(self.query)

    @property
    def request(self) -> PageRequest:
        """Which page of the list that is."""
        return PageRequest(self.page)

    @property
    def query(self) -> str:
        """The query of the address, without the page."""
        names = ("actor", "action", "subject", "since", "until")
        return urlencode({name: text for name in names if (text := getattr(self, name))})

    def at_page(self, page: int) -> str:
        """The address of another page of it."""
        return f"{self.path}?{urlencode({'page': page})}{'&' if self.query else ''}{self.query}"

    @property
    def faults(self) -> Sequence[Fault]:
        """What is wrong with it."""
        return [*action_faults(self.filter.condition, "action")]

    @property
    def filter(self) -> Filter:
        """What the audit has to be asked for."""
        names = ("actor", "action", "subject")
        conditions = [matching(text, equal=(name,)) for name in names if (text := getattr(self, name))]
        if (since := _read_day(self.since)) is not None:
            conditions.append(Comparison("at", Operator.GREATER_OR_EQUAL, since))
        if (until := _read_day(self.until)) is not None:
            conditions.append(Comparison("at", Operator.LESS, until + timedelta(days=1)))
        return Filter(All(tuple(conditions)))


def show_events(show: Callable[..., Shown], asked: Wanted, page: Page[Entry]) -> Shown:
    """Show events in the section and by the template that `show` knows."""
    faults = asked.faults
    return show(status=400 if faults else 200, faults=faults, asked=asked, page=page, actions=CHOICES)


def write_file(asked: Wanted, export: Callable[[Filter], Iterator[Sequence[Entry]]]) -> Download:
    """Write all events that somebody asks for as CSV. Raises Invalid."""
    raise_faults(asked.faults)
    rows = ([write_entry(entry) for entry in piece] for piece in export(asked.filter))
    return Download("audit.csv", "text/csv; charset=utf-8", write_csv(COLUMNS, rows))


def _read_day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if 1970 <= day.year <= 2999 else None
