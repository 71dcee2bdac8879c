"""Rules of the policy as options, and as they are printed: over HTTP, and by the operator on the database."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from tokenry.cli.expiry import read_span
from tokenry.cli.limits import NO_LIMIT, read_kind, read_number
from tokenry.cli.output import Output, Printer, Row
from tokenry.client import PolicyRules
from tokenry.client.policy import KINDS, PolicyChanges
from tokenry.spans import write_span

RULES = ("max_lifetime", "expiry_required", "max_tokens", "scopes", "requests_per_minute", "second_factor")
"""Called as the API does, but for `max_lifetime_seconds`: times are spans here, as they are typed."""
NOTHING_NAMED = "name at least one rule"
STAY = "Existing tokens stay as they are: --shorten-existing shortens those that outlive the maximum lifetime."
ANY = "any"
LIMIT_MAX = 1_000_000
"""Of tokens of a user, and of requests in a minute: what the service takes at most."""
_KINDS = ", ".join(KINDS)


class Concerned(StrEnum):
    """Who may not sign in by a password alone."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


ShortenExisting = Annotated[
    bool, typer.Option("--shorten-existing", help="Shorten existing tokens that outlive the maximum lifetime, too.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRules:
    """The rules that are to be others, as options; those that are not named stay."""

    max_lifetime: Annotated[
        str | None,
        typer.Option(metavar="SPAN", show_default="as it is", help="How long tokens may live: 90d, 12h, 4w, or none."),
    ] = None
    expiry_required: Annotated[
        bool | None,
        typer.Option(
            "--expiry-required/--no-expiry-required", show_default="as it is", help="Whether an expiry has to be given."
        ),
    ] = None
    max_tokens: Annotated[
        str | None,
        typer.Option(metavar="N", show_default="as it is", help="How many live tokens a user may have, or none."),
    ] = None
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=SCOPES",
            show_default="as they are",
            help=f"What a kind of user ({_KINDS}) may have, or KIND=any. Repeatable.",
        ),
    ] = None
    requests_per_minute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=N",
            show_default="as it is",
            help=f"How often each token of a kind of user ({_KINDS}) may be used, where that is counted, or KIND=none."
            " Repeatable.",
        ),
    ] = None
    second_factor: Annotated[
        Concerned | None, typer.Option(show_default="as it is", help="Who may not sign in by a password alone.")
    ] = None

    def read(self) -> PolicyChanges:
        """Read what is to be different. Raises BadParameter."""
        wanted: PolicyChanges = {}
        if self.max_lifetime is not None:
            wanted["max_lifetime"] = _read_lifetime(self.max_lifetime)
        if self.expiry_required is not None:
            wanted["expiry_required"] = self.expiry_required
        if self.max_tokens is not None:
            wanted["max_tokens"] = read_number(self.max_tokens, LIMIT_MAX, "--max-tokens")
        if self.scopes:
            allowed = dict(read_kind(text, KINDS, "KIND=SCOPES or KIND=any", "--scopes") for text in self.scopes)
            wanted["scopes"] = {kind: "*" if text == ANY else text for kind, text in allowed.items()}
        if self.requests_per_minute:
            option = "--requests-per-minute"
            limits = dict(read_kind(text, KINDS, "KIND=N or KIND=none", option) for text in self.requests_per_minute)
            wanted["requests_per_minute"] = {
                kind: read_number(text, LIMIT_MAX, option) for kind, text in limits.items()
            }
        if self.second_factor is not None:
            wanted["second_factor"] = self.second_factor.value
        return wanted

    def write(self) -> str:
        """Write the options as they were given."""
        return shlex.join(self._words())

    def _words(self) -> Iterator[str]:
        for field in fields(self):
            name, value = field.name.replace("_", "-"), getattr(self, field.name)
            if isinstance(value, bool):
                yield f"--{name}" if value else f"--no-{name}"
            elif value is not None:
                for each in value if isinstance(value, list) else [value]:
                    yield from (f"--{name}", str(each))


def policy_printer(output: Output, *more: str, bare: str) -> Printer:
    """What prints a policy, with more columns than its rules."""
    return replace(output.of((*RULES, *more), bare=bare), absent=dict.fromkeys(RULES, NO_LIMIT))


def write_rules(rules: PolicyRules) -> Row:
    """The rules of a policy."""
    return {
        "max_lifetime": None if rules.max_lifetime is None else write_span(rules.max_lifetime),
        "expiry_required": rules.expiry_required,
        "max_tokens": rules.max_tokens,
        "scopes": {kind: " ".join(scopes) for kind, scopes in rules.scopes.items()},
        "requests_per_minute": dict(rules.requests_per_minute),
        "second_factor": rules.second_factor,
    }


def _read_lifetime(text: str) -> timedelta | None:
    if text == NO_LIMIT:
        return None
    span = read_span(text, "--max-lifetime", otherwise=", or none")
    if not span:
        raise typer.BadParameter("use a longer span, such as 12h, 90d or 4w, or none", param_hint="--max-lifetime")
    return span
