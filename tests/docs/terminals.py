"""A terminal as readers have it open, and what pages show of one: `$ ` before a command, below it what it prints."""

import os
import pty
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.servers import STOP_SECONDS_MAX, environment

COMMAND_SECONDS_MAX = 60
POLL_SECONDS = 0.05
PROMPT = "$ "
ANYTHING = "…"
_END = re.compile(rb"\x01(\d+)\x01")
_REMARK = re.compile(r"\s{2,}#.*")
_BACKGROUND = re.compile(r"--port (\d+)\b.*&(?:\s+#.*)?$")


@dataclass(frozen=True)
class Step:
    """A command and what is shown of its output; nothing may be shown."""

    command: str
    shown: str


def read_steps(block: str) -> list[Step]:
    """Read what a page shows. A command goes on behind a backslash; a remark has two spaces before its `#`."""
    steps: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith(PROMPT):
            steps.append((line.removeprefix(PROMPT), []))
        elif steps[-1][0].endswith("\\"):
            steps[-1] = (f"{steps[-1][0]}\n{line}", [])
        else:
            steps[-1][1].append(_REMARK.sub("", line))
    return [Step(_REMARK.sub("", command), "\n".join(shown).strip()) for command, shown in steps]


def read_commands(page: Path, title: str) -> list[str]:
    """The commands of a section of a page that are indented: there they show nothing, and some may stand for others."""
    section = re.split(rf"^#+ {re.escape(title)}$", page.read_text("utf-8"), flags=re.MULTILINE)[1].split("\n#")[0]
    return [_REMARK.sub("", line).strip() for line in section.splitlines() if line.startswith("    ")]


def is_shown(printed: str, shown: str) -> bool:
    """Whether a page shows what was printed: … is anything, on a line of its own any lines; widths do not matter."""
    lines = (r"(?:.*\n)*" if line == ANYTHING else f"{_pattern(line)}\n" for line in _narrow(shown).splitlines())
    return re.fullmatch("".join(lines), f"{_narrow(printed)}\n") is not None


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split(ANYTHING)))


def _narrow(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


class Terminal:
    """A shell that keeps what commands leave. Its screen is a terminal; whoever reads is given `typed`."""

    def __init__(self, folder: Path, typed: str, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self._typed = folder / ".typed"
        self._typed.write_text(f"{typed}\n")
        (folder / ".curlrc").write_text("silent\nshow-error\nno-styled-output\n")
        own = {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TERM": "dumb",
            "COLUMNS": "160",
        }
        self._screen, screen = pty.openpty()
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=screen,
            stderr=screen,
            cwd=folder,
            env=environment(**{**own, **variables}),
        )
        os.close(screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._type("kill $(jobs -p) 2>/dev/null; wait; exit")
        try:
            self._shell.communicate(timeout=STOP_SECONDS_MAX)
        finally:
            self._shell.kill()
            os.close(self._screen)

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; its status, and what was on the screen. One that goes on in the background listens by then."""
        self._type(f"{{ {command}\n}} <{self._typed}; printf '\\001%s\\001' $?")
        screen, deadline = b"", time.monotonic() + COMMAND_SECONDS_MAX
        while (end := _END.search(screen)) is None:
            ready, _, _ = select.select([self._screen], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{command} goes on and on: {screen!r}"
            screen += os.read(self._screen, 65536)
        if background := _BACKGROUND.search(command):
            _wait_for(int(background[1]), deadline)
        return int(end[1]), screen[: end.start()].decode().replace("\r\n", "\n")

    def _type(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n".encode())
        self._shell.stdin.flush()


def _wait_for(port: int, deadline: float) -> None:
    """Wait until somebody listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(POLL_SECONDS)
        else:
            return
