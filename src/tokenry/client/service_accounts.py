"""Service accounts, which administrators make for their product's backends: calls, and what people call."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Unpack, cast

from tokenry.client import calls
from tokenry.client.answers import read_nothing, read_page
from tokenry.client.calls import Call
from tokenry.client.filters import Condition, find_limit, write_filter
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.tokens import NewToken, Page, Restricted, TokenRecord
from tokenry.client.transport import Answer
from tokenry.client.walk import Walk

PLACE = "/v4/tokenry/service-accounts"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccount:
    """A backend that manages a product's users, whom it gives no more than `ceiling`."""

    username: str
    ceiling: tuple[str, ...]
    disabled: bool
    created: datetime


class ServiceAccounts:
    """The service accounts of the account, for administrators."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def list(self, filter: Condition | Mapping[str, Any] | None = None) -> Iterator[ServiceAccount]:
        """Go through them; each page is asked for when it is needed."""
        walk: Walk[ServiceAccount] = Walk(calls.PAGE_SIZE_DEFAULT, find_limit(filter), name=attrgetter("username"))
        while walk.page is not None:
            yield from walk.take(self._shell.run(_list(walk.page, walk.size, filter)))

    def get(self, username: str) -> ServiceAccount:
        """One of them. Raises NotFound."""
        return self._shell.run(Call("GET", _place(username), _read))

    def create(self, username: str, *, ceiling: str | Iterable[str]) -> ServiceAccount:
        """Make one, which may give users these scopes at most: no more than those of the client's token."""
        return self._shell.run(_create(username, ceiling))

    def update(
        self, username: str, *, ceiling: str | Iterable[str] | None = None, disabled: bool | None = None
    ) -> ServiceAccount:
        """Give one another ceiling, disable it or enable it again; None stays. Raises NotFound."""
        return self._shell.run(_update(username, ceiling, disabled))

    def delete(self, username: str) -> None:
        """Delete one, whose tokens are refused from then on; those that it gave users stay. Raises NotFound."""
        self._shell.run(Call("DELETE", _place(username), read_nothing))

    def create_token(self, username: str, *, scopes: str | Iterable[str], **new: Unpack[Restricted]) -> TokenRecord:
        """Make a token of one, with scopes such as `tokenry_tokens:read_write`; its `secret` is shown this once."""
        return self._shell.run(_create_token(username, scopes, new))


class AsyncServiceAccounts:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def list(self, filter: Condition | Mapping[str, Any] | None = None) -> AsyncIterator[ServiceAccount]:
        """Go through them; each page is asked for when it is needed."""
        walk: Walk[ServiceAccount] = Walk(calls.PAGE_SIZE_DEFAULT, find_limit(filter), name=attrgetter("username"))
        while walk.page is not None:
            for account in walk.take(await self._shell.run(_list(walk.page, walk.size, filter))):
                yield account

    async def get(self, username: str) -> ServiceAccount:
        """One of them. Raises NotFound."""
        return await self._shell.run(Call("GET", _place(username), _read))

    async def create(self, username: str, *, ceiling: str | Iterable[str]) -> ServiceAccount:
        """Make one, which may give users these scopes at most: no more than those of the client's token."""
        return await self._shell.run(_create(username, ceiling))

    async def update(
        self, username: str, *, ceiling: str | Iterable[str] | None = None, disabled: bool | None = None
    ) -> ServiceAccount:
        """Give one another ceiling, disable it or enable it again; None stays. Raises NotFound."""
        return await self._shell.run(_update(username, ceiling, disabled))

    async def delete(self, username: str) -> None:
        """Delete one, whose tokens are refused from then on; those that it gave users stay. Raises NotFound."""
        await self._shell.run(Call("DELETE", _place(username), read_nothing))

    async def create_token(
        self, username: str, *, scopes: str | Iterable[str], **new: Unpack[Restricted]
    ) -> TokenRecord:
        """Make a token of one, with scopes such as `tokenry_tokens:read_write`; its `secret` is shown this once."""
        return await self._shell.run(_create_token(username, scopes, new))


def _list(page: int, size: int, filter: Condition | Mapping[str, Any] | None) -> Call[Page[ServiceAccount]]:
    asked = calls.list_users(PLACE, page=page, page_size=size, filter=write_filter(filter, None))
    return asked.reading(_read_page, calls.shows_nothing)


def _create(username: str, ceiling: str | Iterable[str]) -> Call[ServiceAccount]:
    return Call("POST", PLACE, _read, body={"username": username, "ceiling": calls.write_scopes(ceiling)})


def _update(username: str, ceiling: str | Iterable[str] | None, disabled: bool | None) -> Call[ServiceAccount]:  # noqa: FBT001 - as it is called
    body = calls.without_none({"ceiling": calls.write_scopes(ceiling), "disabled": disabled})
    return Call("PATCH", _place(username), _read, body=body)


def _create_token(username: str, scopes: str | Iterable[str], new: Restricted) -> Call[TokenRecord]:
    calls.check_names(new, Restricted, "There is no {} of a service account's token")
    wanted = cast("NewToken", {"scopes": scopes, **new})
    return calls.make_token(f"{_place(username)}/tokens", wanted, now=datetime.now(UTC), keyed=False)


def _place(username: str) -> str:
    return f"{PLACE}/{calls.write_name(username, 'username')}"


def _read(request: str, answer: Answer) -> ServiceAccount:
    return _read_row(Row.of(request, answer))


def _read_page(request: str, answer: Answer) -> Page[ServiceAccount]:
    return read_page(Row.of(request, answer), _read_row)


def _read_row(row: Row) -> ServiceAccount:
    return ServiceAccount(
        username=row.text("username"),
        ceiling=row.scopes("ceiling"),
        disabled=row.truth("disabled"),
        created=row.time("created"),
    )
