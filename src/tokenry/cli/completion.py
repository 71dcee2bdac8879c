"""`tokenry completion`: scripts for shells, which call `tokenry __complete` with the words before the cursor."""

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from importlib.resources import files
from typing import Annotated, Any

import typer

from tokenry.cli.front import COMMANDS
from tokenry.cli.running import alone
from tokenry.printable import printable

Candidate = tuple[str, str]
"""What may stand there, and what it is; the latter may be empty."""


class Shell(StrEnum):
    """The shells there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help=f"One of: {', '.join(Shell)}.")]) -> None:
    """Print what makes a shell complete commands, options and the ids of tokens.

    For bash: eval "$(tokenry completion bash)" in ~/.bashrc. For zsh the same with zsh, after compinit. For fish:
    tokenry completion fish | source.
    """
    print(files("tokenry.cli").joinpath("scripts", f"tokenry.{shell}").read_text("utf-8"), end="")


app = alone(completion)


def complete(words: Sequence[str]) -> None:
    """Print what the last word may become: a line for each, with a tab before its description."""
    for value, description in find_candidates(words):
        print(f"{value}\t{printable(description)}" if description else value)


def find_candidates(words: Sequence[str]) -> list[Candidate]:
    """What the last of these words may become. The first, which is another one, is the command's."""
    if words[0] not in COMMANDS:
        return []
    package, module, _ = COMMANDS[words[0]]
    command = typer.main.get_command(import_module(f"{package}.{module}").app)
    return [(item.value, item.help or "") for item in _find_items(command, list(words[:-1]), words[-1])]


def _find_items(command: Any, words: list[str], incomplete: str) -> list[Any]:
    """What typer suggests after these words, of which the first is the command's own name."""
    while (below := getattr(command, "commands", None)) and len(words) > 1:
        words = words[1:]
        command = below.get(words[0])
        if command is None:
            return []
    context = command.make_context(words[0], list(words[1:]), resilient_parsing=True)
    awaited, place = _find_place(command.params, words[1:])
    if awaited is None and (below or incomplete.startswith("-")):
        return list(command.shell_complete(context, incomplete))
    parameter = awaited or place
    return [] if parameter is None else list(parameter.shell_complete(context, incomplete))


def _find_place(parameters: Sequence[Any], words: Sequence[str]) -> tuple[Any | None, Any | None]:
    """The option that awaits its value after these words, and the argument that comes next."""
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = {name: each for each in parameters for name in (*each.opts, *each.secondary_opts)}
    awaited, given = None, 0
    for word in words:
        if awaited is not None:
            awaited = awaited if word == "=" else None  # bash takes --option=value for three words
        elif word.startswith("-") and word != "-":
            awaited = None if word not in options or options[word].is_flag else options[word]
        else:
            given += 1
    if given < len(arguments):
        return awaited, arguments[given]
    return awaited, arguments[-1] if arguments and arguments[-1].nargs == -1 else None
