"""`tokenry verify -`."""

from dataclasses import replace
from typing import Annotated

import typer

from tokenry.cli.access import NO_TOKEN, Connection
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output, write_time
from tokenry.cli.running import NOT_VALID, alone
from tokenry.cli.secrets import STANDARD_INPUT, only_standard_input, read_token

COLUMNS = ("active", "reason", "user", "token_id", "account_id", "scopes", "expiry")


@takes_groups
def verify(
    source: Annotated[
        str, typer.Argument(metavar=STANDARD_INPUT, parser=only_standard_input, help="Read it from standard input.")
    ],
    output: Output,
    connection: Connection,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", show_default="none", help="What it has to cover. Repeatable.")
    ] = None,
) -> None:
    """Say whether a token is valid, whose it is and what it may do. Exit status 0 if it is, 5 if not."""
    printer = output.of(COLUMNS, bare="active")
    token = NO_TOKEN if connection.curl else read_token()
    with connection.open() as client:
        verdict = client.verify(token, scope or ())
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
    if not verdict.active:
        raise typer.Exit(NOT_VALID)


app = alone(verify)
