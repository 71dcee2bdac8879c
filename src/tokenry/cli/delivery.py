"""A secret that a command is given on its standard input, and what became of it."""

import os
import subprocess
import sys
from dataclasses import dataclass

from tokenry.client import Secret

END_SECONDS_MAX = 5
"""How long a command may take to end once it is told to."""
READ_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a command ended (below zero: by that signal), and how many of the secret's bytes it has left unread."""

    status: int
    unread: int
    length: int

    @property
    def is_done(self) -> bool:
        """Whether the command has read all of it, and succeeded."""
        return self.status == 0 and not self.unread

    @property
    def is_unread(self) -> bool:
        """Whether the command has read nothing: then it cannot have stored it."""
        return self.unread == self.length

    def __str__(self) -> str:
        ending = f"was ended by signal {-self.status}" if self.status < 0 else f"ended with exit status {self.status}"
        return f"The command {ending}{' and has not read all of the secret' if self.unread else ''}."


def deliver(secret: Secret, command: str, *, lock: int) -> Delivery:
    """Run a command of /bin/sh with nothing but the secret on its standard input, without a newline.

    What it prints goes to standard error. It holds `lock` too, as does whatever it leaves running, so that no further
    run begins beside it should this process be killed. Raises OSError if there is no such shell.
    """
    text = secret.reveal().encode("utf-8")
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(text)  # far less than what a pipe holds, so it waits for nobody
        status = _run(["/bin/sh", "-c", command], reading, lock)
        unread = len(os.read(reading, READ_BYTES_MAX))
    finally:
        os.close(reading)
    return Delivery(status, unread, len(text))


def _run(words: list[str], standard_input: int, lock: int) -> int:
    """Run a program to its end; its exit status. It ends too when this is interrupted."""
    with subprocess.Popen(words, stdin=standard_input, stdout=sys.stderr, pass_fds=[lock]) as process:  # noqa: S603
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
