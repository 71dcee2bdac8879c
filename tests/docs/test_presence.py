"""The pages that are written by hand, against the code: what there is, is on them, and nothing else is."""

import re
from html import unescape
from pathlib import Path

import pytest

from docs.commands import list_commands, list_options
from docs.settings import PAGE, renew
from tests.docs.conftest import DOCS, REPOSITORY
from tokenry.cli.front import COMMANDS, USING
from tokenry.settings import CLIENT_VARIABLES, VARIABLES, Settings, flag_of

VARIABLE = re.compile(r"TOKENRY_[A-Z_]*[A-Z]")
CODE = re.compile(r"`([^`]+)`")
ALIKE = {"TOKENRY_METADATA", "TOKENRY_NEEDS", "TOKENRY_USER", "TOKENRY_VERIFIER"}
"""Settings of Django's, for the middleware."""
PER_COMMAND = {words: set(list_options(command)) for words, command in list_commands()}
OPTIONS = set.union(*PER_COMMAND.values())


def rows(page: Path, title: str) -> list[list[str]]:
    """The cells of the first table that has this first title."""
    table = page.read_text("utf-8").split(f"\n| {title} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[2:]]


def named_commands(page: Path) -> list[str]:
    """The words of every command in the page's table of commands; what is left out is as in the one before."""
    found: list[str] = []
    for cell, *_ in rows(page, "command"):
        for code in CODE.findall(cell):
            found.append(whole(code, found[-1] if found else ""))
    return found


def whole(code: str, before: str) -> str:
    """The words of a command, of which the first few may be those of the one before."""
    words = re.match(r"[a-z-]*(?: [a-z][a-z-]*)*", code)[0].split()  # type: ignore[index]
    shared = before.split()
    lengths = range(len(words), 0, -1)
    tries = (" ".join([*shared[:count], *words[:length]]) for count in range(len(shared) + 1) for length in lengths)
    return next((each for each in tries if each in PER_COMMAND), f"unknown: {code}")


def commands_of(owner: str) -> set[str]:
    words = {word for word, (package, _, _) in COMMANDS.items() if (package == USING) == (owner == USING)}
    return {command for command in PER_COMMAND if command.split()[1] in words}


@pytest.mark.parametrize(("page", "owner"), [("cli.md", USING), ("operating.md", "tokenry.operator")])
def test_every_command_is_in_its_table_and_no_other(page: str, owner: str) -> None:
    assert set(named_commands(DOCS / page)) == commands_of(owner)


@pytest.mark.parametrize("page", ["cli.md", "operating.md"])
def test_options_in_the_tables_of_commands_are_those_of_the_command(page: str) -> None:
    before = ""
    for cell, *_ in rows(DOCS / page, "command"):
        for code in CODE.findall(cell):
            before = whole(code, before)
            assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", code)) - PER_COMMAND[before] == set(), code


@pytest.mark.parametrize("page", ["cli.md", "operating.md", "gateways.md"])
def test_every_option_that_is_named_is_one_of_tokenry(page: str) -> None:
    text = re.sub(r"```.*?```", "", (DOCS / page).read_text("utf-8"), flags=re.DOTALL)
    others = re.compile(r"linode-cli does not|Not there:|uvicorn:")
    named = {option for line in text.splitlines() if not others.search(line) for option in _options(line)}
    assert named - OPTIONS == set()


def _options(line: str) -> list[str]:
    return [option for code in CODE.findall(line) for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)]


def test_every_command_and_option_is_on_the_page_of_the_reference(site: Path) -> None:
    page = unescape(re.sub(r"<[^>]+>", "", (site / "reference/commands.html").read_text("utf-8")))
    for words, options in PER_COMMAND.items():
        section = re.split(rf"^{words}#?.?$", page, maxsplit=1, flags=re.MULTILINE)[-1]
        assert section != page, words
        for option in options:
            assert option in section, (words, option)


def test_table_of_settings_is_written_from_the_settings() -> None:
    page = PAGE.read_text("utf-8")
    assert renew(page) == page, "run `python -m docs.settings`"


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert {name for cell, *_ in rows(DOCS / "operating.md", "variable") for name in CODE.findall(cell)} == VARIABLES


def test_every_setting_is_an_option_of_serve_by_its_name() -> None:
    flags = {*map(flag_of, Settings.model_fields), "--config-file"}
    assert PER_COMMAND["tokenry serve"] == flags | {"--no-bind-workers", "--no-metadata-header"}


def test_every_variable_of_the_client_is_in_the_table_and_no_other() -> None:
    named = {name for cell, *_ in rows(DOCS / "cli.md", "variable") for name in CODE.findall(cell)}
    assert named == CLIENT_VARIABLES


def test_every_variable_that_the_code_names_is_known() -> None:
    sources = (REPOSITORY / "src").rglob("*.py")
    named = {name for source in sources for name in VARIABLE.findall(source.read_text("utf-8"))}
    assert named - ALIKE - VARIABLES == CLIENT_VARIABLES


@pytest.mark.parametrize("page", [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.name)
def test_every_variable_that_a_page_names_is_known(page: Path) -> None:
    assert set(VARIABLE.findall(page.read_text("utf-8"))) - ALIKE - VARIABLES - CLIENT_VARIABLES == set()


STATUS = re.compile(
    r"# (\d+)\. \S[^\n]*\n\n\*\*Status\*\*: (in force|(?:amended|replaced) by ([^;\n]*))(?:; amends ([^;\n]*))?\.\n\n"
)
NUMBERED = re.compile(r"\[(\d+)\]\((\d{4})-[a-z0-9-]+\.md\)")


def test_decisions_say_their_status_and_the_later_one_says_so_too() -> None:
    said = {}
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        status = STATUS.match(page.read_text("utf-8"))
        assert status is not None, page.name
        assert int(status[1]) == int(page.name[:4])
        assert int(status[1]) not in said, page.name
        said[int(status[1])] = [{int(number) for number, _ in NUMBERED.findall(status[at] or "")} for at in (3, 4)]
    by = {(number, later) for number, (laters, _) in said.items() for later in laters}
    assert by == {(former, number) for number, (_, formers) in said.items() for former in formers}
    assert all(former < later for former, later in by)
