"""How a command is run, and how it ends: its exit status, and what it says on standard error."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from tokenry.cli.streams import read_some
from tokenry.cli.usage import explain_usage, is_plea_for_help
from tokenry.core_dumps import leave_no_core
from tokenry.printable import printable_lines

FAILED = 1
"""Something on this side of the service is wrong, or nobody answers."""
REFUSED = 2
"""The service says no. Wrong usage too, as everywhere."""
NOT_LOGGED_IN = 4
"""There is no token, or the service no longer knows it."""
NOT_VALID = 5
"""The token that was asked about is not valid."""


class CommandError(Exception):
    """A command cannot go on. The text says why, and what to do next."""

    def __init__(self, text: str, status: int = FAILED) -> None:
        super().__init__(text)
        self.status = status


def alone(command: Callable[..., None]) -> typer.Typer:
    """A command that has no commands below it."""
    app = group()
    app.command()(command)
    return app


class WholeSentences(TyperGroup):
    """A group whose list of commands has the first sentence about each, however long it is."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list."""
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, each.get_short_help_str(sys.maxsize)) for name, each in named if each and not each.hidden]
            )


def group(**options: Any) -> typer.Typer:
    """What commands are put below."""
    return typer.Typer(
        cls=WholeSentences,
        add_completion=False,
        pretty_exceptions_enable=False,  # its tracebacks show the values of local variables
        rich_markup_mode=None,
        **options,
    )


def run(app: typer.Typer, name: str, arguments: Sequence[str]) -> None:
    """Run a command to its end, and this process with it."""
    leave_no_core()
    try:
        status = app(arguments, prog_name=name, standalone_mode=False)
    except CommandError as failure:
        complain(str(failure))
        sys.exit(failure.status)
    except TyperException as error:
        if is_plea_for_help(error):
            print(error.format_message(), file=sys.stderr)
        else:
            complain(explain_usage(error))
        sys.exit(REFUSED)
    if status:
        sys.exit(status)


def require_terminal(nothing: str) -> None:
    """Raise CommandError where nobody can be asked, saying that `nothing` was done."""
    if not sys.stdin.isatty():
        raise CommandError(f"{nothing}: there is no terminal to confirm on, so --yes is needed.", REFUSED)


def agrees(question: str) -> bool:
    """Ask somebody at the terminal; whether the answer is yes."""
    print(printable_lines(question), "[y/N] ", end="", file=sys.stderr, flush=True)
    answer = b""
    with suppress(OSError):  # a terminal that is gone says no
        while not answer.endswith(b"\n") and (piece := read_some(1)):
            answer += piece
    return answer.strip().lower() in {b"y", b"yes"}


def confirm(question: str, nothing: str) -> None:
    """Ask somebody at the terminal. Raises CommandError, which says that `nothing` was done, for any other answer."""
    require_terminal(nothing)
    if not agrees(question):
        raise CommandError(f"{nothing}.")


def complain(text: str) -> None:
    """Say what is wrong, or good to know, where it does not get into the output."""
    print(f"tokenry: {printable_lines(text)}", file=sys.stderr)
