"""`tokenry context …`."""

from typing import Annotated

import typer

from tokenry.cli.configuration import complete_contexts, locked_contexts, read_contexts, write_contexts
from tokenry.cli.options import takes_groups
from tokenry.cli.output import Output
from tokenry.cli.running import group
from tokenry.printable import printable

COLUMNS = ("context", "in_use", "url", "user", "token_in")

app = group(help="Your logins: list them, and choose the one in use.", no_args_is_help=True)


@app.command("list")
@takes_groups
def list_contexts(output: Output) -> None:
    """List your logins."""
    printer = output.of(COLUMNS, bare="context")
    contexts = read_contexts()
    printer.write(
        {
            "context": context.name,
            "in_use": context.name == contexts.current,
            "url": context.url,
            "user": context.user,
            "token_in": "keyring" if context.token is None else "file",
        }
        for context in contexts.by_name.values()
    )


@app.command()
def use(name: Annotated[str, typer.Argument(autocompletion=complete_contexts, help="Its name.")]) -> None:
    """Use another login from now on."""
    with locked_contexts():
        contexts = read_contexts().use(name)
        write_contexts(contexts)
    found = contexts.get(name)
    print(printable(f"You are {found.user} at {found.url}."))
