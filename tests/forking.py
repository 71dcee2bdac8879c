"""Commands, the service among them, without what Python takes to start: forks of a process that has imported it all.

Each is a process of its own, with streams, environment, folder, signals and exit status as any other.
"""

import atexit
import ctypes
import fcntl
import gc
import os
import signal
import socket
import subprocess
import sys
import termios
import time
from ast import literal_eval
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import coverage

from tokenry.cli.front import COMMANDS, main

INPUT_BYTES_MAX = 4096
"""What a pipe takes on every system before anybody reads it."""
READ_AT_START = ("LANG", "LC_", "LD_", "PYTHON")
"""How the names of variables begin that only the start of a Python reads."""
PRELOADED = ("alembic.command", "rich.progress", "rich.table", "tokenry.client.connections")
"""What commands import when they need it, beside the modules of all commands."""


def can_fork(given: str, variables: Mapping[str, str]) -> bool:
    """Whether a fork does what a start would."""
    at_start = [name for name in variables if name.startswith(READ_AT_START) and name != "PYTHON_KEYRING_BACKEND"]
    return len(given.encode()) <= INPUT_BYTES_MAX and all(os.environ.get(name) == variables[name] for name in at_start)


class Forked:
    """A process that was forked: what `subprocess.Popen` has of one."""

    def __init__(self, answers: socket.socket, command: Sequence[str]) -> None:
        self._answers = answers
        self._command = list(command)
        self._status: int | None = None
        self.pid = self._read_number(None)

    def poll(self) -> int | None:
        """The exit status; None before the end."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit status. Raises TimeoutExpired."""
        if self._status is None:
            try:
                self._status = self._read_number(timeout)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self._command, timeout or 0) from None
            self._answers.close()
        return self._status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _read_number(self, timeout: float | None) -> int:
        self._answers.settimeout(timeout)
        line = b""
        while not line.endswith(b"\n"):  # which is sent in one piece
            piece = self._answers.recv(1)
            assert piece, "what forks has ended"
            line += piece
        return int(line)


def start_fork(
    command: Sequence[str],
    streams: Sequence[int],
    variables: Mapping[str, str],
    *,
    folder: Path | None = None,
    on_terminal: bool = False,
) -> Forked:
    """Start a command of tokenry's as `subprocess.Popen` does, on these streams, in this folder or in ours.

    `on_terminal` makes its standard input the terminal that it is controlled from. It ends when the tests do.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_forker(), [b"."], [theirs.fileno()])
    socket.send_fds(ours, [b"."], streams)
    ours.sendall(repr((list(command), dict(variables), str(folder or Path.cwd()), on_terminal)).encode())
    ours.shutdown(socket.SHUT_WR)
    return Forked(ours, command)


def run_fork(
    command: Sequence[str], given: str, variables: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command of tokenry's as `subprocess.run` does."""
    (their_input, our_output), (our_input, their_output), (our_errors, their_errors) = os.pipe(), os.pipe(), os.pipe()
    os.write(our_output, given.encode())
    os.close(our_output)
    with ThreadPoolExecutor(2) as readers:
        process = start_fork(command, (their_input, their_output, their_errors), variables)
        for descriptor in (their_input, their_output, their_errors):
            os.close(descriptor)
        said = readers.map(_read, (our_input, our_errors))
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        output, errors = said
    return subprocess.CompletedProcess(list(command), status, output, errors)


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as file:
        return file.read()


@cache
def _forker() -> socket.socket:
    """The way to the process that forks; it ends with this one."""
    ours, theirs = socket.socketpair()
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[1],
            env=unmeasured,
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def _become_command() -> None:
    """Fork for everybody who asks, until nobody can any more. Return in what was forked, as a process just started."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    while descriptors := socket.recv_fds(requests, 1, 1)[1]:
        caller = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            _end_with_parent()
            requests.close()
            streams = socket.recv_fds(caller, 1, 3)[1]
            if (command := os.fork()) == 0:
                _end_with_parent()
                break
            for descriptor in streams:
                os.close(descriptor)
            with suppress(OSError):  # nobody wants to know any more
                caller.sendall(f"{command}\n".encode())
                caller.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])}\n".encode())
            os._exit(0)
        caller.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # it has waited for a command
    else:
        sys.exit()
    with caller.makefile() as rest:
        sys.argv, variables, folder, on_terminal = literal_eval(rest.read())
    caller.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if on_terminal:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    time.tzset()
    sys.path[0] = str(Path(sys.argv[0]).parent)
    # What it starts by multiprocessing imports the program, and not what forks.
    main_module = sys.modules["__main__"]
    main_module.__spec__, main_module.__file__ = None, sys.argv[0]
    coverage.process_startup()


def _end_with_parent() -> None:
    """Leave no process behind, however the tests end, where the system can see to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


if __name__ == "__main__":
    for module in (*(f"{package}.{module}" for package, module, _ in COMMANDS.values()), *PRELOADED):
        import_module(module)
    gc.freeze()
    _become_command()
    main()
