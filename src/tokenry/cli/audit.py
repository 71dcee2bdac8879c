"""`tokenry audit …`: what was done in an account, or to oneself, as the service tells it."""

from functools import reduce
from operator import and_
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.options import AUDIT_SHOWN, AuditLimit, OfAction, OfActor, OfSubject, takes_groups
from tokenry.cli.output import Output
from tokenry.cli.rows import AUDIT_EVENT, SPARE_OF_AUDIT_EVENT, write_audit_event
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
    subject: OfSubject = None,
    action: OfAction = None,
    actor: OfActor = None,
    mine: Annotated[bool, typer.Option("--mine", help="Show what was done to you and your tokens alone.")] = False,
    limit: AuditLimit = None,
) -> None:
    """List what was done, newest first: in your account, if you manage it, or with --mine to you."""
    printer = output.of(AUDIT_EVENT, spare=SPARE_OF_AUDIT_EVENT)
    asked = ((where.subject, subject), (where.action, action), (where.actor, actor))
    conditions = [field == wanted for field, wanted in asked if wanted is not None]
    filter = reduce(and_, conditions) if conditions else None
    with connection.open() as client:
        events = client.audit.list_own(filter) if mine else client.audit.list(filter)
        printer.write_list(map(write_audit_event, events), limit, otherwise=AUDIT_SHOWN)
