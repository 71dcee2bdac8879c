"""`tokenry user …`: the users of a product, by the product's names for them."""

from functools import reduce
from operator import and_
from typing import Annotated, Literal, Unpack

import typer

from tokenry.cli.access import Connection
from tokenry.cli.issuing import require_delivery
from tokenry.cli.metadata import ChangedMetadata, read_metadata
from tokenry.cli.options import COUNT_MAX, read_text, takes_groups
from tokenry.cli.output import Output
from tokenry.cli.rows import PAGE_TOKEN, SPARE_OF_USER, USER, write_page_token, write_user
from tokenry.cli.running import complain, confirm, group
from tokenry.cli.whose import ExternalId
from tokenry.client import Order, where
from tokenry.client.tokens import UserChanges
from tokenry.printable import printable

PAGE_SIZE_MAX = 500
BARE = "external_id"
KEPT = "Nothing was deleted"
STAYS = "Nothing was revoked"
SHOWN_ONCE = "This is the only time that the page token is shown. It ends by itself."

app = group(
    help="List, view, make, change, disable, delete your product's users; make page tokens.", no_args_is_help=True
)

Username = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", parser=read_text, show_default="as it is", help="What verification calls the user; unique."
    ),
]
Email = Annotated[
    str | None, typer.Option(metavar="TEXT", parser=read_text, show_default="as it is", help="The user's address.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


@app.command("list")
@takes_groups
def list_users(
    output: Output,
    connection: Connection,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            parser=read_text,
            show_default=False,
            help="Show only users whose id contains this.",
        ),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=read_text, show_default=False, help="Show only users with this address."),
    ] = None,
    order_by: Annotated[
        Literal["external_id", "username", "email"] | None,
        typer.Option(show_default="as they were made", help="Sort by this column."),
    ] = None,
    order: Annotated[Literal["asc", "desc"], typer.Option(help="With --order-by: sort up or down.")] = "asc",
    limit: Annotated[
        int | None, typer.Option(min=1, max=COUNT_MAX, show_default=False, help="Show at most this many.")
    ] = None,
) -> None:
    """List the users of your product."""
    printer = output.of(USER, bare=BARE, spare=SPARE_OF_USER)
    conditions = [] if email is None else [where.email == email]
    if search is not None:
        conditions.append(where.external_id.contains(search))
    filter = reduce(and_, conditions) if conditions else None
    ordered = None if order_by is None else Order(order_by, order == "desc")
    with connection.open() as client:
        rows = map(write_user, client.users.list(filter, order_by=ordered, page_size=PAGE_SIZE_MAX))
        printer.write_list(rows, limit)


@app.command()
@takes_groups
def view(external_id: ExternalId, output: Output, connection: Connection) -> None:
    """Show one user."""
    printer = output.of(USER, bare=BARE)
    with connection.open() as client:
        printer.write_one(write_user(client.users.get(external_id)))


@app.command()
@takes_groups
def put(
    external_id: ExternalId,
    output: Output,
    connection: Connection,
    username: Username = None,
    email: Email = None,
    metadata: ChangedMetadata = None,
) -> None:
    """Make a user, or change what you say of one that is there. It may be repeated."""
    printer = output.of(USER, bare=BARE)
    wanted: UserChanges = {"username": username, "email": email, "metadata": read_metadata(metadata)}
    with connection.open() as client:
        printer.write_one(write_user(client.users.put(external_id, **wanted)))


@app.command()
@takes_groups
def disable(external_id: ExternalId, output: Output, connection: Connection) -> None:
    """Refuse all of a user's tokens from this moment on."""
    _update(external_id, output, connection, disabled=True)


@app.command()
@takes_groups
def enable(external_id: ExternalId, output: Output, connection: Connection) -> None:
    """Let a disabled user's tokens in again."""
    _update(external_id, output, connection, disabled=False)


@app.command()
@takes_groups
def delete(external_id: ExternalId, connection: Connection, yes: Yes = False, quiet: Quiet = False) -> None:
    """Delete a user, and refuse all of its tokens from that moment on; nobody can undo it."""
    with connection.open() as client:
        if not (yes or connection.curl):
            confirm(f"Delete user {external_id} and revoke all of its tokens?", KEPT)
        client.users.delete(external_id)
    if not quiet:
        print(f"User {printable(external_id)} is deleted, and all of its tokens are revoked.")


@app.command()
@takes_groups
def revoke_all(external_id: ExternalId, connection: Connection, yes: Yes = False, quiet: Quiet = False) -> None:
    """Revoke all tokens of a user, and end what the user let applications in for."""
    with connection.open() as client:
        if not (yes or connection.curl):
            confirm(f"Revoke all tokens of user {external_id}?", STAYS)
        number = client.users.tokens(external_id).revoke_all()
    if not quiet:
        print(f"{number} {'token' if number == 1 else 'tokens'} of user {printable(external_id)} revoked.")


@app.command()
@takes_groups
def page_token(external_id: ExternalId, output: Output, connection: Connection) -> None:
    """Make a token by which a page of your product manages a user's tokens for 15 minutes; -q prints it alone."""
    printer = output.of(PAGE_TOKEN, bare="token")
    require_delivery()
    with connection.open() as client:
        printer.write_one(write_page_token(client.users.create_page_token(external_id)))
    if printer.is_table:
        complain(SHOWN_ONCE)


def _update(external_id: str, output: Output, connection: Connection, **changes: Unpack[UserChanges]) -> None:
    printer = output.of(USER, bare=BARE)
    with connection.open() as client:
        printer.write_one(write_user(client.users.update(external_id, **changes)))
