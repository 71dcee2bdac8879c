"""The policy of the whole installation: calls, and what people call."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from tokenry.client import calls
from tokenry.client.answers import read_page
from tokenry.client.calls import Call
from tokenry.client.rows import Row
from tokenry.client.shells import AsyncShell, Shell
from tokenry.client.tokens import Page
from tokenry.client.transport import Answer
from tokenry.client.walk import Walk

PLACE = "/v4/tokenry/policy"
KINDS = ("admin", "user", "proxy", "service")
"""Kinds of users, by which some rules go."""


class PolicyChanges(TypedDict, total=False):
    """What is to be different about the policy; what is left out stays, and None is no limit.

    `max_lifetime` is in whole hours. `scopes` and `requests_per_minute` go by the kind of user, of KINDS: one that is
    left out stays. `second_factor` is `nobody`, `administrators` or `everybody`.
    """

    max_lifetime: timedelta | None
    expiry_required: bool
    max_tokens: int | None
    scopes: Mapping[str, str | Iterable[str]]
    requests_per_minute: Mapping[str, int | None]
    second_factor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRules:
    """The rules of a policy; None is no limit."""

    max_lifetime: timedelta | None
    expiry_required: bool
    max_tokens: int | None
    scopes: Mapping[str, tuple[str, ...]]
    requests_per_minute: Mapping[str, int | None]
    second_factor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortening:
    """How far the shortening of tokens is that `by` asked for: how many have expired at once, how many will sooner."""

    max_lifetime: timedelta
    by: str
    expired: int
    expire_sooner: int
    started: datetime
    ended: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationPolicy:
    """The policy; `version` tells it from another. `shortening` is the last one that was asked for."""

    rules: PolicyRules
    version: str
    shortening: Shortening | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyDifference:
    """A rule that would be another, of a kind of user or of all; for how many users it is."""

    rule: str
    kind: str | None
    users: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlivingOfUser:
    """How many of a user's tokens would expire at once, and how many sooner than they do."""

    username: str
    at_once: int
    sooner: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyPreview:
    """What a change would make of the policy of this `version`, and do.

    So many live tokens of so many users outlive the maximum lifetime, some of them past it; some are of other accounts.
    So many users would need a second factor and have none, perhaps `without_second_factor_yourself`; and so many could
    make no further token. The first hundred users of the own account are named.
    """

    version: str
    current: PolicyRules
    wanted: PolicyRules
    changes: tuple[PolicyDifference, ...]
    outliving: int
    outliving_at_once: int
    outliving_users: int
    outliving_elsewhere: int
    outliving_by_user: tuple[OutlivingOfUser, ...]
    without_second_factor: int
    without_second_factor_elsewhere: int
    without_second_factor_usernames: tuple[str, ...]
    without_second_factor_yourself: bool
    users_without_room: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlivingToken:
    """A token that outlives a maximum lifetime, and when it would expire; None for never."""

    id: int
    username: str
    label: str
    expiry: datetime | None
    shortened_expiry: datetime


class InstallationPolicies:
    """The policy, for administrators of the account that the installation began with."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def get(self) -> InstallationPolicy:
        """Read it."""
        return self._shell.run(Call("GET", PLACE, _read))

    def preview(self, **wanted: Unpack[PolicyChanges]) -> PolicyPreview:
        """What a change would do, and to whom; nothing is changed."""
        return self._shell.run(_preview(wanted))

    def update(
        self, *, shorten_existing: bool = False, version: str | None = None, **wanted: Unpack[PolicyChanges]
    ) -> InstallationPolicy:
        """Change it. With `shorten_existing`, tokens that outlive it are shortened as well, which nobody can undo.

        With the `version` of a preview, raises Conflict where the policy is another by now.
        """
        return self._shell.run(_update(wanted, shorten_existing, version))

    def outliving_tokens(self, max_lifetime: timedelta | None = None) -> Iterator[OutlivingToken]:
        """Go through the tokens of the account that outlive a maximum lifetime, or else that of the policy, by id."""
        walk: Walk[OutlivingToken] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            yield from walk.take(self._shell.run(_outliving(max_lifetime, walk.page, walk.size)))


class AsyncInstallationPolicies:
    """The same for event loops."""

    def __init__(self, shell: AsyncShell) -> None:
        self._shell = shell

    async def get(self) -> InstallationPolicy:
        """Read it."""
        return await self._shell.run(Call("GET", PLACE, _read))

    async def preview(self, **wanted: Unpack[PolicyChanges]) -> PolicyPreview:
        """What a change would do, and to whom; nothing is changed."""
        return await self._shell.run(_preview(wanted))

    async def update(
        self, *, shorten_existing: bool = False, version: str | None = None, **wanted: Unpack[PolicyChanges]
    ) -> InstallationPolicy:
        """Change it. With `shorten_existing`, tokens that outlive it are shortened as well, which nobody can undo.

        With the `version` of a preview, raises Conflict where the policy is another by now.
        """
        return await self._shell.run(_update(wanted, shorten_existing, version))

    async def outliving_tokens(self, max_lifetime: timedelta | None = None) -> AsyncIterator[OutlivingToken]:
        """Go through the tokens of the account that outlive a maximum lifetime, or else that of the policy, by id."""
        walk: Walk[OutlivingToken] = Walk(calls.PAGE_SIZE_DEFAULT)
        while walk.page is not None:
            for token in walk.take(await self._shell.run(_outliving(max_lifetime, walk.page, walk.size))):
                yield token


def _preview(wanted: PolicyChanges) -> Call[PolicyPreview]:
    return Call("POST", f"{PLACE}/preview", _read_preview, body=_write(wanted))


def _update(wanted: PolicyChanges, shorten: bool, version: str | None) -> Call[InstallationPolicy]:  # noqa: FBT001 - as it is called
    body = {**_write(wanted), "shorten_existing": shorten}
    return Call("PUT", PLACE, _read, body=body if version is None else {**body, "version": version})


def _outliving(max_lifetime: timedelta | None, page: int, size: int) -> Call[Page[OutlivingToken]]:
    asked = calls.list_users(f"{PLACE}/outliving-tokens", page=page, page_size=size, filter=None)
    lifetime = () if max_lifetime is None else (("max_lifetime_seconds", f"{_seconds(max_lifetime):d}"),)
    return replace(asked, query=(*asked.query, *lifetime)).reading(_read_outliving, calls.shows_nothing)


def _write(wanted: PolicyChanges) -> dict[str, Any]:
    body: dict[str, Any] = {**wanted}
    if "max_lifetime" in wanted:
        lifetime = body.pop("max_lifetime")
        body["max_lifetime_seconds"] = None if lifetime is None else _seconds(lifetime)
    if "scopes" in wanted:
        body["scopes"] = {
            kind: scopes if isinstance(scopes, str) else " ".join(scopes) for kind, scopes in wanted["scopes"].items()
        }
    if "requests_per_minute" in wanted:
        body["requests_per_minute"] = {**wanted["requests_per_minute"]}
    return body


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _read(request: str, answer: Answer) -> InstallationPolicy:
    row = Row.of(request, answer)
    under_way = row.if_any("shortening", row.row)
    return InstallationPolicy(
        rules=_read_rules(row),
        version=row.text("version"),
        shortening=None if under_way is None else _read_shortening(under_way),
    )


def _read_shortening(row: Row) -> Shortening:
    return Shortening(
        max_lifetime=timedelta(seconds=row.number("max_lifetime_seconds")),
        by=row.text("by"),
        expired=row.number("expired"),
        expire_sooner=row.number("expire_sooner"),
        started=row.time("started"),
        ended=row.if_any("ended", row.time),
    )


def _read_rules(row: Row) -> PolicyRules:
    scopes, limits = row.row("scopes"), row.row("requests_per_minute")
    seconds = row.if_any("max_lifetime_seconds", row.number)
    return PolicyRules(
        max_lifetime=None if seconds is None else timedelta(seconds=seconds),
        expiry_required=row.truth("expiry_required"),
        max_tokens=row.if_any("max_tokens", row.number),
        scopes={kind: scopes.scopes(kind) for kind in KINDS},
        requests_per_minute={kind: limits.if_any(kind, limits.number) for kind in KINDS},
        second_factor=row.text("second_factor"),
    )


def _read_preview(request: str, answer: Answer) -> PolicyPreview:
    row = Row.of(request, answer)
    outliving, lacking = row.row("outliving"), row.row("without_second_factor")
    return PolicyPreview(
        version=row.text("version"),
        current=_read_rules(row.row("current")),
        wanted=_read_rules(row.row("wanted")),
        changes=tuple(
            PolicyDifference(rule=each.text("rule"), kind=each.if_any("kind", each.text), users=each.number("users"))
            for each in row.rows("changes")
        ),
        outliving=outliving.number("tokens"),
        outliving_at_once=outliving.number("at_once"),
        outliving_users=outliving.number("users"),
        outliving_elsewhere=outliving.number("other_accounts"),
        outliving_by_user=tuple(
            OutlivingOfUser(
                username=each.text("username"), at_once=each.number("at_once"), sooner=each.number("sooner")
            )
            for each in outliving.rows("by_user")
        ),
        without_second_factor=lacking.number("users"),
        without_second_factor_elsewhere=lacking.number("other_accounts"),
        without_second_factor_usernames=lacking.texts("usernames"),
        without_second_factor_yourself=lacking.truth("yourself"),
        users_without_room=row.number("users_without_room"),
    )


def _read_outliving(request: str, answer: Answer) -> Page[OutlivingToken]:
    return read_page(Row.of(request, answer), _read_outliving_row)


def _read_outliving_row(row: Row) -> OutlivingToken:
    return OutlivingToken(
        id=row.number("id"),
        username=row.text("username"),
        label=row.text("label"),
        expiry=row.expiry("expiry"),
        shortened_expiry=row.time("shortened_expiry"),
    )
