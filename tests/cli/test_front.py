"""The front: what a word leads to, and what it costs not to call any."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

import pytest
import typer

import tokenry as package
from tests.servers import environment, tokenry
from tokenry.cli.front import COMMANDS, EXPOSED
from tokenry.operator import admin

HEAVY = {"argparse", "click", "dataclasses", "difflib", "httpx2", "importlib.metadata", "rich", "typer", "typing"}
"""What the overview does without: it would cost several times as much as Python itself."""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}", *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_overview_has_every_command_and_its_summary(arguments: Sequence[str]) -> None:
    printed = tokenry(*arguments)
    assert (printed.returncode, printed.stderr) == (0, "")
    lines = [line.split(maxsplit=1) for line in printed.stdout.splitlines() if line.startswith("  ")]
    assert lines == [[word, summary] for word, (_, _, summary) in COMMANDS.items()]
    assert max(map(len, printed.stdout.splitlines())) <= 100


def test_reader_that_leaves_early_is_no_error() -> None:
    """As in `tokenry --help | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "tokenry", "--help"]
    ended = subprocess.run(command, env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_version_is_that_of_the_package() -> None:
    assert tokenry("--version").stdout == f"tokenry {package.__version__}\n"


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_overview_and_version_import_no_library(argument: str) -> None:
    done = python("from tokenry.cli import main; main(); print(*sys.modules, file=sys.stderr)", argument)
    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert "tokenry.cli.front" in loaded
    assert loaded & HEAVY == set()
    ours = {"tokenry", "tokenry.cli", "tokenry.cli.front", "tokenry.cli.streams"}
    assert {name for name in loaded if name.startswith("tokenry")} == ours


@pytest.mark.parametrize("word", COMMANDS)
def test_summary_is_how_the_command_introduces_itself(word: str) -> None:
    owner, module, summary = COMMANDS[word]
    app = import_module(f"{owner}.{module}").app
    introduced = typer.main.get_command(app).help
    assert introduced is not None
    assert introduced.startswith(summary)


@pytest.mark.parametrize("owner", sorted({owner for owner, _, _ in COMMANDS.values()}))
def test_every_command_that_there_is_can_be_called(owner: str) -> None:
    modules = [import_module(f"{owner}.{module.name}") for module in iter_modules(import_module(owner).__path__)]
    apps = {id(module.app): module.__name__ for module in modules if hasattr(module, "app")}
    called = {id(import_module(f"{owner}.{name}").app) for of, name, _ in COMMANDS.values() if of == owner}
    groups = [group.typer_instance for group in admin.app.registered_groups if group.typer_instance]
    below = {id(group) for group in groups}
    below |= {id(each.typer_instance) for group in groups for each in group.registered_groups}
    assert [name for app, name in apps.items() if app not in called | below] == []


@pytest.mark.parametrize(
    ("word", "near"), [("serv", "serve"), ("adm1n", "admin"), ("doktor", "doctor"), ("--hepl", None), ("xyz", None)]
)
def test_unknown_word_is_a_usage_error_with_the_nearest_command(word: str, near: str | None) -> None:
    done = tokenry(word)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert "tokenry --help" in done.stderr
    assert (f"Did you mean {near}?" in done.stderr) if near else ("Did you mean" not in done.stderr)


def test_unknown_word_below_a_command_is_a_usage_error_with_the_nearest_one() -> None:
    done = tokenry("admin", "tokn")
    assert done.returncode == 2
    assert "Did you mean token?" in done.stderr


@pytest.mark.parametrize(
    ("word", "library", "extra"), [("migrate", "sqlalchemy", "tokenry[server]"), ("whoami", "typer", "tokenry[cli]")]
)
def test_missing_library_is_named_with_what_brings_it(word: str, library: str, extra: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; from tokenry.cli import main; main()"
    done = python(code, word)
    assert done.returncode == 1
    assert done.stderr == f'tokenry: {library} is not installed: run pip install "{extra}".\n'


def test_module_and_program_are_the_same_command_line() -> None:
    assert tokenry("--help", program=(sys.executable, "-m", "tokenry")).stdout == tokenry("--help").stdout


@pytest.mark.parametrize("before", ["", "my_pat_ci: ", "pat_", "pat_" * 9])
def test_token_among_the_arguments_is_seen_wherever_it_stands(before: str) -> None:
    token = "pat_" + "a" * 50
    done = tokenry("token", "create", "--label", before + token)
    assert (done.returncode, done.stderr) == (2, f"tokenry: {EXPOSED}\n")
