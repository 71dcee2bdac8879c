"""How a token gets into a command: by standard input, unseen on a terminal, and never as an argument."""

import sys
from getpass import getpass

import typer

from tokenry.cli.running import CommandError
from tokenry.client import Secret

STANDARD_INPUT = "-"
LINE_LENGTH_MAX = 64 * 1024


def only_standard_input(text: str) -> str:
    """Refuse whatever is not a dash, and do not repeat it: it may be a token. Raises BadParameter."""
    if text != STANDARD_INPUT:
        raise typer.BadParameter(f"write {STANDARD_INPUT}: on the command line, others would see the token")
    return text


def read_line() -> Secret:
    """Read a line, unseen on a terminal. White space around it is none of its own."""
    return Secret((getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline(LINE_LENGTH_MAX)).strip())


def read_token(refused: int) -> Secret:
    """Read a line that may be sent as a token.

    Raises CommandError, with the exit status `refused`, for one that cannot be: an empty one, for instance.
    """
    token = read_line()
    if not token.is_sendable:
        raise CommandError("No token was given; a token is visible ASCII characters without a space.", refused)
    return token
