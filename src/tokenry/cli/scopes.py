"""`tokenry scopes`: what tokens may be allowed to do."""

from tokenry.cli.access import Connection
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.rows import SCOPE, SCOPE_SHOWN, write_scope
from tokenry.cli.running import group

app = group(help="List the scopes that tokens may have, and what each implies.", no_args_is_help=True)


@app.callback()
def scopes() -> None:
    """List the scopes that tokens may have, and what each implies."""


@app.command("list")
@takes_groups
def list_scopes(output: Output, connection: Connection) -> None:
    """List the scopes that tokens may have, and what each implies."""
    printer = output.of(SCOPE, bare="scope", shown=SCOPE_SHOWN)
    with connection.open() as client:
        printer.write(map(write_scope, client.scopes()))
