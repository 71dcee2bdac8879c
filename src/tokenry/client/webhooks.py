"""Webhooks, by which programs are told what happens in an account: calls, and what people call."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tokenry.client import calls
from tokenry.client.answers import read_nothing, read_page
from tokenry.client.calls import Call
from tokenry.client.rows import Row
from tokenry.client.secrets import Secret
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.tokens import Page
from tokenry.client.transport import Answer
from tokenry.client.walk import Walk

PLACE = "/v4/tokenry/webhooks"


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A program that is told of these events, or of all if there are none.

    `disabled_for` is `gone` for one that was disabled since its receiver answered 410, `full` if too much waited for it
    and None for any other. Until `resting_until` nothing is sent to it but what is sent again by hand, since it did not
    take the last message, or was slow to; None if it does not rest. `secret` is there only of one that was just made,
    or was given another.
    """

    id: int
    url: str
    events: tuple[str, ...]
    disabled: bool
    disabled_for: str | None
    resting_until: datetime | None
    created: datetime
    previous_secret_until: datetime | None
    secret: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message to a webhook; `state` is `pending`, `done` or `dead`, `status` that of the last answer.

    `created` is when what it tells of happened, and `due` when it is tried next, if the webhook does not rest.
    """

    id: int
    type: str
    subject: str
    state: str
    attempts: int
    created: datetime
    due: datetime
    status: int | None
    error: str | None


class Webhooks:
    """The webhooks of the account, for administrators."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def list(self) -> Iterator[Webhook]:
        """Go through them; each page is asked for when it is needed."""
        walk: Walk[Webhook] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            yield from walk.take(self._shell.run(_list(walk.page, walk.size)))

    def get(self, webhook_id: int) -> Webhook:
        """One of them. Raises NotFound."""
        return self._shell.run(Call("GET", _place(webhook_id), _read))

    def create(self, url: str, *, events: Iterable[str] = ()) -> Webhook:
        """Make one, which is told of these events, or of all; its `secret` is shown this once."""
        return self._shell.run(_create(url, events))

    def update(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Iterable[str] | None = None,
        disabled: bool | None = None,
    ) -> Webhook:
        """Give one another address or other events, disable or enable it; None stays. Raises NotFound."""
        return self._shell.run(_update(webhook_id, url, events, disabled))

    def delete(self, webhook_id: int) -> None:
        """Delete one, and what it was still to be told. Raises NotFound."""
        self._shell.run(Call("DELETE", _place(webhook_id), read_nothing))

    def rotate_secret(self, webhook_id: int, *, grace: timedelta | None = None) -> Webhook:
        """Give one another `secret`, shown this once; the one before signs as well for a day, or as long as `grace`."""
        return self._shell.run(_rotate(webhook_id, grace))

    def test(self, webhook_id: int) -> Webhook:
        """Have one told that it is tested. Raises NotFound."""
        return self._shell.run(Call("POST", f"{_place(webhook_id)}/test", _read))

    def deliveries(self, webhook_id: int, *, state: str | None = None) -> Iterator[Delivery]:
        """Go through what one was told and is to be told, the newest first; those in a state, if it is named."""
        walk: Walk[Delivery] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            yield from walk.take(self._shell.run(_deliveries(webhook_id, state, walk.page, walk.size)))

    def redeliver(self, webhook_id: int, delivery_id: int) -> Delivery:
        """Send a message once more: at once, also while the webhook rests. Raises NotFound."""
        return self._shell.run(_redeliver(webhook_id, delivery_id))


class AsyncWebhooks:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def list(self) -> AsyncIterator[Webhook]:
        """Go through them; each page is asked for when it is needed."""
        walk: Walk[Webhook] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            for webhook in walk.take(await self._shell.run(_list(walk.page, walk.size))):
                yield webhook

    async def get(self, webhook_id: int) -> Webhook:
        """One of them. Raises NotFound."""
        return await self._shell.run(Call("GET", _place(webhook_id), _read))

    async def create(self, url: str, *, events: Iterable[str] = ()) -> Webhook:
        """Make one, which is told of these events, or of all; its `secret` is shown this once."""
        return await self._shell.run(_create(url, events))

    async def update(
        self,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Iterable[str] | None = None,
        disabled: bool | None = None,
    ) -> Webhook:
        """Give one another address or other events, disable or enable it; None stays. Raises NotFound."""
        return await self._shell.run(_update(webhook_id, url, events, disabled))

    async def delete(self, webhook_id: int) -> None:
        """Delete one, and what it was still to be told. Raises NotFound."""
        await self._shell.run(Call("DELETE", _place(webhook_id), read_nothing))

    async def rotate_secret(self, webhook_id: int, *, grace: timedelta | None = None) -> Webhook:
        """Give one another `secret`, shown this once; the one before signs as well for a day, or as long as `grace`."""
        return await self._shell.run(_rotate(webhook_id, grace))

    async def test(self, webhook_id: int) -> Webhook:
        """Have one told that it is tested. Raises NotFound."""
        return await self._shell.run(Call("POST", f"{_place(webhook_id)}/test", _read))

    async def deliveries(self, webhook_id: int, *, state: str | None = None) -> AsyncIterator[Delivery]:
        """Go through what one was told and is to be told, the newest first; those in a state, if it is named."""
        walk: Walk[Delivery] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            for delivery in walk.take(await self._shell.run(_deliveries(webhook_id, state, walk.page, walk.size))):
                yield delivery

    async def redeliver(self, webhook_id: int, delivery_id: int) -> Delivery:
        """Send a message once more: at once, also while the webhook rests. Raises NotFound."""
        return await self._shell.run(_redeliver(webhook_id, delivery_id))


def _list(page: int, size: int) -> Call[Page[Webhook]]:
    return calls.list_users(PLACE, page=page, page_size=size, filter=None).reading(_read_page, calls.shows_nothing)


def _create(url: str, events: Iterable[str]) -> Call[Webhook]:
    return Call("POST", PLACE, _read, body={"url": url, "events": [*events]})


def _update(webhook_id: int, url: str | None, events: Iterable[str] | None, disabled: bool | None) -> Call[Webhook]:  # noqa: FBT001 - as it is called
    body: dict[str, Any] = {"url": url, "events": None if events is None else [*events], "disabled": disabled}
    return Call("PUT", _place(webhook_id), _read, body=calls.without_none(body))


def _rotate(webhook_id: int, grace: timedelta | None) -> Call[Webhook]:
    body = {} if grace is None else {"grace": int(grace.total_seconds())}
    return Call("POST", f"{_place(webhook_id)}/rotate-secret", _read, body=body)


def _deliveries(webhook_id: int, state: str | None, page: int, size: int) -> Call[Page[Delivery]]:
    filter = None if state is None else {"state": state}
    place = f"{_place(webhook_id)}/deliveries"
    asked = calls.list_users(place, page=page, page_size=size, filter=filter)
    return asked.reading(_read_deliveries, calls.shows_nothing)


def _redeliver(webhook_id: int, delivery_id: int) -> Call[Delivery]:
    return Call("POST", f"{_place(webhook_id)}/deliveries/{delivery_id:d}/redeliver", _read_delivery)


def _place(webhook_id: int) -> str:
    return f"{PLACE}/{webhook_id:d}"


def _read(request: str, answer: Answer) -> Webhook:
    return _read_row(Row.of(request, answer))


def _read_page(request: str, answer: Answer) -> Page[Webhook]:
    return read_page(Row.of(request, answer), _read_row)


def _read_row(row: Row) -> Webhook:
    return Webhook(
        id=row.number("id"),
        url=row.text("url"),
        events=row.texts("events"),
        disabled=row.truth("disabled"),
        disabled_for=row.if_any("disabled_for", row.text),
        resting_until=row.if_any("resting_until", row.time),
        created=row.time("created"),
        previous_secret_until=row.if_any("previous_secret_until", row.time),
        secret=row.if_any("secret", row.secret),
    )


def _read_delivery(request: str, answer: Answer) -> Delivery:
    return _read_delivery_row(Row.of(request, answer))


def _read_deliveries(request: str, answer: Answer) -> Page[Delivery]:
    return read_page(Row.of(request, answer), _read_delivery_row)


def _read_delivery_row(row: Row) -> Delivery:
    return Delivery(
        id=row.number("id"),
        type=row.text("type"),
        subject=row.text("subject"),
        state=row.text("state"),
        attempts=row.number("attempts"),
        created=row.time("created"),
        due=row.time("due"),
        status=row.if_any("status", row.number),
        error=row.if_any("error", row.text),
    )
