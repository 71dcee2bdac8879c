"""`tokenry policy …`: what is allowed in all accounts, for administrators of the first."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from tokenry.cli.access import Connection
from tokenry.cli.expiry import read_span
from tokenry.cli.limits import NO_LIMIT, read_kind, read_number
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output, Row, write_time
from tokenry.cli.running import complain, confirm, group
from tokenry.client import InstallationPolicy, OutlivingToken, PolicyPreview, PolicyRules
from tokenry.client.policy import KINDS, PolicyChanges

RULES = ("max_lifetime_seconds", "expiry_required", "max_tokens", "scopes", "requests_per_minute", "second_factor")
COLUMNS = (*RULES, "version", "shortening")
EFFECT = ("effect", "who", "number")
OUTLIVING = tuple(field.name for field in fields(OutlivingToken))
ANY = "any"
LIMIT_MAX = 1_000_000
"""Of tokens of a user, and of requests in a minute: what the service takes at most."""
KEPT = "The policy is as it was"
_KINDS = ", ".join(KINDS)

app = group(help="Show, preview and change what is allowed in all accounts.", no_args_is_help=True)


class Concerned(StrEnum):
    """Who may not sign in by a password alone."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


MaxLifetime = Annotated[
    str | None,
    typer.Option(metavar="SPAN", show_default="as it is", help="How long tokens may live: 90d, 12h, 4w, or none."),
]
ExpiryRequired = Annotated[
    bool | None,
    typer.Option(
        "--expiry-required/--no-expiry-required", show_default="as it is", help="Whether an expiry has to be given."
    ),
]
MaxTokens = Annotated[
    str | None,
    typer.Option(metavar="N", show_default="as it is", help="How many live tokens a user may have, or none."),
]
ScopesOf = Annotated[
    list[str] | None,
    typer.Option(
        "--scopes",
        metavar="KIND=SCOPES",
        show_default="as they are",
        help=f"What a kind of user ({_KINDS}) may have, or KIND=any. Repeatable.",
    ),
]
RequestsPerMinute = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND=N",
        show_default="as it is",
        help="How often each token of a kind of user may be used, or KIND=none. Repeatable.",
    ),
]
SecondFactor = Annotated[
    Concerned | None, typer.Option(show_default="as it is", help="Who may not sign in by a password alone.")
]


@app.command()
@takes_groups
def show(output: Output, connection: Connection) -> None:
    """Show the policy, and how far the shortening of tokens is that was asked for last."""
    printer = output.of(COLUMNS, bare="version")
    with connection.open() as client:
        printer.write_one(_write(client.policy.get()))


@app.command()
@takes_groups
def preview(
    output: Output,
    connection: Connection,
    max_lifetime: MaxLifetime = None,
    expiry_required: ExpiryRequired = None,
    max_tokens: MaxTokens = None,
    scopes: ScopesOf = None,
    requests_per_minute: RequestsPerMinute = None,
    second_factor: SecondFactor = None,
) -> None:
    """Say what a change would do, and to whom. Nothing is changed."""
    printer = output.of(EFFECT, bare="number")
    wanted = _read(max_lifetime, expiry_required, max_tokens, scopes, requests_per_minute, second_factor)
    with connection.open() as client:
        printer.write(_list_effects(client.policy.preview(**wanted)))


@app.command("set")
@takes_groups
def set_policy(
    output: Output,
    connection: Connection,
    max_lifetime: MaxLifetime = None,
    expiry_required: ExpiryRequired = None,
    max_tokens: MaxTokens = None,
    scopes: ScopesOf = None,
    requests_per_minute: RequestsPerMinute = None,
    second_factor: SecondFactor = None,
    keep_existing: Annotated[bool, typer.Option("--keep-existing", help="Leave existing tokens as they are.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Change the policy; what is not named stays. A lower maximum lifetime concerns existing tokens too."""
    printer = output.of(COLUMNS, bare="version")
    wanted = _read(max_lifetime, expiry_required, max_tokens, scopes, requests_per_minute, second_factor)
    if not wanted:
        raise typer.BadParameter("name at least one rule")
    shorten = wanted.get("max_lifetime") is not None and not keep_existing
    with connection.open() as client:
        version = None
        if shorten and not (yes or connection.curl):
            shown = client.policy.preview(**wanted)
            version = shown.version
            _ask(shown)
        changed = client.policy.update(shorten_existing=shorten, version=version, **wanted)
        printer.write_one(_write(changed))
    if shorten:
        complain("Existing tokens are being shortened: `tokenry policy show` says how far that is.")


@app.command("tokens")
@takes_groups
def list_tokens(
    output: Output,
    connection: Connection,
    max_lifetime: Annotated[
        str | None,
        typer.Option(metavar="SPAN", show_default="that of the policy", help="The maximum lifetime: 90d, 12h, 4w."),
    ] = None,
) -> None:
    """List the tokens of your account that outlive a maximum lifetime, and when they would expire."""
    printer = output.of(OUTLIVING)
    lifetime = None if max_lifetime is None else read_span(max_lifetime, "--max-lifetime")
    with connection.open() as client:
        printer.write(map(_write_token, client.policy.outliving_tokens(lifetime)))


def _ask(shown: PolicyPreview) -> None:
    if shown.outliving:
        sooner = shown.outliving - shown.outliving_at_once
        complain(
            f"Of the existing tokens, {shown.outliving_at_once} would expire at once, and {sooner} sooner than they do"
            f" now: `tokenry policy preview` says whose. Nobody can undo it."
        )
        confirm("Go on?", f"{KEPT}; there are --yes and --keep-existing")


def _read(
    max_lifetime: str | None,
    expiry_required: bool | None,  # noqa: FBT001 - as it is called
    max_tokens: str | None,
    scopes: Sequence[str] | None,
    requests_per_minute: Sequence[str] | None,
    second_factor: Concerned | None,
) -> PolicyChanges:
    wanted: PolicyChanges = {}
    if max_lifetime is not None:
        wanted["max_lifetime"] = None if max_lifetime == NO_LIMIT else read_span(max_lifetime, "--max-lifetime")
    if expiry_required is not None:
        wanted["expiry_required"] = expiry_required
    if max_tokens is not None:
        wanted["max_tokens"] = read_number(max_tokens, LIMIT_MAX, "--max-tokens")
    if scopes:
        allowed = dict(read_kind(text, KINDS, "KIND=…", "--scopes") for text in scopes)
        wanted["scopes"] = {kind: "*" if text == ANY else text for kind, text in allowed.items()}
    if requests_per_minute:
        option = "--requests-per-minute"
        limits = dict(read_kind(text, KINDS, "KIND=…", option) for text in requests_per_minute)
        wanted["requests_per_minute"] = {kind: read_number(text, LIMIT_MAX, option) for kind, text in limits.items()}
    if second_factor is not None:
        wanted["second_factor"] = second_factor.value
    return wanted


def _list_effects(shown: PolicyPreview) -> Iterator[Row]:
    for each in shown.changes:
        yield _effect(f"{each.rule} changes", each.kind or "everybody", each.users)
    yield _effect("expires at once", "all accounts", shown.outliving_at_once)
    yield _effect("expires sooner", "all accounts", shown.outliving - shown.outliving_at_once)
    for user in shown.outliving_by_user:
        yield _effect("expires at once", user.username, user.at_once)
        yield _effect("expires sooner", user.username, user.sooner)
    yield _effect("lacks a second factor", "all accounts", shown.without_second_factor)
    for username in shown.without_second_factor_usernames:
        yield _effect("lacks a second factor", username, 1)
    yield _effect("may make no further token", "all accounts", shown.users_without_room)


def _effect(effect: str, who: str, number: int) -> Row:
    return {"effect": effect, "who": who, "number": number}


def _write(policy: InstallationPolicy) -> Row:
    under_way = policy.shortening
    shortening: dict[str, Any] | None = None
    if under_way is not None:
        shortening = {
            "max_lifetime_seconds": _seconds(under_way.max_lifetime),
            "by": under_way.by,
            "expired": under_way.expired,
            "expire_sooner": under_way.expire_sooner,
            "started": write_time(under_way.started),
            "ended": write_time(under_way.ended),
        }
    return {**_write_rules(policy.rules), "version": policy.version, "shortening": shortening}


def _write_rules(rules: PolicyRules) -> Row:
    return {
        "max_lifetime_seconds": None if rules.max_lifetime is None else _seconds(rules.max_lifetime),
        "expiry_required": rules.expiry_required,
        "max_tokens": rules.max_tokens,
        "scopes": {kind: " ".join(scopes) for kind, scopes in rules.scopes.items()},
        "requests_per_minute": dict(rules.requests_per_minute),
        "second_factor": rules.second_factor,
    }


def _write_token(token: OutlivingToken) -> Row:
    return {
        **{name: getattr(token, name) for name in OUTLIVING},
        "expiry": write_time(token.expiry),
        "shortened_expiry": write_time(token.shortened_expiry),
    }


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
