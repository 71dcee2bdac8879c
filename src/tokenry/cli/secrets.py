"""How a token gets into a command: by standard input, unseen on a terminal, and never as an argument."""

import sys
from getpass import getpass

import typer

from tokenry.client import Secret

STANDARD_INPUT = "-"
LINE_LENGTH_MAX = 64 * 1024


def only_standard_input(text: str) -> str:
    """Refuse whatever is not a dash, and do not repeat it: it may be a token. Raises BadParameter."""
    if text != STANDARD_INPUT:
        raise typer.BadParameter(f"write {STANDARD_INPUT}: on the command line, others would see the token")
    return text


def read_token() -> Secret:
    """Read a line, unseen on a terminal. White space around it is none of its own."""
    line = getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline(LINE_LENGTH_MAX)
    return Secret(line.strip())
