"""`--user`: whose tokens a command means, by a product's name for the user."""

import shlex
from dataclasses import dataclass
from typing import Annotated, Unpack

import typer

from tokenry.cli.candidates import complete_users
from tokenry.cli.options import read_text
from tokenry.cli.running import REFUSED, CommandError
from tokenry.client import Client, NotFound, Token
from tokenry.client.calls import tokens_of
from tokenry.client.client import Tokens
from tokenry.client.tokens import NewToken
from tokenry.printable import printable


def read_external_id(word: str) -> str:
    """Read a product's name for a user. Raises BadParameter."""
    text = read_text(word)
    try:
        tokens_of(text)
    except ValueError:
        raise typer.BadParameter("use printable text, and neither . nor ..") from None
    return text


ExternalId = Annotated[
    str,
    typer.Argument(
        metavar="EXTERNAL_ID",
        parser=read_external_id,
        autocompletion=complete_users,
        help="What your product calls the user.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose tokens a command means, as an option: one's own, or those of a user whom one manages."""

    user: Annotated[
        str | None,
        typer.Option(
            metavar="EXTERNAL_ID",
            parser=read_external_id,
            autocompletion=complete_users,
            show_default="yourself",
            help="Whose token: a user's of your product. It takes the scopes tokenry_tokens:….",
        ),
    ] = None

    def tokens(self, client: Client) -> Tokens:
        """The tokens that are meant."""
        return client.tokens if self.user is None else client.users.tokens(self.user)

    def create(self, client: Client, *, create_user: bool, **new: Unpack[NewToken]) -> Token:
        """Make a token, and with `create_user` an unknown user too. Raises CommandError where there is no such user."""
        if self.user is None:
            return client.tokens.create(**new)
        try:
            return client.users.tokens(self.user).create(create_user=create_user, **new)
        except NotFound:
            raise CommandError(f"There is no user {printable(self.user)}: --create-user makes one.", REFUSED) from None

    def told(self, command: str) -> str:
        """A command that somebody is told to run, for the same tokens."""
        return command if self.user is None else f"{command} --user {shlex.quote(self.user)}"
