"""`tokenry preferences …`: the language in which the service speaks to you."""

from dataclasses import asdict
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.running import group

COLUMNS = ("language",)
NONE = "none"

app = group(help="Show and choose the language of pages and mail.", no_args_is_help=True)


@app.command()
@takes_groups
def show(output: Output, connection: Connection) -> None:
    """Show what you chose."""
    printer = output.of(COLUMNS, bare=COLUMNS[0])
    with connection.open() as client:
        printer.write_one(asdict(client.preferences.get()))


@app.command()
@takes_groups
def update(
    output: Output,
    connection: Connection,
    language: Annotated[str, typer.Option(help=f"Such as de; {NONE} takes the choice back.", show_default=False)],
) -> None:
    """Choose a language."""
    printer = output.of(COLUMNS, bare=COLUMNS[0])
    with connection.open() as client:
        printer.write_one(asdict(client.preferences.update(language=None if language == NONE else language)))
