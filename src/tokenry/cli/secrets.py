"""How a token gets into a command: by standard input, unseen on a terminal, and never as an argument."""

import sys
from getpass import getpass

import typer

from tokenry.cli.inputs import read_input
from tokenry.cli.running import CommandError
from tokenry.client import Secret
from tokenry.client.environment import BYTE_ORDER_MARK

STANDARD_INPUT = "-"
LENGTH_MAX = 64 * 1024


def only_standard_input(text: str) -> str:
    """Refuse anything but a dash, and do not repeat it: it may be a token. Raises BadParameter."""
    if text != STANDARD_INPUT:
        raise typer.BadParameter(f"write {STANDARD_INPUT}: others would see a token on the command line")
    return text


def read_given_token() -> Secret:
    """Read a line, unseen on a terminal. White space around it is none of its own, nor is a byte order mark.

    Raises CommandError for more than a line: which of them is meant?
    """
    try:
        text = (
            getpass("Token: ").removeprefix(BYTE_ORDER_MARK)
            if sys.stdin.isatty()
            else read_input("a token", bytes_max=LENGTH_MAX).strip()
        )
    except (EOFError, UnicodeDecodeError):
        text = ""
    if len(text.splitlines()) > 1:
        raise CommandError("There is more than one line on standard input: give one token.")
    return Secret(text.strip())


def read_token(refused: int) -> Secret:
    """Read a line that may be sent as a token.

    Raises CommandError, with the exit status `refused`, for one that cannot be: an empty one, for instance.
    """
    token = read_given_token()
    if not token.is_sendable:
        raise CommandError("No token was given: it has to be visible ASCII characters without a space.", refused)
    return token
