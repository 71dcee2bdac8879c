"""How the operator's commands are run, and how they end."""

import os
import sys
from collections.abc import Sequence
from typing import Never

import typer

from tokenry.cli.faults import say_fault
from tokenry.cli.running import FAILED, REFUSED, complain
from tokenry.cli.running import run as run_command
from tokenry.domain.errors import NotFound, Refusal, SetupError, Unavailable
from tokenry.settings import unknown_variables
from tokenry.sources import WrongSettings


def run(app: typer.Typer, name: str, arguments: Sequence[str]) -> None:
    """Run a command. What is wrong with the installation or the request is one line, and exit status 1."""
    os.umask(0o077)  # what is made here is for its owner alone
    for variable in unknown_variables():
        complain(f"{variable} is not a setting of tokenry and is ignored.")
    try:
        run_command(app, name, arguments)
    except NotFound:
        _fail("there is no such account, user, token or client.")
    except Unavailable as refusal:
        changed = (
            "the change may have been made, so look before you"
            if refusal.perhaps_done
            else "probably nothing was changed,"
        )
        _fail(f"the database cannot be used now ({refusal.reason}): {changed} try again.")
    except Refusal as refusal:
        _fail("; ".join(say_fault(fault.reason, fault.field) for fault in refusal.faults))
    except SetupError as error:
        _fail(str(error), REFUSED if isinstance(error, WrongSettings) else FAILED)


def _fail(text: str, status: int = FAILED) -> Never:
    complain(text)
    sys.exit(status)
