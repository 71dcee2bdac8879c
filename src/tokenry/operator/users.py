"""`tokenry admin user …`."""

import sys
from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from tokenry.cli.issuing import require_delivery
from tokenry.cli.options import COUNT_MAX, read_text
from tokenry.cli.running import complain, group
from tokenry.domain.links import link_address
from tokenry.domain.users import UserChange
from tokenry.operator import identities
from tokenry.operator.confirmation import Yes, confirm
from tokenry.operator.options import LOCAL, NAMING, operator, takes_settings
from tokenry.operator.scopes import read_limit, write_limit
from tokenry.operator.tables import print_table
from tokenry.operator.usernames import ReuseName, naming_users
from tokenry.printable import printable
from tokenry.settings import Settings
from tokenry.wiring import open_installation

MINUTES_MAX = 7 * 24 * 60

app = group(help="Users: who owns tokens.", no_args_is_help=True)
app.add_typer(identities.app, name="identity")

Username = identities.Username


@app.command()
@takes_settings(*NAMING)
def create(
    username: Username,
    email: Annotated[str, typer.Option(help="Where to reach the user.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="An administrator of the account.")] = False,
    account: Annotated[
        str | None, typer.Option(show_default="the first", help="Whose user it is: an account's name or euuid.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(show_default="the browser's", help="Of pages and of mail, until another is chosen.")
    ] = None,
    reuse_name: ReuseName = False,
    *,
    settings: Settings,
) -> None:
    """Make a user. The name: ASCII letters, digits, dots, dashes, underscores."""
    with naming_users(settings, reuse=reuse_name) as installation:
        user = installation.users.create_user(
            operator(), username=username, email=email, admin=admin, account=account, language=language
        )
    print(f"User {user.username} was made (id {user.id}).")


@app.command()
@takes_settings(*NAMING, "scopes_file")
def update(
    username: Username,
    rename: Annotated[str | None, typer.Option(show_default="as it is", help="Another name.")] = None,
    email: Annotated[str | None, typer.Option(show_default="as it is", help="Where to reach the user.")] = None,
    ceiling: Annotated[
        str | None,
        typer.Option(
            metavar="SCOPES", show_default="as it is", help="The most that the user's new tokens may do, or any."
        ),
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            parser=read_text,
            show_default="as it is",
            help="What a product calls the user, whom its backend then manages.",
        ),
    ] = None,
    reuse_name: ReuseName = False,
    *,
    settings: Settings,
) -> None:
    """Give a user another name, address or ceiling, or link it to a product's name."""
    if all(each is None for each in (rename, email, ceiling, external_id)):
        raise typer.BadParameter("say what to change", param_hint="--rename, --email, --ceiling or --external-id")
    with naming_users(settings, reuse=reuse_name) as installation:
        limit = None if ceiling is None else read_limit(ceiling, installation.catalogue)
        wanted = UserChange(username=rename, email=email, ceiling=limit, external_id=external_id)
        user = installation.users.update_user(operator(), username, wanted)
    if rename is not None:
        print(f"User {username} is now called {user.username}.")
    if email is not None:
        print(f"User {user.username} can be reached at {user.email or 'no address'}.")
    if ceiling is not None:
        print(f"New tokens of user {user.username} may do at most: {write_limit(user.ceiling)}.")
    if external_id is not None:
        print(f"User {user.username} is called {printable(external_id)} by a product, whose backend manages it.")


@app.command("list")
@takes_settings(*LOCAL)
def list_users(
    after: Annotated[
        str, typer.Option(metavar="NAME", show_default="from the first", help="Show only users after this name.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Show at most this many.")] = 1000,
    *,
    settings: Settings,
) -> None:
    """List users by name, each with its number of live tokens."""
    found = list(islice(open_installation(settings).users.list_users(after), limit + 1))
    print_table(
        (
            "id",
            "username",
            "account",
            "email",
            "admin",
            "service",
            "external_id",
            "ceiling",
            "created",
            "state",
            "tokens",
        ),
        [
            (
                user.id,
                user.username,
                user.account_id,
                user.email,
                "yes" if user.admin else "no",
                "yes" if user.service else "no",
                user.external_id or "",
                write_limit(user.ceiling),
                user.created,
                "enabled" if user.disabled is None else "disabled",
                live_tokens,
            )
            for user, live_tokens in found[:limit]
        ],
    )
    if len(found) > limit:
        last = printable(found[limit - 1][0].username)
        print(f"tokenry: there are more than {limit}: --after {last} shows those that follow.", file=sys.stderr)


@app.command()
@takes_settings(*LOCAL)
def delete(
    username: Username,
    yes: Yes = False,
    *,
    settings: Settings,
) -> None:
    """Delete a user and revoke all of its tokens; nobody can undo it."""
    users = open_installation(settings).users
    confirm(f"Delete user {username} and revoke all of its tokens?", yes=yes)
    users.delete_user(operator(), username)
    print(f"User {username} is deleted, and all of its tokens are revoked.")


@app.command()
@takes_settings(*LOCAL, "public_url", "host", "port")
def link(
    username: Username,
    minutes: Annotated[int, typer.Option(min=1, max=MINUTES_MAX, help="How long it can be used.")] = 30,
    *,
    settings: Settings,
) -> None:
    """Print a link by which a user chooses a password, once: an invitation, or after the old one was forgotten."""
    url = settings.find_public_url()
    require_delivery()
    secret = open_installation(settings).links.make_link(operator(), username, timedelta(minutes=minutes))
    print(link_address(url, secret))
    complain(f"Whoever opens it within {minutes} minutes can choose the password of {printable(username)}, once.")
    if settings.public_url is None:
        complain(f"It is for a service at {url}: for any other, set --public-url or TOKENRY_PUBLIC_URL.")


@app.command()
@takes_settings(*LOCAL)
def reset_factors(
    username: Username,
    yes: Yes = False,
    *,
    settings: Settings,
) -> None:
    """Take away a user's passkeys, one-time passwords and recovery codes, which are lost, and sign the user out."""
    factors = open_installation(settings).factors
    confirm(f"Let {username} sign in by the password alone until there is another second factor?", yes=yes)
    factors.reset_factors(operator(), username)
    print(f"User {username} has no second factor any more, and is signed out everywhere.")


@app.command()
@takes_settings(*LOCAL)
def disable(username: Username, *, settings: Settings) -> None:
    """Refuse all of a user's tokens from this moment on."""
    changed = open_installation(settings).users.disable_user(operator(), username)
    print(f"User {username} {'is now' if changed else 'was already'} disabled: all of its tokens are refused.")


@app.command()
@takes_settings(*LOCAL)
def enable(username: Username, *, settings: Settings) -> None:
    """Let a disabled user's tokens in again."""
    changed = open_installation(settings).users.enable_user(operator(), username)
    print(f"User {username} {'is now' if changed else 'was already'} enabled.")
