"""How the operator's commands are run, and how they end."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Never

import typer

from tokenry.domain.errors import NotFound, Refusal, SetupError
from tokenry.settings import unknown_variables


def alone(command: Callable[..., None]) -> typer.Typer:
    """A command that has no commands below it."""
    app = group()
    app.command()(command)
    return app


def group(**options: Any) -> typer.Typer:
    """What commands are put below."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,  # its tracebacks show the values of local variables
        rich_markup_mode=None,
        **options,
    )


def run(app: typer.Typer, name: str, arguments: Sequence[str]) -> None:
    """Run a command. What is wrong with the installation or the request is one line, and exit status 1."""
    os.umask(0o077)  # what is made here is for its owner alone
    for variable in unknown_variables():
        print(f"tokenry: {variable} is no setting of tokenry and is ignored.", file=sys.stderr)
    try:
        app(arguments, prog_name=name)
    except NotFound:
        _fail("there is no such account, user or token.")
    except Refusal as refusal:
        _fail("; ".join(f"{fault.field}: {fault.reason}" if fault.field else fault.reason for fault in refusal.faults))
    except SetupError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _fail(text: str) -> Never:
    print(f"tokenry: {text}", file=sys.stderr)
    sys.exit(1)
