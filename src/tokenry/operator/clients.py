"""`tokenry admin client …`."""

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Annotated

import typer

from tokenry.cli.issuing import issuing, require_delivery
from tokenry.cli.options import COUNT_MAX
from tokenry.cli.running import complain, group
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.clients import Client, ClientChange
from tokenry.domain.oauth import GrantType
from tokenry.domain.secrets import Secret
from tokenry.operator.client_options import takes_client_options
from tokenry.operator.confirmation import Yes, confirm
from tokenry.operator.options import LOCAL, SCOPED, operator, takes_settings
from tokenry.operator.tables import print_table
from tokenry.printable import first_line, printable
from tokenry.service.oauth_clients import Clients
from tokenry.settings import Settings
from tokenry.wiring import open_installation

app = group(help="OAuth clients: programs that users can let in.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="What the client calls itself.")]
Wanted = Callable[[Catalogue], ClientChange]


class Preset(StrEnum):
    """Clients that everybody knows."""

    LINODE_CLI = "linode-cli"


PRESETS = {
    Preset.LINODE_CLI: (
        "5823b4627e45411d18e9",
        {
            "label": "Linode CLI",
            "redirect_uris": ("http://localhost",),
            "public": True,
            "grant_types": frozenset({GrantType.IMPLICIT}),
            "pkce_required": False,
        },
    )
}
"""The id that a client is built with, and what it needs: `linode-cli configure` knows the implicit grant alone."""


@app.command()
@takes_client_options
@takes_settings(*SCOPED)
def create(
    preset: Annotated[
        Preset | None, typer.Option(show_default="none", help="A client that is known, by its id and with its rules.")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(show_default="made up", help="What it calls itself, if it cannot choose.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(show_default="none", help="Whose it is: an account's name or euuid.")
    ] = None,
    *,
    wanted: Wanted,
    settings: Settings,
) -> None:
    """Register a client. Its id and its secret, which is shown this once, are on standard output."""
    installation = open_installation(settings)
    known_id, known = (None, {}) if preset is None else PRESETS[preset]
    asked = wanted(installation.catalogue)
    new = ClientChange({**known, **asked.settings}, asked.faults)
    require_delivery()
    with issuing(
        "A client may have been made whose secret nobody has: find it with `tokenry admin client list`."
    ) as issue:
        client, secret = installation.clients.create_client(
            operator(), new, client_id=client_id or known_id, account=account
        )
        issue.take_back = partial(_take_back, installation.clients, client)
        _print(client, secret)
    complain(f"Client {printable(client.label)} was made.{'' if secret is None else ' Its secret is shown this once.'}")


@app.command("list")
@takes_settings(*LOCAL)
def list_clients(
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="Show at most this many.")] = 1000,
    *,
    settings: Settings,
) -> None:
    """List clients, the oldest first."""
    found = list(islice(open_installation(settings).clients.list_clients(), limit + 1))
    print_table(
        ("id", "client_id", "label", "account", "public", "grant types", "verified", "created", "state"),
        [
            (
                client.id,
                client.client_id,
                client.label,
                client.account_id,
                _word(client.public),
                " ".join(sorted(client.rights.grant_types)),
                _word(client.verified),
                client.created,
                "enabled" if client.disabled is None else "disabled",
            )
            for client in found[:limit]
        ],
    )
    if len(found) > limit:
        print(f"tokenry: there are more than {limit}: raise --limit to see them.", file=sys.stderr)


@app.command()
@takes_settings(*LOCAL)
def view(client_id: ClientId, *, settings: Settings) -> None:
    """Show all that is known of a client, as JSON."""
    client = open_installation(settings).clients.get_client(client_id)
    told = {name: _plain(value) for name, value in client.settings.items()}
    state = "enabled" if client.disabled is None else "disabled"
    print(json.dumps({"client_id": client.client_id, "public": client.public, "state": state, **told}, indent=2))


@app.command()
@takes_client_options
@takes_settings(*SCOPED)
def update(client_id: ClientId, *, wanted: Wanted, settings: Settings) -> None:
    """Change a client. Where it may do less than before, all that it was given ends."""
    installation = open_installation(settings)
    asked = wanted(installation.catalogue)
    if not asked.settings:
        raise typer.BadParameter("say what to change", param_hint="an option")
    installation.clients.update_client(operator(), client_id, asked)
    print(f"Client {client_id} is changed.")


@app.command("reset-secret")
@takes_settings(*LOCAL)
def reset_secret(client_id: ClientId, *, settings: Settings) -> None:
    """Give a client another secret, and print it, once. The one before proves nothing any more."""
    clients = open_installation(settings).clients
    require_delivery()
    lost = f"Client {client_id} may have a secret that nobody has: reset it again."
    with issuing(lost) as issue:
        client, secret = clients.reset_secret(operator(), client_id)
        issue.take_back = lambda: lost
        _print(client, secret)


@app.command()
@takes_settings(*LOCAL)
def disable(client_id: ClientId, *, settings: Settings) -> None:
    """End all that a client was given, and give it nothing more from this moment on."""
    changed = open_installation(settings).clients.disable_client(operator(), client_id)
    print(f"Client {client_id} {'is now' if changed else 'was already'} disabled: all that it was given has ended.")


@app.command()
@takes_settings(*LOCAL)
def enable(client_id: ClientId, *, settings: Settings) -> None:
    """Let a disabled client ask again."""
    changed = open_installation(settings).clients.enable_client(operator(), client_id)
    print(f"Client {client_id} {'is now' if changed else 'was already'} enabled.")


@app.command()
@takes_settings(*LOCAL)
def delete(client_id: ClientId, yes: Yes = False, *, settings: Settings) -> None:
    """Delete a client, and end all that it was given; nobody can undo it."""
    clients = open_installation(settings).clients
    confirm(f"Delete client {client_id} and end all that it was given?", yes=yes)
    clients.delete_client(operator(), client_id)
    print(f"Client {client_id} is deleted, and all that it was given has ended.")


def _print(client: Client, secret: Secret | None) -> None:
    print(f"client_id\t{client.client_id}")
    if secret is not None:
        print(f"client_secret\t{secret.reveal()}")


def _take_back(clients: Clients, client: Client) -> str:
    named = f"Client {client.client_id}, whose secret nobody has,"
    try:
        clients.delete_client(operator(), client.client_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the client has to be named
        return f"{named} is there, and could not be deleted ({first_line(error)}): delete it."
    return f"{named} is deleted."


def _word(truth: bool) -> str:  # noqa: FBT001 - it says nothing else
    return "yes" if truth else "no"


def _plain(value: object) -> object:
    match value:
        case frozenset() | tuple():
            return sorted(map(str, value)) if isinstance(value, frozenset) else list(value)
        case bool() | None:
            return value
    return str(value)
