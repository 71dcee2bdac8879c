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
import threading
import time
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from itertools import repeat
from pathlib import Path
from select import select
from typing import NoReturn

import coverage

from tokenry.cli.front import COMMANDS

INPUT_BYTES_MAX = 4096
"""What a pipe takes on every system before anybody reads it."""
READ_AT_START = ("LANG", "LC_", "LD_", "PYTHON")
"""How the names of variables begin that only the start of a Python reads."""
STREAMS = (("stdin", "r", -1, "strict"), ("stdout", "w", -1, "strict"), ("stderr", "w", 1, "backslashreplace"))
"""The standard streams: name, mode, buffering (-1: whole lines on a terminal) and what becomes of bad characters."""
AFTER_START = {"PYTHONIOENCODING", "PYTHONPATH", "PYTHON_KEYRING_BACKEND"}
PRELOADED = {
    "tokenry": (
        *(f"{package}.{module}" for package, module, _ in COMMANDS.values()),
        "alembic.command",
        "encodings.idna",
        "importlib.readers",
        "pydantic.type_adapter",
        "rich.progress",
        "rich.table",
        "tests.cli.dying",
        "tests.grants.doomed",
        "tokenry.client.connections",
        "tokenry.operator.running",
        "typer._adapters",
        "typer._click._textwrap",
        "typer._click.decorators",
    ),
    "linode-cli": ("importlib.metadata", "requests", "rich.table", "yaml"),
}
"""What is imported before forking: of ours all commands, and what they import when they need it."""
PROGRAMS = {
    "tokenry": ("tokenry", "tokenry.cli", "main"),
    "dying.py": ("tokenry", "tests.cli.dying", "main"),
    "doomed.py": ("tokenry", "tests.grants.doomed", "main"),
    "linode-cli": ("linode-cli", "linodecli", "main"),  # which reads its arguments when it is imported
}
"""What can be forked: from which of PRELOADED, and the main function."""


def can_fork(program: Sequence[str], given: str, variables: Mapping[str, str]) -> bool:
    """Whether a fork does what a start would."""
    if len(program) > 1 or Path(program[0]).name not in PROGRAMS:
        return False
    at_start = [name for name in variables if name.startswith(READ_AT_START) and name not in AFTER_START]
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
    streams: Sequence[int | None],
    variables: Mapping[str, str],
    *,
    folder: Path | None = None,
    on_terminal: bool = False,
) -> Forked:
    """Start a program of PROGRAMS as `subprocess.Popen` does, on these streams, in this folder or in ours.

    A stream that is None is closed. `on_terminal` makes its standard input the terminal that it is controlled from. It
    ends when the tests do.
    """
    opened = {number: descriptor for number, descriptor in enumerate(streams) if descriptor is not None}
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_forker(PROGRAMS[Path(command[0]).name][0]), [b"."], [theirs.fileno(), *opened.values()])
    start = list(command), list(opened), dict(variables), str(folder or Path.cwd()), on_terminal
    ours.sendall(repr(start).encode())
    ours.shutdown(socket.SHUT_WR)
    return Forked(ours, command)


def run_fork(
    command: Sequence[str],
    given: str,
    variables: Mapping[str, str],
    timeout: float,
    redirected: Mapping[int, int | None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program of PROGRAMS as `subprocess.run` does.

    `redirected` has the streams that are no pipes; None is a closed one. What it says is read in the encoding that it
    was told to write.
    """
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    (their_input, our_output), (our_input, their_output), (our_errors, their_errors) = os.pipe(), os.pipe(), os.pipe()
    os.write(our_output, given.encode())
    os.close(our_output)
    with ThreadPoolExecutor(2) as readers:
        pipes = (their_input, their_output, their_errors)
        streams = {**dict(enumerate(pipes)), **(redirected or {})}
        process = start_fork(command, list(streams.values()), variables)
        for descriptor in pipes:
            os.close(descriptor)
        said = readers.map(_read, (our_input, our_errors), repeat(encoding))
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        output, errors = said
    return subprocess.CompletedProcess(list(command), status, output, errors)


def _read(descriptor: int, encoding: str) -> str:
    with open(descriptor, encoding=encoding) as file:
        return file.read()


@cache
def _forker(preloaded: str) -> socket.socket:
    """The way to the process that forks what needs these of PRELOADED; it ends with this one."""
    ours, theirs = socket.socketpair()
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", preloaded, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[1],
            env=unmeasured,
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def _become_command(requests: socket.socket) -> None:
    """Fork for everybody who asks, until nobody can any more. Return in what was forked, as a process just started."""
    callers: dict[int, socket.socket] = {}
    woken, waking = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select([requests.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            _tell_of_ended(callers)
        if requests.fileno() in ready:
            descriptors = socket.recv_fds(requests, 1, 4)[1]
            if not descriptors:
                sys.exit()
            caller = socket.socket(fileno=descriptors[0])
            if (command := os.fork()) == 0:
                break
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            caller.sendall(f"{command}\n".encode())
            callers[command] = caller
    _end_with_parent()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (woken, waking):
        os.close(descriptor)
    for other in (requests, *callers.values()):
        other.close()
    with caller, caller.makefile() as start:
        sys.argv, numbers, variables, folder, on_terminal = literal_eval(start.read())
    _open_streams(dict(zip(numbers, descriptors[1:], strict=True)), variables.get("PYTHONIOENCODING", "utf-8"))
    if on_terminal:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    time.tzset()
    sys.path[0] = str(Path(sys.argv[0]).parent)
    sys.path[1:1] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    # What it starts by multiprocessing imports the program, and not what forks.
    main_module = sys.modules["__main__"]
    main_module.__spec__, main_module.__file__ = None, sys.argv[0]
    coverage.process_startup()


def _tell_of_ended(callers: dict[int, socket.socket]) -> None:
    """Tell whoever asked for commands that have ended their exit status."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with suppress(OSError), callers.pop(ended[0]) as caller:  # perhaps nobody wants to know any more
                caller.sendall(f"{os.waitstatus_to_exitcode(ended[1])}\n".encode())


def _open_streams(descriptors: Mapping[int, int], encoding: str) -> None:
    """Make these the standard streams, as Python does at its start, and close the others, which are None then."""
    for number, (name, mode, buffering, errors) in enumerate(STREAMS):
        stream = None
        if number in descriptors:
            os.dup2(descriptors[number], number)
            os.close(descriptors[number])
            stream = open(number, mode, buffering, encoding, errors, closefd=False)  # noqa: SIM115
        else:
            os.close(number)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _end_with_parent() -> None:
    """Leave no process behind, however the tests end, where the system can see to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and end as Python does, but let the system take its objects: that costs more than most commands.

    What does not end as a command should is left to Python.
    """
    try:
        sys.exit(main())
    except SystemExit as end:
        if not isinstance(status := end.code, int | None):
            raise
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit((status or 0) & 0xFF)


def _describe() -> None:
    """Make what each service shows of its interface, once for all: it takes longer than all else in a start."""
    from tokenry.description.table import description_paths  # noqa: PLC0415 - linode-cli needs none of it
    from tokenry.faces import WIRE  # noqa: PLC0415
    from tokenry.storage.catalogue import default_catalogue  # noqa: PLC0415

    description_paths(default_catalogue(), WIRE, None)


if __name__ == "__main__":
    for module in PRELOADED[sys.argv[1]]:
        import_module(module)
    if sys.argv[1] == "tokenry":
        _describe()
    gc.freeze()
    _become_command(socket.socket(fileno=int(sys.argv[2])))
    _, owner, function = PROGRAMS[Path(sys.argv[0]).name]
    _run_command(getattr(import_module(owner), function))
