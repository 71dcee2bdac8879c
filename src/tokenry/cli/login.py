"""`tokenry login`."""

import sys
from contextlib import suppress
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from tokenry.addresses import read_base_url
from tokenry.cli import keyrings
from tokenry.cli.access import Access, opened
from tokenry.cli.candidates import complete_scopes
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
from tokenry.cli.signing_in import Keep, Wanted, sign_in
from tokenry.client import Client, Secret, Unauthorized
from tokenry.client.environment import environment_url
from tokenry.printable import printable

DEFAULT_CONTEXT = "default"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
NOBODY = Secret("nobody")
"""What is sent where nobody has given a token yet: it opens nothing."""


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
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Ask for a token; without a terminal it is read from standard input.")
    ] = False,
    device: Annotated[bool, typer.Option("--device", help="Show a code to type in a browser of any device.")] = False,
    scopes: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete_scopes,
            show_default="all of yours",
            help="What the new token may do, separated by spaces.",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            show_default="90d, or as the policy allows",
            help="90d, 2030-01-01T00:00:00 (UTC), or never.",
        ),
    ] = None,
) -> None:
    """Log in to a service, by your browser, a code or a token. The first two make a token for this machine."""
    if device and with_token:
        raise typer.BadParameter("--device and --with-token exclude each other")
    given = with_token or not (device or sys.stdin.isatty())
    if given and not (scopes is expires is None):
        raise typer.BadParameter("--scopes and --expires are for a new token, and with a token none is made")
    wanted = Wanted(scopes=scopes, expires=expires)
    address = _read_url(url)
    read_contexts()  # what is wrong with them is told before anybody signs in

    def keep(user: str, token: Secret) -> str:
        kept = remember(Context(name=context, url=address, user=user), token, keyring=keyring)
        where = "the keyring" if kept else find_file()
        return f"You are {user} at {address}, in the context {context}. The token is in {where}."

    said = _take_token(address, keep) if given else sign_in(address, wanted, device=device, keep=keep)
    print(printable(said))
    print(printable(f"In a browser your tokens are at {address}/console"))


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


def _take_token(address: str, keep: Keep) -> str:
    """Keep the token that somebody types, or that is on standard input; what `keep` says.

    Nobody is asked for one, and none goes anywhere, before a service of this kind has answered there.
    """
    with opened(Client, Access(url=address, bearer=NOBODY, origin="nowhere")) as client, suppress(Unauthorized):
        client.whoami()
    token = read_token(NOT_LOGGED_IN)
    with opened(Client, Access(url=address, bearer=token, origin="standard input")) as client:
        user = client.whoami().user
    return keep(user, token)


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
