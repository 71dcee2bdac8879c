"""`tokenry admin audit …`."""

import json
from typing import Annotated

import typer

from tokenry.cli.options import COUNT_MAX
from tokenry.operator.options import DatabaseUrl, DataDir, open_local
from tokenry.operator.tables import print_table
from tokenry.settings import DEFAULT_DATA_DIR
from tokenry.storage.audit import list_events

app = typer.Typer(help="The audit trail: who changed what, and when.", no_args_is_help=True)


@app.command("list")
def list_audit(
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="At most so many, the newest first.")] = 100,
    subject: Annotated[str | None, typer.Option(help="Only of this subject, such as token:12 or user:1.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database_url: DatabaseUrl = None,
) -> None:
    """List changes, newest first."""
    with open_local(data_dir, database_url).database.read() as connection:
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
