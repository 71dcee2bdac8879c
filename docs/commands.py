"""The page of all commands, read from the commands themselves."""

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

from tokenry.cli.front import COMMANDS
from tokenry.settings import CLIENT_VARIABLES, CONFIG_FILE, VARIABLES, Settings, flag_of, variable_of


def list_commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words it is called with; in the order of the front's table."""
    for word, (package, module, _) in COMMANDS.items():
        app = import_module(f"{package}.{module}").app
        yield from _below(f"tokenry {word}", typer.main.get_command(app))


def list_options(command: Any) -> list[str]:
    """Every name of every option of a command."""
    options = (each for each in command.params if each.param_type_name == "option" and each.name != "help")
    return [name for each in options for name in (*each.opts, *each.secondary_opts)]


def write_commands() -> str:
    """Write a section for each command, what it does, takes and may be told; and one of the variables."""
    return "\n".join([*(_write_command(*each) for each in list_commands()), _write_variables()])


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if not below:
        yield words, command
        return
    for word, each in below.items():
        yield from _below(f"{words} {word}", each)


def _write_command(words: str, command: Any) -> str:
    context = command.make_context(words, [], resilient_parsing=True)
    rows = [each.get_help_record(context) for each in command.params if each.name != "help"]
    table = ["| | |", "|---|---|", *(f"| {_code(name)} | {_text(text)} |" for name, text in rows)]
    return "\n".join(["", f"## {words}", "", _text(command.help), "", *(table if rows else []), ""])


def _write_variables() -> str:
    options: dict[str, set[str]] = defaultdict(set)
    for _, command in list_commands():
        for each in command.params:
            options[each.envvar or ""].add(each.opts[0])
    options |= {variable_of(name): {flag_of(name)} for name in Settings.model_fields} | {CONFIG_FILE: {"--config-file"}}
    tables = [
        [f"| {_code(name)} | {_code(*sorted(options[name]))} |" for name in sorted(names)]
        for names in (CLIENT_VARIABLES, VARIABLES)
    ]
    yours, services = ("\n".join(["| variable | option |", "|---|---|", *rows]) for rows in tables)
    client = "Of the client and the commands that ask a service:"
    return f"\n## Variables\n\n{client}\n\n{yours}\n\nOf the service:\n\n{services}\n"


def _code(*texts: str) -> str:
    return ", ".join(f"`{text.replace('|', chr(92) + '|')}`" for text in texts)


def _text(text: str) -> str:
    """A help text as Markdown in one line."""
    text = " ".join(text.split())
    for character in "\\|*<[_":
        text = text.replace(character, f"\\{character}")
    return text
