"""`tokenry admin account …`."""

from typing import Annotated

import typer

from tokenry.cli.running import group
from tokenry.domain.accounts import AccountChange
from tokenry.operator.options import LOCAL, NAMING, operator, takes_settings
from tokenry.operator.tables import print_table
from tokenry.operator.usernames import ReuseName, naming_users
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="Accounts: who has users. A parent account enters its child accounts.", no_args_is_help=True)


@app.command()
@takes_settings(*NAMING)
def create(
    company: Annotated[str, typer.Argument(help="Its name.")],
    parent: Annotated[
        str | None, typer.Option(show_default="none", help="The account it is a child of, by name or euuid.")
    ] = None,
    email: Annotated[str, typer.Option(help="Where to reach it, and its administrator.")] = "",
    admin: Annotated[
        str | None, typer.Option(show_default="none", help="Also make this user, as its administrator.")
    ] = None,
    reuse_name: ReuseName = False,
    *,
    settings: Settings,
) -> None:
    """Make an account."""
    with naming_users(settings, reuse=reuse_name) as installation:
        account = installation.accounts.create_account(
            operator(), company=company, email=email, parent=parent, admin=admin
        )
    print(f"Account {account.company} was made (euuid {account.euuid}).")
    if admin is not None:
        print(f"User {admin} was made, its administrator.")


@app.command()
@takes_settings(*LOCAL)
def update(
    account: Annotated[str, typer.Argument(help="Its name or euuid.")],
    company: Annotated[str | None, typer.Option(show_default="as it is", help="Another name.")] = None,
    email: Annotated[str | None, typer.Option(show_default="as it is", help="Where to reach it.")] = None,
    *,
    settings: Settings,
) -> None:
    """Give an account another name or address."""
    wanted = {name: value for name, value in (("company", company), ("email", email)) if value is not None}
    if not wanted:
        raise typer.BadParameter("say what to change", param_hint="--company or --email")
    updated = open_installation(settings).accounts.update_account(operator(), account, AccountChange(wanted))
    if company is not None:
        print(f"Account {account} is now called {updated.company}.")
    if email is not None:
        print(f"Account {updated.company} can be reached at {updated.contact.email or 'no address'}.")


@app.command("list")
@takes_settings(*LOCAL)
def list_accounts(*, settings: Settings) -> None:
    """List accounts, the oldest first."""
    accounts = open_installation(settings).accounts.list_accounts()
    euuids = {account.id: account.euuid for account in accounts}
    print_table(
        ("id", "euuid", "company", "email", "created", "parent"),
        [
            (
                account.id,
                account.euuid,
                account.company,
                account.contact.email,
                account.created,
                None if account.parent_id is None else euuids[account.parent_id],
            )
            for account in accounts
        ],
    )


@app.command()
@takes_settings(*LOCAL)
def detach(
    euuid: Annotated[str, typer.Argument(help="A child account's euuid, as in the list.")],
    *,
    settings: Settings,
) -> None:
    """Detach a child account from its parent, whose users are refused in it from this moment on."""
    account = open_installation(settings).accounts.detach_account(operator(), euuid)
    print(f"Account {account.company} no longer has a parent; the parent's tokens in it are revoked.")
