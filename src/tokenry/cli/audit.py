"""`tokenry audit …`: what was done in an account, or to oneself, as the service tells it."""

import sys
from functools import reduce
from itertools import islice
from operator import and_
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.options import COUNT_MAX, read_text, takes_groups
from tokenry.cli.output import Output
from tokenry.cli.progress import tracked
from tokenry.cli.rows import AUDIT_EVENT, write_audit_event
from tokenry.cli.running import group
from tokenry.client import where

app = group(help="List what was done in your account, or to you: who, when and from where.")


@app.callback()
def audit() -> None:
    """List what was done in your account, or to you: who, when and from where."""


@app.command("list")
@takes_groups
def list_audit(
    output: Output,
    connection: Connection,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            parser=read_text,
            show_default=False,
            help="Show only what was done to this, such as token:12.",
        ),
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", parser=read_text, show_default=False, help="Show only this, such as token.create."
        ),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Show only what this user did."),
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Show what was done to you and your tokens alone.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Show at most this many, the newest first.")] = 100,
) -> None:
    """List what was done, newest first: in your account, if you manage it, or with --mine to you."""
    printer = output.of(AUDIT_EVENT)
    asked = ((where.subject, subject), (where.action, action), (where.actor, actor))
    conditions = [field == wanted for field, wanted in asked if wanted is not None]
    filter = reduce(and_, conditions) if conditions else None
    with connection.open() as client:
        events = client.audit.list_own(filter) if mine else client.audit.list(filter)
        shown = printer.is_table or not sys.stdout.isatty()
        printer.write(tracked(islice(map(write_audit_event, events), limit), "Listing", shown=shown))
