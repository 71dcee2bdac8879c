"""Commands on a terminal of their own, as somebody sits before it."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.forking import Forked, can_fork, start_fork
from tests.servers import TOKENRY, environment, wait_until

ANSWER_SECONDS_MAX = 30


@dataclass(frozen=True)
class Seen:
    """How a command ended, and all that was on its screen."""

    status: int
    screen: str


def on_a_terminal(
    *arguments: str,
    answers: Sequence[tuple[str, str]] = (),
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = (TOKENRY,),
    standard_output: int | None = None,
) -> Seen:
    """Run a command whose standard streams are a terminal, and type each answer once its question is there.

    `standard_output` is a file descriptor in place of the terminal.
    """
    keyboard, terminal = pty.openpty()
    streams = (terminal, terminal if standard_output is None else standard_output, terminal)
    set_up = {**environment(), "TERM": "xterm", "COLUMNS": "120", **(variables or {})}
    process: subprocess.Popen[bytes] | Forked
    if can_fork(program, "", set_up):
        process = start_fork([*program, *arguments], streams, set_up, on_terminal=True)
    else:
        process = subprocess.Popen(
            ["setsid", "--ctty", *program, *arguments],  # so that Ctrl-C is one
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            env=set_up,
            close_fds=True,
        )
    os.close(terminal)
    try:
        screen = _watch(keyboard, list(answers), process.pid)
        return Seen(process.wait(ANSWER_SECONDS_MAX), screen)
    finally:
        os.close(keyboard)
        if process.poll() is None:
            process.kill()
            process.wait()


def _watch(keyboard: int, answers: list[tuple[str, str]], command: int) -> str:
    screen, seen = b"", 0
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while select.select([keyboard], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            piece = os.read(keyboard, 65536)
        except OSError:  # the other end is closed: the command has ended
            piece = b""
        if not piece:
            return screen.decode().replace("\r\n", "\n")
        screen += piece
        if answers and answers[0][0].encode() in screen[seen:]:
            seen = len(screen)
            if sys.platform == "linux":
                wait_until(lambda: _sleeps(command), ANSWER_SECONDS_MAX, "the command does not wait for an answer")
            os.write(keyboard, answers.pop(0)[1].encode())
    raise AssertionError(f"the command did not end: {screen.decode()}")


def _sleeps(process: int) -> bool:
    """Whether it waits for something, as who answers a question waits until it is asked.

    Python does not hear Ctrl-C that comes after it has written a question and before it reads: it reads on.
    """
    return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "S"  # proc(5)
