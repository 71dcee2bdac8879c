"""Completion, in real shells."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.conftest import missing
from tests.servers import environment
from tokenry.cli.front import COMMANDS

PROGRAMS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
ANSWER_SECONDS_MAX = 30
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
PREPARE = {
    "bash": 'eval "$(tokenry completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -u -d "$HOME/dump" && eval "$(tokenry completion zsh)"',
    "fish": "tokenry completion fish | source",
}


def require(shell: str) -> None:
    if shutil.which(shell) is None:
        missing(f"{shell} (the Debian package {shell})")


class Screen:
    """An interactive shell on a terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, *texts: str) -> None:
        """Wait until these have appeared since the last time."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        seen = ""
        while not all(text in seen for text in texts):
            ready = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"{texts} did not appear: {seen!r}"
            piece = os.read(self._terminal, 65536).decode(errors="replace")
            if "\x1b[6n" in piece or "\x1b[c" in piece:  # a shell that asks its terminal what it is waits for an answer
                os.write(self._terminal, b"\x1b[1;1R\x1b[?6c")
            seen += piece
        self.text += seen


@contextmanager
def shell(name: str, person: Person) -> Iterator[Screen]:
    """A shell in which the completion is set up."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *START[name]],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(**person.variables, PATH=PROGRAMS, TERM="xterm", PS1="$ ", COLUMNS="150", LINES="50"),
        cwd=person.home,
    )
    os.close(terminal)
    screen = Screen(keyboard)
    try:
        screen.type(f"{PREPARE[name]}; echo pre''pared\n")
        screen.wait_for("prepared\r\n")
        yield screen
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)


@pytest.mark.parametrize("name", START)
def test_command_is_completed_and_run(person: Person, name: str) -> None:
    require(name)
    with shell(name, person) as screen:
        screen.type("tokenry whoa\t-q\n")
        screen.wait_for("admin")


@pytest.mark.parametrize("name", START)
def test_ids_are_listed_with_their_labels(newcomer: Person, name: str) -> None:
    require(name)
    made = [newcomer.make(label=f"label: {word}") for word in ("first", "second")]
    with shell(name, newcomer) as screen:
        screen.type("tokenry token view \t\t\t")  # one puts in what all begin with, one may ring, one lists
        screen.wait_for("label: first", "label: second", str(made[0]["id"]), str(made[1]["id"]))


@pytest.mark.parametrize("name", START)
def test_id_is_completed_without_its_label(person: Person, name: str) -> None:
    require(name)
    made = person.make(label="to be completed")
    with shell(name, person) as screen:
        screen.type(f"tokenry token revoke --yes {made['id']}\t\n")
        screen.wait_for(f"Token {made['id']} is revoked.")


# --- what a shell asks for -------------------------------------------------------------------------------------------


def complete(person: Person, *words: str) -> list[str]:
    """The values that a shell would be given."""
    return [line.split("\t")[0] for line in person.does("__complete", *words).splitlines()]


def test_first_word_is_any_command(person: Person) -> None:
    assert complete(person, "") == complete(person) == list(COMMANDS)
    assert complete(person, "lo") == ["login", "logout"]
    assert complete(person, "nothing") == []


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("token", "re"), ["revoke"]),
        (("token", "nothing", ""), []),
        (("nothing", ""), []),
        (("token", "list", "--order-"), ["--order-by"]),
        (("token", "list", "--order", ""), ["asc", "desc"]),
        (("token", "list", "--order", "=", "d"), ["desc"]),
        (("token", "list", "--json", ""), []),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("serve", "--log-level", "w"), ["warning"]),
        (("admin", "token", "l"), ["list"]),
        (("profile", "token-v"), ["token-view"]),
    ],
)
def test_words_options_and_choices(person: Person, words: tuple[str, ...], values: list[str]) -> None:
    assert complete(person, *words) == values


def test_ids_are_those_that_are_not_named_yet(person: Person) -> None:
    ids = [str(person.make(label="offered")["id"]) for _ in range(2)]
    offered = complete(person, "token", "revoke", "--yes", ids[0], "")
    assert ids[1] in offered
    assert ids[0] not in offered
    assert complete(person, "token", "view", ids[0], "") == []


def test_contexts_are_completed_with_their_addresses(stranger: Person) -> None:
    stranger.does("login", stranger.server.url, "--context", "work", given=stranger.server.token)
    assert stranger.does("__complete", "context", "use", "") == f"work\t{stranger.server.url}\n"
    assert complete(stranger, "token", "list", "--context", "w") == ["work"]
    assert complete(stranger, "token", "view", "--context", "work", "1") != []


def test_nothing_is_offered_and_nothing_said_where_nobody_answers(stranger: Person) -> None:
    assert complete(stranger, "token", "view", "") == []
    stranger.variables |= {"TOKENRY_TOKEN": "x", "TOKENRY_URL": "http://127.0.0.1:1"}
    assert complete(stranger, "token", "view", "") == []


def test_label_cannot_move_the_cursor_or_be_taken_for_another_candidate(person: Person) -> None:
    made = person.make(label="a\n12345\tb\x1b[2J")
    assert f"{made['id']}\ta�12345�b�[2J\n" in person.does("__complete", "token", "view", str(made["id"]))
