"""Asking the operator before something that cannot be undone."""

import sys
from typing import Annotated

import typer

from tokenry.cli.running import REFUSED, CommandError, agrees

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def confirm(question: str, *, yes: bool, otherwise: str = "") -> None:
    """Return if the operator agrees, by `--yes` or at the terminal; end the command if not.

    Raises CommandError where nobody can answer; `otherwise` names another way out.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"Nothing was changed: repeat with --yes to go on{otherwise}.", REFUSED)
    if not agrees(question):
        raise CommandError("Nothing was changed.")
