"""Real shells in which the completion is set up, and what one asks for."""

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

from tests.cli.conftest import Person
from tests.conftest import missing
from tests.servers import environment

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


def complete(person: Person, *words: str) -> list[str]:
    """The values that a shell would be given."""
    return [line.split("\t")[0] for line in person.does("__complete", *words).splitlines()]
