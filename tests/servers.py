"""Real servers for tests: `tokenry serve` in a process of its own, and Redis."""

import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import redis

from tests.forking import Forked, can_fork, run_fork, start_fork

STOP_SECONDS_MAX = 20
START_SECONDS_MAX = 30
PAGE_ORIGIN = "https://app.example"
"""Where the pages of a product are from, for services that say so."""
NO_LIMITS = {f"TOKENRY_RATE_LIMIT{what}": "0" for what in ("", "_FAILURES", "_SIGN_IN")}
"""Tests ask more often than any client may; those of the limits set their own."""
UNTIL_WE_END = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""Before a program: no server stays behind when the tests are killed."""
TOKENRY = str(Path(sys.executable).with_name("tokenry"))
LISTENING = "Data:"
"""How the line begins that is printed when the service listens, and its workers have yet to begin."""
LINODE_CLI = str(Path(sys.executable).with_name("linode-cli"))


def wait_until(condition: Callable[[], object], seconds: float, otherwise: str = "it never came to be") -> None:
    """Wait until something is so; fail when that takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Server:
    """A running service. `token` is the first one, of scope `*`; empty when this was not its first start."""

    process: subprocess.Popen[str] | Forked
    url: str
    token: str
    data_dir: Path
    printed: str
    log_file: Path
    output: TextIO

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text("utf-8")

    def stop(self) -> int:
        """Stop it as an operator does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)

    def kill(self) -> None:
        """Stop it as a power cut does."""
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)


def environment(**variables: str) -> dict[str, str]:
    """The environment without any setting of tokenry or of a client, plus `variables`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TOKENRY_", "LINODE_"))}
    return {**clean, **variables}


def start_server(
    data_dir: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = (TOKENRY,),
    terminal: bool = False,
    folder: Path | None = None,
    until: str = "Ready.",
) -> Server:
    """Start the service on a free port, its standard output a pipe or a terminal, and wait until it answers.

    `folder` is where it is started, when that matters. With another `until`, such as LISTENING, wait for
    the line that begins so.
    """
    log_file = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.log")
    reading, writing = pty.openpty() if terminal else os.pipe()
    command = [*program, "serve", "--port", "0", "--data-dir", str(data_dir), *arguments]
    set_up = environment(**NO_LIMITS | dict(variables or {}))
    process: subprocess.Popen[str] | Forked
    with log_file.open("w", encoding="utf-8") as log:
        if can_fork(program, "", set_up):
            process = start_fork(command, (0, writing, log.fileno()), set_up, folder=folder)
        else:
            process = subprocess.Popen(
                [*UNTIL_WE_END, *command], env=set_up, cwd=folder, stdout=writing, stderr=log, text=True
            )
    os.close(writing)
    output = os.fdopen(reading, encoding="utf-8")
    printed = ""
    for line in output:
        printed += line
        if line.startswith(until):
            break
    url = re.search(r"API: +(\S+)/v4", printed)
    if url is None:
        process.wait(START_SECONDS_MAX)
        raise AssertionError(f"the service did not start: {printed}{log_file.read_text('utf-8')}")
    return Server(process, url[1], _first_token(printed), data_dir, printed, log_file, output)


def _first_token(printed: str) -> str:
    """The token that a first start speaks of, there or in a file; empty where there is none."""
    exported = re.search(r"export TOKENRY_TOKEN=(.+)", printed)
    if exported is None:
        return ""
    file = re.fullmatch(r"\$\(cat (.+)\)", exported[1])
    return Path(shlex.split(file[1])[0]).read_text("ascii").strip() if file else exported[1]


@contextmanager
def serving(
    data_dir: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = (TOKENRY,),
    terminal: bool = False,
    folder: Path | None = None,
    until: str = "Ready.",
) -> Iterator[Server]:
    """Run the service for the length of a block; end it whatever happens."""
    server = start_server(
        data_dir, *arguments, variables=variables, program=program, terminal=terminal, folder=folder, until=until
    )
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        server.output.close()


def tokenry(
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    given: str = "",
    timeout: float = 60,
    program: Sequence[str] = (TOKENRY,),
) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end, with `given` on its standard input."""
    set_up = environment(**(variables or {}))
    if can_fork(program, given, set_up):
        return run_fork([*program, *arguments], given, set_up, timeout)
    return subprocess.run(
        [*program, *arguments],
        input=given,
        env=set_up,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def service_account(
    server: Server,
    name: str,
    *,
    ceiling: str,
    scopes: str = "tokenry_users:read_write tokenry_tokens:read_write",
    scopes_file: Path | None = None,
) -> str:
    """Make a service account, which may give users at most `ceiling`; a token of it."""
    place = ("--data-dir", str(server.data_dir))
    variables = {} if scopes_file is None else {"TOKENRY_SCOPES_FILE": str(scopes_file)}
    token = ("token", "create", "--user", name, "--expires", "9d", "--scopes", scopes)
    for command in (("service-account", "create", name, "--ceiling", ceiling), token):
        done = tokenry("admin", *command, *place, variables=variables)
        assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Redis:
    """A real Redis on a free port, with a password and nothing on disk. It forgets everything when it stops."""

    PASSWORD = "sesame"

    def __init__(self, program: str, directory: Path) -> None:
        self.port = free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        self._command += ["--save", "", "--appendonly", "no", "--requirepass", self.PASSWORD]
        self._log_file = directory / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen([*UNTIL_WE_END, *self._command], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.ask("PING")
            except redis.exceptions.ConnectionError:
                assert self._process.poll() is None, self._log_file.read_text("utf-8")
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def ask(self, *command: str) -> Any:
        """Send one command; its answer."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*command)
