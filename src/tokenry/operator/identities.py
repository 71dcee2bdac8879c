"""`tokenry admin user identity …`: who a user is to OpenID providers."""

from typing import Annotated

import typer

from tokenry.cli.running import group
from tokenry.operator.options import LOCAL, operator, takes_settings
from tokenry.operator.tables import print_table
from tokenry.printable import printable
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="Who a user is to OpenID providers.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The user's name.")]


@app.command("list")
@takes_settings(*LOCAL)
def list_identities(username: Username, *, settings: Settings) -> None:
    """List who a user is to providers, the oldest first."""
    found = open_installation(settings).identities.list_of_user(username)
    print_table(
        ("id", "issuer", "subject", "linked"),
        [(identity.id, identity.issuer, identity.subject, identity.created) for identity in found],
    )


@app.command()
@takes_settings(*LOCAL, "providers_file")
def add(
    username: Username,
    provider: Annotated[str, typer.Argument(help="The provider's name in the providers file.")],
    subject: Annotated[str, typer.Argument(help="What the provider calls the user: the claim sub, and no other.")],
    *,
    settings: Settings,
) -> None:
    """Let who a provider says is this subject sign in as a user."""
    known = {each.name: each for each in settings.providers()}
    if provider not in known:
        there = f"there are {', '.join(known)}" if known else "name the file of the service, --providers-file"
        raise typer.BadParameter(f"there is no provider of this name: {there}", param_hint="PROVIDER")
    added = open_installation(settings).identities.link(operator(), username, known[provider], subject)
    print(f"User {username} {'is now' if added else 'was already'} {printable(subject)} at {known[provider].issuer}.")


@app.command()
@takes_settings(*LOCAL)
def remove(
    username: Username,
    identity: Annotated[int, typer.Argument(metavar="ID", help="Of the list.")],
    *,
    settings: Settings,
) -> None:
    """Let somebody no longer sign in as a user by a provider, and sign the user out everywhere."""
    removed = open_installation(settings).identities.unlink(operator(), username, identity)
    print(f"User {username} is no longer {printable(removed.subject)} at {printable(removed.issuer)}.")
