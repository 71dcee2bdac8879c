"""`tokenry admin service-account …`."""

from typing import Annotated

import typer

from tokenry.cli.running import group
from tokenry.operator.options import NAMING, operator, takes_settings
from tokenry.operator.usernames import ReuseName, naming_users
from tokenry.settings import Settings

app = group(help="Service accounts: backends that manage users and their tokens.", no_args_is_help=True)


@app.command()
@takes_settings(*NAMING, "scopes_file")
def create(
    username: Annotated[str, typer.Argument(help="The service account's name.")],
    ceiling: Annotated[str, typer.Option(help="The scopes that it may give users at most; * for all.")],
    account: Annotated[
        str | None, typer.Option(show_default="the first", help="Whose users it manages: an account's name or euuid.")
    ] = None,
    reuse_name: ReuseName = False,
    *,
    settings: Settings,
) -> None:
    """Make a service account. It never signs in: make it a token with scopes such as tokenry_tokens:read_write."""
    with naming_users(settings, reuse=reuse_name) as installation:
        allowed = installation.catalogue.require(ceiling, "--ceiling")
        user = installation.users.create_service_account(
            operator(), username=username, ceiling=allowed, account=account
        )
    print(f"Service account {user.username} was made (id {user.id}).")
