"""`tokenry login`."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from tokenry.cli import keyrings
from tokenry.cli.access import Access, opened
from tokenry.cli.configuration import Context, find_file, read_contexts, write_contexts
from tokenry.cli.running import NOT_LOGGED_IN, alone, complain
from tokenry.cli.secrets import read_token
from tokenry.client import Client
from tokenry.client.environment import environment_url
from tokenry.client.session import read_base_url
from tokenry.printable import printable

DEFAULT_CONTEXT = "default"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def login(
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", show_default="TOKENRY_URL, or this machine", help="The service.")
    ] = None,
    context: Annotated[str, typer.Option(metavar="NAME", help="What to call this login.")] = DEFAULT_CONTEXT,
    keyring: Annotated[
        bool, typer.Option("--keyring/--no-keyring", help="The system's keyring if there is one, or a file.")
    ] = True,
) -> None:
    """Log in to a service with a token. It is asked for, or read from standard input where nobody can be asked."""
    address = _read_url(url)
    contexts = read_contexts()
    token = read_token(NOT_LOGGED_IN)
    with opened(Client, Access(url=address, bearer=token, origin="standard input")) as client:
        user = client.whoami().user
    kept = keyring and keyrings.store_token(context, token)
    write_contexts(contexts.add(Context(name=context, url=address, user=user, token=None if kept else token)))
    where = "the keyring" if kept else find_file()
    print(f"You are {printable(user)} at {address}, in the context {context}. The token is in {where}.")


def _read_url(given: str | None) -> str:
    try:
        url = read_base_url(environment_url() if given is None else given)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="URL") from None
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        complain(f"Everybody on the way to {parts.hostname} can read the token: use https.")
    return url


app = alone(login)
