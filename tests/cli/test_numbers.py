"""Numbers that are too great are refused in words, wherever a command takes one."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import Person
from tests.servers import tokenry
from tokenry.cli.front import COMMANDS
from tokenry.cli.tokens import _read_ids

GREAT = "9" * 20
HUGE = "9" * 5000


def parse(word: str, *words: str) -> None:
    """Read the arguments of a command as it does, without running it."""
    package, module, _ = COMMANDS[word]
    command: Any = typer.main.get_command(import_module(f"{package}.{module}").app)
    rest = list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context(word, rest)


@pytest.mark.parametrize("number", [GREAT, HUGE], ids=["great", "huge"])
@pytest.mark.parametrize(
    "command",
    [
        ("token", "list", "--limit"),
        ("token", "view"),
        ("token", "update", "--label", "x"),
        ("token", "rotate"),
        ("profile", "token-view"),
        ("profile", "token-delete"),
        ("profile", "tokens-list", "--page"),
        ("profile", "tokens-list", "--page-size"),
        ("profile", "tokens-list", "--column-width"),
        ("admin", "token", "revoke"),
        ("admin", "token", "list", "--limit"),
        ("admin", "audit", "list", "--limit"),
    ],
    ids=" ".join,
)
def test_number_that_is_too_great_is_wrong_usage(command: Sequence[str], number: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse(*command, number)


@pytest.mark.parametrize("number", [GREAT, HUGE], ids=["great", "huge"])
@pytest.mark.parametrize("option", ["--rate-limit", "--rate-limit-failures", "--port", "--workers"])
def test_setting_that_is_too_great_is_wrong_usage(tmp_path: Path, option: str, number: str) -> None:
    done = tokenry("serve", option, number, "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tokenry: {option} has to be a whole number")


@pytest.mark.parametrize("number", [GREAT, HUGE, "0", "9223372036854775808"])
def test_number_that_is_no_id_is_wrong_usage(number: str) -> None:
    with pytest.raises(typer.BadParameter, match="an id is a number"):
        _read_ids(["1", number])


def test_ids_on_standard_input_are_read_in_the_same_way(person: Person) -> None:
    assert "an id is a number" in person.fails(2, "token", "revoke", "-", "-y", given=HUGE)
