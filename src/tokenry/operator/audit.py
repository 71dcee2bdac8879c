"""`tokenry admin audit …`."""

import json
from typing import Annotated

import typer

from tokenry.cli.options import COUNT_MAX
from tokenry.cli.running import group
from tokenry.operator.options import LOCAL, takes_settings
from tokenry.operator.tables import print_table
from tokenry.settings import Settings
from tokenry.storage.audit import list_events
from tokenry.wiring import open_installation

app = group(help="The audit trail: who changed what, and when.", no_args_is_help=True)


@app.command("list")
@takes_settings(*LOCAL)
def list_audit(
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Show at most this many, the newest first.")] = 100,
    subject: Annotated[
        str | None, typer.Option(help="Show only events of this subject, such as token:12 or user:1.")
    ] = None,
    *,
    settings: Settings,
) -> None:
    """List changes, newest first."""
    with open_installation(settings).database.read() as connection:
        events = list_events(connection, limit=limit, subject=subject)
    print_table(
        ("id", "at", "actor", "token", "address", "action", "subject", "details"),
        [
            (
                event.id,
                event.at,
                event.actor,
                event.actor_token_id,
                event.address,
                event.action,
                event.subject,
                json.dumps(event.details),
            )
            for event in events
        ],
    )
