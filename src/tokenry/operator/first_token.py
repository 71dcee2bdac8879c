"""The first token of an installation, which may do everything for ever: where it goes, and what is said of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from tokenry.client.environment import URL
from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Secret
from tokenry.operator.program import find_program
from tokenry.settings import Settings
from tokenry.storage.files import FIRST_TOKEN_FILE, create_private_file


class FirstTokenPlace:
    """Where the first token goes: to the terminal, or else to a file, since a log is kept and read by many.

    `path` is the file, None for the terminal, where `show` puts it. The file that an operator names is never
    overwritten; the one in the data directory, if it is there before there is an account, is what is left of a first
    start that was broken off.
    """

    def __init__(self, settings: Settings, show: Callable[[Secret], None]) -> None:
        self._named = settings.bootstrap_token_file
        self._show = show
        self.path = self._named or (None if sys.stdout.isatty() else settings.data_dir / FIRST_TOKEN_FILE)
        self._written = False

    def deliver(self, secret: Secret) -> None:
        """Write the token to the file, or show it. Raises SetupError, or whatever `show` does."""
        if self.path is None:
            self._show(secret)
            return
        try:
            if self._named is None:
                self.path.unlink(missing_ok=True)
            create_private_file(self.path, secret.reveal() + "\n")
        except OSError as error:
            raise SetupError(
                f"The first token cannot be written to {self.path} ({error.strerror}): name a new file in a directory "
                "that exists with TOKENRY_BOOTSTRAP_TOKEN_FILE. No account and no token was made."
            ) from error
        self._written = True

    @contextmanager
    def kept_if_begun(self) -> Iterator[None]:
        """Remove the file again if the block raises: then no token was made either."""
        try:
            yield
        except BaseException:
            if self._written and self.path is not None:
                self.path.unlink(missing_ok=True)
            raise


def welcome(url: str, secret: Secret, path: Path | None) -> str:
    """What the very first start says. The lines to paste keep the token out of the process list and the history."""
    program = find_program()
    if path is None:
        where, token, end = "It is shown this once and cannot be shown again:", secret.reveal(), "revoke it"
    else:
        where, token = "It is in a file that only its owner can read:", f"$(cat {quote(str(path.resolve()))})"
        end = "revoke it and remove the file"
    service = "" if url == URL else f"\n  export TOKENRY_URL={url}"
    return f"""
This is the first start. An account and its administrator "admin" were made, with a first token that may do everything.
{where}

  export TOKENRY_TOKEN={token}{service}

Next, paste these into another terminal, after the above:

  {program} whoami
  {program} token create --label mine --scopes '*' --expires 90d
  {program} token list

{url}/docs describes the API, for curl and everything else that speaks HTTP.
The first token never expires. Once you have made others, {end}."""


def first_sign_in(link: str | None, settings: Settings) -> str:
    """How the first administrator comes to a password; without a terminal, no link is made that others might read."""
    if link is not None:
        return f"\nTo sign in with a browser as well, choose a password within 30 minutes:\n\n{link}"
    command = (
        f"{find_program()} admin user link admin --data-dir {quote(str(settings.data_dir.resolve()))} --public-url"
    )
    if settings.public_url is not None:
        return f"\nTo sign in with a browser as well, have a link printed:\n\n  {command} {settings.public_url}"
    return f"""
To sign in with a browser as well, start again with TOKENRY_PUBLIC_URL, the address of this service for browsers, and
have a link printed:

  {command} https://tokens.example.com"""
