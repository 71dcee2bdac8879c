"""The servers that are measured, as real processes on one core; each ends with the block that started it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchmarkError
from bench.machine import find_program

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
ANSWER_SECONDS_MAX = 10
IDLE_SECONDS_MAX = 120
_IDLE_SECONDS = 0.5
# What /verify answers with, so that nginx writes as much for each request.
STATIC_HEADERS = {
    "X-Auth-User": "user-00042",
    "X-Auth-User-Id": "43",
    "X-Auth-Account-Id": "1",
    "X-Auth-Token-Id": "123456",
    "X-Auth-Scopes": "account:read_write linodes:read_only",
    "X-Auth-Expires": "1900000000",
    "Cache-Control": "no-store",
}
_NGINX = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
{headers}
        return 200{body};
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one request; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of one process."""

    name: str
    process: subprocess.Popen[str]
    port: int
    log_file: Path
    others: tuple["Server", ...] = ()
    """Those that work for its answers, on the same core."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor time of it and the others, all threads together. Raises BenchmarkError if one is gone."""
        if self.process.poll() is not None:
            raise BenchmarkError(f"{self.name} ended: {read_end(self.log_file)}")
        return process_cpu_seconds(self.process.pid) + sum(other.cpu_seconds() for other in self.others)

    def ask(
        self, method: str, path: str, secret: str | None = None, body: str = "", more: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once, on a connection of its own; `more` are further headers."""
        headers = {**(more or {}), **({} if secret is None else {"Authorization": f"Bearer {secret}"})}
        if body:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()


@contextmanager
def nginx(
    folder: Path, core: int | None, headers: Mapping[str, str] = STATIC_HEADERS, body: str = ""
) -> Iterator[Server]:
    """Run nginx with one worker that answers everything with a static 200."""
    folder.mkdir()
    port = free_port()
    lines = "\n".join(f'        add_header {name} "{value}";' for name, value in headers.items())
    text = _NGINX.format(folder=folder, port=port, headers=lines, body=f' "{body}"' if body else "")
    configuration = folder / "nginx.conf"
    configuration.write_text(text, "utf-8")
    command = [find_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    log_file = folder / "nginx.log"
    with running(command, core, log_file) as process:
        server = Server("nginx", process, port, log_file)
        wait_until_ready(server)
        yield server


@contextmanager
def tokenry(
    data_dir: Path, core: int | None, *options: str, workers: int = 1, module: str | None = None
) -> Iterator[Server]:
    """Run `tokenry serve` as an operator does, on one core or on all; its log goes to a file.

    `options` are further ones of the command; `module` is run instead of the program, with the same arguments.
    """
    program = [str(Path(sys.executable).with_name("tokenry"))] if module is None else [sys.executable, "-m", module]
    command = [*program, "serve"]
    command += ["--host", "127.0.0.1", "--port", "0", "--workers", str(workers), "--data-dir", str(data_dir)]
    command += ["--rate-limit", "0", "--rate-limit-failures", "0"]  # what is measured is asked more often than allowed
    command += options
    log_file = data_dir.with_name(f"{data_dir.name}.log")
    with running(command, core, log_file) as process:
        server = Server("tokenry", process, _printed_port(process, log_file), log_file)
        wait_until_ready(server)
        _wait_until_idle(process.pid)
        yield server


@contextmanager
def peer_server(name: str, command: Sequence[str], core: int, log_file: Path) -> Iterator[Server]:
    """Run another server on one core; the first line that it prints is its port."""
    with running(command, core, log_file) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise BenchmarkError(f"{name} did not start: {line}{read_end(log_file)}")
        server = Server(name, process, int(line), log_file)
        wait_until_ready(server)
        yield server


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def process_cpu_seconds(pid: int) -> float:
    """The processor time that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])  # utime and stime, proc(5)
    return (user + system) / os.sysconf("SC_CLK_TCK")


def read_end(log_file: Path) -> str:
    """The end of a log, to say what went wrong."""
    return log_file.read_text("utf-8", errors="replace")[-2000:]


@contextmanager
def running(
    command: Sequence[str], core: int | None, log_file: Path, folder: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a process on one core, out of reach of the terminal's Ctrl-C: whoever started it ends it, in order.

    With a `folder` it runs in there and finds its home there; what it prints goes to the log, too.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENRY_")}
    if folder is not None:
        environment["HOME"] = str(folder)
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command if core is None else [find_program("taskset"), "--cpu-list", str(core), *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if folder is None else log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def _printed_port(process: subprocess.Popen[str], log_file: Path) -> int:
    assert process.stdout is not None
    port = None
    for line in process.stdout:
        found = re.match(r"API: +http://127\.0\.0\.1:(\d+)/", line)
        port = int(found[1]) if found else port
        if line.startswith("Ready.") and port is not None:
            return port
    raise BenchmarkError(f"tokenry did not start: {read_end(log_file)}")


def wait_until_ready(server: Server) -> None:
    """Wait until a server answers. Raises BenchmarkError."""
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and server.process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if server.ask("GET", "/healthz").status != 404:  # what Traefik answers while it has not read its files
                return
        time.sleep(0.05)
    raise BenchmarkError(f"{server.name} did not start: {read_end(server.log_file)}")


def _wait_until_idle(pid: int) -> None:
    """Wait until a server has done what it does after a start, such as filling its filters, lest it be measured too."""
    until = time.monotonic() + IDLE_SECONDS_MAX
    while time.monotonic() < until:
        before = _family_cpu_seconds(pid)
        time.sleep(_IDLE_SECONDS)
        if _family_cpu_seconds(pid) - before < _IDLE_SECONDS / 10:
            return
    raise BenchmarkError(f"the server is still busy {IDLE_SECONDS_MAX} s after its start")


def _family_cpu_seconds(pid: int) -> float:
    """The processor time of a process and its children, workers among them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return sum(map(process_cpu_seconds, [pid, *map(int, children)]))
