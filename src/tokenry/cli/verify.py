"""`tokenry verify -`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from tokenry.cli.access import NO_TOKEN, Connection
from tokenry.cli.candidates import complete_scopes
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output, write_time
from tokenry.cli.running import FAILED, NOT_VALID, alone
from tokenry.cli.secrets import STANDARD_INPUT, only_standard_input, read_token

STEPS = ("check", "passed", "reason")
COLUMNS = ("active", "reason", "user", "token_id", "account_id", "scopes", "expiry")


@takes_groups
def verify(
    source: Annotated[
        str, typer.Argument(metavar=STANDARD_INPUT, parser=only_standard_input, help="Read it from standard input.")
    ],
    output: Output,
    connection: Connection,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            autocompletion=complete_scopes,
            show_default="none",
            help="A scope it has to cover. Repeatable.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say step by step what was found. For administrators, who log in.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", show_default="none", help="With --explain: the address it comes from."),
    ] = None,
) -> None:
    """Say whether a token is valid, whose it is and what it may do. Exit status 0 if it is, 5 if not."""
    if address is not None and not explain:
        raise typer.BadParameter("it needs --explain: otherwise your own address counts", param_hint="--address")
    active = _explain(output, connection, scope or (), address) if explain else _verify(output, connection, scope or ())
    if not active:
        raise typer.Exit(NOT_VALID)


def _verify(output: Output, connection: Connection, scopes: Sequence[str]) -> bool:
    printer = output.of(COLUMNS, bare="active")
    token = NO_TOKEN if connection.curl else read_token(FAILED)
    with connection.open() as client:
        verdict = client.verify(token, scopes)
    if not verdict.active:
        printer = replace(printer, absent={})
    printer.write_one(
        {
            "active": verdict.active,
            "reason": verdict.reason,
            "user": verdict.user,
            "token_id": verdict.token_id,
            "account_id": verdict.account_id,
            "scopes": " ".join(verdict.scopes) if verdict.active else None,
            "expiry": write_time(verdict.expires),
        }
    )
    return verdict.active


def _explain(output: Output, connection: Connection, scopes: Sequence[str], address: str | None) -> bool:
    printer = output.of(STEPS, bare="check")
    if connection.curl:
        raise typer.BadParameter("the line would contain the token to verify", param_hint="--curl")
    token = read_token(FAILED)
    with connection.open() as client:
        explanation = client.explain(token, scopes, address=address)
    printer.write({"check": step.check, "passed": step.passed, "reason": step.reason} for step in explanation.steps)
    return explanation.active


app = alone(verify)
