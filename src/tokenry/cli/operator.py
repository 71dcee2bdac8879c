"""The operator's commands: they work on the local database, with the same use cases as the HTTP interface."""

import os
import sys

import typer

from tokenry.cli import accounts, audit, doctor, gateway, policy, serve, tokens, users, verify
from tokenry.domain.errors import NotFound, Refusal, SetupError
from tokenry.settings import unknown_variables

app = typer.Typer(
    name="tokenry",
    help="Personal access tokens for your API: issue, scope, expire, revoke, verify.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show the values of local variables
    rich_markup_mode=None,
)
app.command()(serve.serve)
app.command()(serve.migrate)
app.command()(doctor.doctor)
app.command()(gateway.gateway)
app.command()(verify.verify)
app.add_typer(accounts.app, name="account")
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")


def run() -> None:
    """Run a command. What is wrong with the installation or the request is one line, and exit status 1."""
    os.umask(0o077)  # what is made here is for its owner alone
    for name in unknown_variables():
        print(f"tokenry: {name} is no setting of tokenry and is ignored.", file=sys.stderr)
    try:
        app()
    except NotFound:
        _fail("there is no such account, user or token.")
    except Refusal as refusal:
        _fail("; ".join(f"{fault.field}: {fault.reason}" if fault.field else fault.reason for fault in refusal.faults))
    except SetupError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _fail(text: str) -> None:
    print(f"tokenry: {text}", file=sys.stderr)
    sys.exit(1)
