"""Commands without what Python takes to start: forks of a process that has imported everything already.

Each is a process of its own, with streams, environment, folder, signals and exit status as any other.
"""

import atexit
import gc
import os
import signal
import socket
import subprocess
import sys
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


def run_fork(
    command: Sequence[str], given: str, variables: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command of tokenry's as `subprocess.run` does."""
    ours, theirs = socket.socketpair()
    (their_input, our_output), (our_input, their_output), (our_errors, their_errors) = os.pipe(), os.pipe(), os.pipe()
    os.write(our_output, given.encode())
    os.close(our_output)
    with theirs:
        socket.send_fds(_forker(), [b"."], [theirs.fileno()])
    with ours, ours.makefile() as answers, ThreadPoolExecutor(2) as readers:
        socket.send_fds(ours, [b"."], [their_input, their_output, their_errors])
        for descriptor in (their_input, their_output, their_errors):
            os.close(descriptor)
        said = readers.map(_read, (our_input, our_errors))
        ours.sendall(repr((list(command), dict(variables), str(Path.cwd()))).encode())
        ours.shutdown(socket.SHUT_WR)
        process = int(answers.readline())
        ours.settimeout(timeout)
        try:
            status = int(answers.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(command), timeout) from None
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
            requests.close()
            streams = socket.recv_fds(caller, 1, 3)[1]
            if (command := os.fork()) == 0:
                break
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
        sys.argv, variables, folder = literal_eval(rest.read())
    caller.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    time.tzset()
    sys.path[0] = str(Path(sys.argv[0]).parent)
    coverage.process_startup()


if __name__ == "__main__":
    for module in (*(f"{package}.{module}" for package, module, _ in COMMANDS.values()), *PRELOADED):
        import_module(module)
    gc.freeze()
    _become_command()
    main()
