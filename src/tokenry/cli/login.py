"""`tokenry login`."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from tokenry.addresses import read_base_url
from tokenry.cli import keyrings
from tokenry.cli.access import Access, opened
from tokenry.cli.configuration import (
    Context,
    find_file,
    locked_contexts,
    read_contexts,
    read_name,
    write_contexts,
)
from tokenry.cli.running import NOT_LOGGED_IN, CommandError, alone, complain
from tokenry.cli.secrets import read_token
from tokenry.client import Client, Secret
from tokenry.client.environment import environment_url
from tokenry.printable import printable

DEFAULT_CONTEXT = "default"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def login(
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", show_default="TOKENRY_URL, or this machine", help="The service.")
    ] = None,
    context: Annotated[
        str, typer.Option(metavar="NAME", envvar="TOKENRY_CONTEXT", parser=read_name, help="What to call this login.")
    ] = DEFAULT_CONTEXT,
    keyring: Annotated[
        bool, typer.Option("--keyring/--no-keyring", help="The system's keyring if there is one, or a file.")
    ] = True,
) -> None:
    """Log in to a service with a token. It asks for the token, or reads it from standard input without a terminal."""
    address = _read_url(url)
    read_contexts()  # what is wrong with them is told before anybody types a token
    token = read_token(NOT_LOGGED_IN)
    with opened(Client, Access(url=address, bearer=token, origin="standard input")) as client:
        user = client.whoami().user
    kept = remember(Context(name=context, url=address, user=user), token, keyring=keyring)
    where = "the keyring" if kept else find_file()
    print(printable(f"You are {user} at {address}, in the context {context}. The token is in {where}."))


def remember(context: Context, token: Secret, *, keyring: bool) -> bool:
    """Keep a login, in place of the one of its name; whether its token is in the keyring. Raises CommandError.

    Whenever this breaks off, no token is where it would go to another one's address.
    """
    with locked_contexts():
        contexts = read_contexts()
        former = contexts.by_name.get(context.name)
        if former is not None and former.url != context.url:
            contexts = contexts.remove(context.name)
            write_contexts(contexts)
        kept = keyring and keyrings.store_token(context.name, token)
        try:
            write_contexts(contexts.add(context if kept else replace(context, token=token)))
        except CommandError:
            if kept:
                keyrings.delete_token(context.name)
            raise
        if former is not None and former.token is None and not kept:
            _forget(former)
    return kept


def _forget(former: Context) -> None:
    """Take the token of an earlier login out of the keyring, if that can be reached."""
    try:
        keyrings.delete_token(former.name)
    except CommandError as failure:
        complain(f"An earlier token of {former.name} stays in the keyring: {failure}")


def _read_url(given: str | None) -> str:
    try:
        url = read_base_url(environment_url() if given is None else given)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="URL") from None
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        complain(f"Anybody on the network to {parts.hostname} can read the token: use https.")
    return url


app = alone(login)
