"""What tokens are used for, and keeping them to what they need: calls, and what people call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from tokenry.client import calls
from tokenry.client.answers import read_nothing
from tokenry.client.calls import Call
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.transport import Answer

PLACE = "/v4/tokenry/tokens"
OVERVIEW = "/v4/tokenry/overview"


@dataclass(frozen=True, kw_only=True, slots=True)
class DayOfUse:
    """How often tokens were accepted on a day (UTC), and refused, by reason."""

    day: date
    accepted: int
    refused: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeUse:
    """A scope, and the last day of thirty on which it was asked for; None for none of them."""

    scope: str
    asked: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """Which scopes a token needs, as far as what happened since a day tells.

    `sufficient` are those that would have been enough; None where nothing can be said, for a `reason`: `too_young`,
    `unused` or `unasked`.
    """

    since: date
    scopes: tuple[ScopeUse, ...]
    sufficient: tuple[str, ...] | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WouldBeRefusal:
    """How often a token would have been refused on a day for want of a scope, and when and from where last."""

    day: date
    scope: str
    number: int
    last: datetime
    last_address: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadow:
    """To which scopes a token is watched, since when and by whom, and what would have been refused, last day first."""

    scopes: tuple[str, ...]
    began: datetime
    began_by: str
    refusals: tuple[WouldBeRefusal, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OverviewDay(DayOfUse):
    """The same of all tokens of an account; how many were live, and how often something was nobody's token."""

    live: int
    unknown: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """All tokens of the account at a glance. `tokens` are the numbers of live ones, by kind; None at first."""

    days: tuple[OverviewDay, ...]
    tokens: Mapping[str, int] | None


class Activity:
    """What tokens are used for: one's own, and for administrators all of the account.

    Shadows and the overview are for administrators.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def list_days(self, token_id: int) -> tuple[DayOfUse, ...]:
        """What became of a token on the last ninety days, the first first. Raises NotFound."""
        return self._shell.run(_list_days(token_id))

    def advise(self, token_id: int) -> Advice:
        """Which scopes a token needs. Raises NotFound."""
        return self._shell.run(_advise(token_id))

    def get_shadow(self, token_id: int) -> Shadow:
        """To which scopes a token is watched, and what would have been refused. Raises NotFound if it is not."""
        return self._shell.run(_get_shadow(token_id))

    def watch(self, token_id: int, scopes: str | Iterable[str]) -> Shadow:
        """Watch whether a token could be kept to fewer scopes; nothing is refused for it. Raises NotFound."""
        return self._shell.run(_watch(token_id, scopes))

    def enforce(self, token_id: int, scopes: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Keep a token to the scopes to which it is watched; which these are. Raises NotFound.

        Raises Conflict where those are no longer the `scopes` that are given.
        """
        return self._shell.run(_enforce(token_id, scopes))

    def unwatch(self, token_id: int) -> None:
        """Watch a token no more: it keeps its scopes. Raises NotFound."""
        self._shell.run(_unwatch(token_id))

    def get_overview(self) -> Overview:
        """All tokens of the account at a glance."""
        return self._shell.run(_get_overview())


class AsyncActivity:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def list_days(self, token_id: int) -> tuple[DayOfUse, ...]:
        """What became of a token on the last ninety days, the first first. Raises NotFound."""
        return await self._shell.run(_list_days(token_id))

    async def advise(self, token_id: int) -> Advice:
        """Which scopes a token needs. Raises NotFound."""
        return await self._shell.run(_advise(token_id))

    async def get_shadow(self, token_id: int) -> Shadow:
        """To which scopes a token is watched, and what would have been refused. Raises NotFound if it is not."""
        return await self._shell.run(_get_shadow(token_id))

    async def watch(self, token_id: int, scopes: str | Iterable[str]) -> Shadow:
        """Watch whether a token could be kept to fewer scopes; nothing is refused for it. Raises NotFound."""
        return await self._shell.run(_watch(token_id, scopes))

    async def enforce(self, token_id: int, scopes: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Keep a token to the scopes to which it is watched; which these are. Raises NotFound.

        Raises Conflict where those are no longer the `scopes` that are given.
        """
        return await self._shell.run(_enforce(token_id, scopes))

    async def unwatch(self, token_id: int) -> None:
        """Watch a token no more: it keeps its scopes. Raises NotFound."""
        await self._shell.run(_unwatch(token_id))

    async def get_overview(self) -> Overview:
        """All tokens of the account at a glance."""
        return await self._shell.run(_get_overview())


def _list_days(token_id: int) -> Call[tuple[DayOfUse, ...]]:
    return Call("GET", f"{_place(token_id)}/activity", _read_days)


def _advise(token_id: int) -> Call[Advice]:
    return Call("GET", f"{_place(token_id)}/advice", _read_advice)


def _get_shadow(token_id: int) -> Call[Shadow]:
    return Call("GET", f"{_place(token_id)}/shadow", _read_shadow)


def _watch(token_id: int, scopes: str | Iterable[str]) -> Call[Shadow]:
    body = {"scopes": calls.write_scopes(scopes)}
    return Call("PUT", f"{_place(token_id)}/shadow", _read_shadow, body=body)


def _enforce(token_id: int, scopes: str | Iterable[str] | None) -> Call[tuple[str, ...]]:
    body = calls.without_none({"scopes": calls.write_scopes(scopes)})
    return Call("POST", f"{_place(token_id)}/shadow/enforce", _read_enforced, body=body)


def _unwatch(token_id: int) -> Call[None]:
    return Call("DELETE", f"{_place(token_id)}/shadow", read_nothing)


def _get_overview() -> Call[Overview]:
    return Call("GET", OVERVIEW, _read_overview)


def _place(token_id: int) -> str:
    return f"{PLACE}/{int(token_id)}"


def _read_days(request: str, answer: Answer) -> tuple[DayOfUse, ...]:
    return tuple(
        DayOfUse(day=_day(row, "day"), accepted=row.number("accepted"), refused=row.values("refused"))
        for row in Row.of(request, answer).rows("days")
    )


def _read_advice(request: str, answer: Answer) -> Advice:
    row = Row.of(request, answer)
    return Advice(
        since=_day(row, "since"),
        scopes=tuple(
            ScopeUse(scope=each.text("scope"), asked=each.if_any("asked", partial(_day, each)))
            for each in row.rows("scopes")
        ),
        sufficient=row.if_any("sufficient", row.scopes),
        reason=row.if_any("reason", row.text),
    )


def _read_shadow(request: str, answer: Answer) -> Shadow:
    row = Row.of(request, answer)
    return Shadow(
        scopes=row.scopes("scopes"),
        began=row.time("began"),
        began_by=row.text("began_by"),
        refusals=tuple(
            WouldBeRefusal(
                day=_day(each, "day"),
                scope=each.text("scope"),
                number=each.number("number"),
                last=each.time("last"),
                last_address=each.if_any("last_address", each.text),
            )
            for each in row.rows("refusals")
        ),
    )


def _read_enforced(request: str, answer: Answer) -> tuple[str, ...]:
    return Row.of(request, answer).scopes("scopes")


def _read_overview(request: str, answer: Answer) -> Overview:
    row = Row.of(request, answer)
    days = tuple(
        OverviewDay(
            day=_day(each, "day"),
            live=each.number("live"),
            accepted=each.number("accepted"),
            refused=each.values("refused"),
            unknown=each.number("unknown"),
        )
        for each in row.rows("days")
    )
    tokens: Mapping[str, Any] | None = row.if_any("tokens", row.values)
    return Overview(days=days, tokens=tokens)


def _day(row: Row, key: str) -> date:
    try:
        return date.fromisoformat(row.text(key))
    except ValueError:
        raise row.unreadable(key, "a day") from None
