"""The audit: what was done in an account, or to oneself. Calls, and what people call."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokenry.client import calls
from tokenry.client.answers import read_page
from tokenry.client.calls import Call
from tokenry.client.filters import Condition, OrderBy, find_limit, write_filter
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.tokens import Page
from tokenry.client.transport import Answer
from tokenry.client.walk import Walk

PLACE = "/v4/tokenry/audit"
OWN = "/v4/tokenry/profile/audit"
Asked = Condition | Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Something that was done: what, to what, by whom, with which token and from where."""

    id: int
    at: datetime
    actor: str
    token_id: int | None
    address: str | None
    action: str
    subject: str
    details: Mapping[str, Any]


class Audit:
    """What was done, the newest first unless `order_by` says otherwise. Each page is asked for when it is needed."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def list(self, filter: Asked = None, *, order_by: OrderBy | None = None) -> Iterator[AuditEvent]:
        """Go through the events of the account. For administrators, and service accounts with the scope for it."""
        return self._walk(PLACE, filter, order_by)

    def list_own(self, filter: Asked = None, *, order_by: OrderBy | None = None) -> Iterator[AuditEvent]:
        """Go through the events of the client's user, and of that user's tokens."""
        return self._walk(OWN, filter, order_by)

    def _walk(self, place: str, filter: Asked, order_by: OrderBy | None) -> Iterator[AuditEvent]:
        walk: Walk[AuditEvent] = Walk(calls.PAGE_SIZE_DEFAULT, find_limit(filter))
        while walk.page is not None:
            yield from walk.take(self._shell.run(_list(place, walk, write_filter(filter, order_by))))


class AsyncAudit:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    def list(self, filter: Asked = None, *, order_by: OrderBy | None = None) -> AsyncIterator[AuditEvent]:
        """Go through the events of the account. For administrators, and service accounts with the scope for it."""
        return self._walk(PLACE, filter, order_by)

    def list_own(self, filter: Asked = None, *, order_by: OrderBy | None = None) -> AsyncIterator[AuditEvent]:
        """Go through the events of the client's user, and of that user's tokens."""
        return self._walk(OWN, filter, order_by)

    async def _walk(self, place: str, filter: Asked, order_by: OrderBy | None) -> AsyncIterator[AuditEvent]:
        walk: Walk[AuditEvent] = Walk(calls.PAGE_SIZE_DEFAULT, find_limit(filter))
        while walk.page is not None:
            for each in walk.take(await self._shell.run(_list(place, walk, write_filter(filter, order_by)))):
                yield each


def _list(place: str, walk: Walk[AuditEvent], filter: Mapping[str, Any] | None) -> Call[Page[AuditEvent]]:
    assert walk.page is not None
    asked = calls.list_users(place, page=walk.page, page_size=walk.size, filter=filter)
    return asked.reading(_read_page, calls.shows_nothing)


def _read_page(request: str, answer: Answer) -> Page[AuditEvent]:
    return read_page(Row.of(request, answer), _read_row)


def _read_row(row: Row) -> AuditEvent:
    return AuditEvent(
        id=row.number("id"),
        at=row.time("at"),
        actor=row.text("actor"),
        token_id=row.if_any("token_id", row.number),
        address=row.if_any("address", row.text),
        action=row.text("action"),
        subject=row.text("subject"),
        details=row.values("details"),
    )
