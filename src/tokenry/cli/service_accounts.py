"""`tokenry service-account …`: a product's backends, which administrators make."""

from dataclasses import asdict, fields
from typing import Annotated

import typer

from tokenry.cli.access import Connection
from tokenry.cli.expiry import read_expiry
from tokenry.cli.issuing import SHOWN_ONCE, issuing, perhaps_made, require_delivery
from tokenry.cli.options import read_text, takes_groups
from tokenry.cli.output import Output, Row, write_time
from tokenry.cli.restrictions import Restrictions
from tokenry.cli.rows import TOKEN, write_token
from tokenry.cli.running import complain, confirm, group
from tokenry.client.service_accounts import ServiceAccount
from tokenry.printable import printable

COLUMNS = tuple(field.name for field in fields(ServiceAccount))
BARE = "username"
KEPT = "Nothing was deleted"

app = group(help="List, make, change, disable and delete service accounts; make their tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", parser=read_text, help="The service account's name.")]
Ceiling = Annotated[str, typer.Option(metavar="SCOPES", help="The scopes that it may give users at most.")]


@app.command("list")
@takes_groups
def list_service_accounts(output: Output, connection: Connection) -> None:
    """List the service accounts of your account."""
    printer = output.of(COLUMNS, bare=BARE)
    with connection.open() as client:
        printer.write(map(_write, client.service_accounts.list()))


@app.command()
@takes_groups
def create(
    name: Name,
    output: Output,
    connection: Connection,
    ceiling: Ceiling,
) -> None:
    """Make a service account. It never signs in: make it a token."""
    printer = output.of(COLUMNS, bare=BARE)
    with connection.open() as client:
        printer.write_one(_write(client.service_accounts.create(name, ceiling=ceiling)))


@app.command()
@takes_groups
def update(
    name: Name,
    output: Output,
    connection: Connection,
    ceiling: Ceiling,
) -> None:
    """Give a service account another ceiling. What it gave users stays as it is."""
    _update(name, output, connection, ceiling=ceiling)


@app.command()
@takes_groups
def disable(name: Name, output: Output, connection: Connection) -> None:
    """Refuse all of a service account's tokens from this moment on."""
    _update(name, output, connection, disabled=True)


@app.command()
@takes_groups
def enable(name: Name, output: Output, connection: Connection) -> None:
    """Let a disabled service account's tokens in again."""
    _update(name, output, connection, disabled=False)


@app.command()
@takes_groups
def delete(
    name: Name,
    connection: Connection,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a service account, and refuse its tokens from that moment on; those that it gave users stay."""
    with connection.open() as client:
        if not (yes or connection.curl):
            confirm(f"Delete service account {printable(name)} and revoke all of its tokens?", KEPT)
        client.service_accounts.delete(name)
    print(f"Service account {printable(name)} is deleted, and all of its tokens are revoked.")


@app.command("create-token")
@takes_groups
def create_token(
    name: Name,
    output: Output,
    connection: Connection,
    restrictions: Restrictions,
    expires: Annotated[str, typer.Option(metavar="WHEN", help="90d, 12h, 2030-01-01T00:00:00 (UTC), or never.")],
    scopes: Annotated[str, typer.Option(help="Such as 'tokenry_users:read_write tokenry_tokens:read_write'.")],
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=read_text, show_default="token-<id>", help="The token's label.")
    ] = None,
) -> None:
    """Make a token of a service account. Its secret is shown only this once; with -q nothing else is printed."""
    printer = output.of(TOKEN, bare="token")
    expiry, restricted = read_expiry(expires, "--expires"), restrictions.read()
    require_delivery()
    found = "tokenry service-account list"
    with connection.open() as client, issuing(perhaps_made(label, found)) as issue:
        made = client.service_accounts.create_token(name, scopes=scopes, label=label, expiry=expiry, **restricted)
        issue.take_back = lambda: f"Token {made.id}, whose secret nobody has, is live: revoke it."
        printer.write_one(write_token(made))
    if printer.is_table:
        complain(SHOWN_ONCE)


def _update(
    name: str, output: Output, connection: Connection, *, ceiling: str | None = None, disabled: bool | None = None
) -> None:
    printer = output.of(COLUMNS, bare=BARE)
    with connection.open() as client:
        printer.write_one(_write(client.service_accounts.update(name, ceiling=ceiling, disabled=disabled)))


def _write(account: ServiceAccount) -> Row:
    return {**asdict(account), "ceiling": " ".join(account.ceiling), "created": write_time(account.created)}
