"""`tokenry notifications …`: what you are told in time."""

from dataclasses import asdict, fields
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.running import group
from tokenry.client.notifications import NotificationChoices

COLUMNS = tuple(field.name for field in fields(NotificationChoices))

app = group(help="Show and choose what you are told in time.", no_args_is_help=True)


@app.command()
@takes_groups
def show(output: Output, connection: Connection) -> None:
    """Show what you are told."""
    printer = output.of(COLUMNS, bare=COLUMNS[0])
    with connection.open() as client:
        printer.write_one(asdict(client.notifications.get()))


@app.command()
@takes_groups
def update(
    output: Output,
    connection: Connection,
    token_expires: Annotated[
        bool | None,
        typer.Option(
            "--token-expires/--no-token-expires", help="That a token expires in 30, 7, 1 days.", show_default=False
        ),
    ] = None,
    token_leaked: Annotated[
        bool | None,
        typer.Option(
            "--token-leaked/--no-token-leaked", help="That a token was revoked, since it leaked.", show_default=False
        ),
    ] = None,
    new_network: Annotated[
        bool | None,
        typer.Option(
            "--new-network/--no-new-network", help="That a token is used from a new network.", show_default=False
        ),
    ] = None,
    revoked_token_used: Annotated[
        bool | None,
        typer.Option(
            "--revoked-token-used/--no-revoked-token-used",
            help="That a revoked token is presented.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Choose what you are told; what is not named stays."""
    printer = output.of(COLUMNS, bare=COLUMNS[0])
    with connection.open() as client:
        choices = client.notifications.update(
            token_expires=token_expires,
            token_leaked=token_leaked,
            new_network=new_network,
            revoked_token_used=revoked_token_used,
        )
        printer.write_one(asdict(choices))
