"""`tokenry policy …`: what is allowed in all accounts, for administrators of the first."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any

import typer

from tokenry.cli.access import Connection
from tokenry.cli.expiry import read_span
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output, Row, write_time
from tokenry.cli.policy_rules import NOTHING_NAMED, STAY, GivenRules, ShortenExisting, policy_printer, write_rules
from tokenry.cli.running import complain, confirm, group
from tokenry.client import InstallationPolicy, OutlivingToken, PolicyPreview
from tokenry.spans import write_span

MORE = ("version", "shortening")
EFFECT = ("effect", "who", "number")
OUTLIVING = tuple(field.name for field in fields(OutlivingToken))
KEPT = "The policy is as it was"

app = group(help="Show, preview and change what is allowed in all accounts.", no_args_is_help=True)


@app.command()
@takes_groups
def show(output: Output, connection: Connection) -> None:
    """Show the policy, and how far the shortening of tokens is that was asked for last."""
    printer = policy_printer(output, *MORE, bare="version")
    with connection.open() as client:
        printer.write_one(_write(client.policy.get()))


@app.command()
@takes_groups
def preview(output: Output, connection: Connection, rules: GivenRules) -> None:
    """Say what a change would do, and to whom. Nothing is changed."""
    printer = output.of(EFFECT, bare="number")
    wanted = rules.read()
    with connection.open() as client:
        printer.write(_list_effects(client.policy.preview(**wanted)))


@app.command("set")
@takes_groups
def set_policy(
    output: Output,
    connection: Connection,
    rules: GivenRules,
    shorten_existing: ShortenExisting = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Change the policy; what is not named stays, and so do tokens that there are unless they are to be shortened."""
    printer = policy_printer(output, *MORE, bare="version")
    wanted = rules.read()
    if not wanted and not shorten_existing:
        raise typer.BadParameter(NOTHING_NAMED)
    with connection.open() as client:
        version = None
        if shorten_existing and not (yes or connection.curl):
            shown = client.policy.preview(**wanted)
            version = shown.version
            _ask(shown, rules)
        changed = client.policy.update(shorten_existing=shorten_existing, version=version, **wanted)
        printer.write_one(_write(changed))
    if shorten_existing:
        complain("Existing tokens are being shortened: `tokenry policy show` says how far that is.")
    elif wanted.get("max_lifetime") is not None:
        complain(STAY)


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


def _ask(shown: PolicyPreview, rules: GivenRules) -> None:
    if shown.outliving:
        sooner = shown.outliving - shown.outliving_at_once
        command = f"tokenry policy preview {rules.write()}".rstrip()
        complain(
            f"Of the existing tokens, {shown.outliving_at_once} would expire at once, and {sooner} sooner than they do"
            f" now: `{command}` says whose. Nobody can undo it."
        )
        confirm("Go on?", KEPT)


def _list_effects(shown: PolicyPreview) -> Iterator[Row]:
    for each in shown.changes:
        yield _effect(f"{each.rule.removesuffix('_seconds')} changes", each.kind or "everybody", each.users)
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
            "max_lifetime": write_span(under_way.max_lifetime),
            "by": under_way.by,
            "expired": under_way.expired,
            "expire_sooner": under_way.expire_sooner,
            "started": write_time(under_way.started),
            "ended": write_time(under_way.ended),
        }
    return {**write_rules(policy.rules), "version": policy.version, "shortening": shortening}


def _write_token(token: OutlivingToken) -> Row:
    return {
        **{name: getattr(token, name) for name in OUTLIVING},
        "expiry": write_time(token.expiry),
        "shortened_expiry": write_time(token.shortened_expiry),
    }
