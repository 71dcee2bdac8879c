"""The real gateways, each started from what `tokenry gateway` prints and nothing else."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from bench.gateways import ARGUMENTS
from tests.conftest import missing
from tests.gateways.parts import Answer, Headers, HttpServer, Relay, ask
from tests.servers import environment
from tokenry.operator.gateway import FILES, Gateway, app

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
FURTHER_ARGUMENTS = {Gateway.ENVOY: ("--concurrency", "2")}


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that runs, with the service behind it and the way to its verifier."""

    name: Gateway
    port: int
    service: HttpServer
    relay: Relay
    log_file: Path


@contextmanager
def running(
    name: Gateway, folder: Path, verifier: int | Path, *arguments: str, change: Callable[[str], str] = str
) -> Iterator[Running]:
    """Start a gateway in a new folder and wait until it is ready.

    It asks at a port, by the relay, or at a socket. `arguments` go to `tokenry gateway`; `change` is what an operator
    does to what it prints.
    """
    program = find(name)
    folder.mkdir()
    relay, port = Relay(verifier if isinstance(verifier, int) else 0), free_port()
    with HttpServer().running() as service:
        for file in FILES[name]:
            addresses = (
                "--verifier",
                f"http://127.0.0.1:{relay.port}" if isinstance(verifier, int) else f"unix:{verifier}",
                "--upstream",
                f"http://127.0.0.1:{service.port}",
            )
            command = [name, *addresses, "--listen", f"127.0.0.1:{port}", "--file", file, *arguments]
            printed = CliRunner().invoke(app, command)
            assert (printed.exit_code, printed.stderr) == (0, "")
            (folder / file).write_text(change(printed.stdout), "utf-8")
        log_file = folder / "log"
        with log_file.open("w", encoding="utf-8") as log:
            command = [program, *ARGUMENTS[name](folder), *FURTHER_ARGUMENTS.get(name, ())]
            process = subprocess.Popen(command, cwd=folder, env=environment(HOME=str(folder)), stdout=log, stderr=log)
        with process:
            try:
                wait_until_ready(port, process, log_file)
                yield Running(name, port, service, relay, log_file)
            finally:
                stop(process)
                relay.close()


def find(name: Gateway) -> str:
    """The program: of the Python environment, or of the system, whose servers are not on everybody's path."""
    program = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    program = program or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing(f"{name}")
    assert program is not None
    return program


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(port: int, process: subprocess.Popen[bytes], log_file: Path) -> None:
    """Wait until it asks the verifier: Traefik listens before it knows where to."""
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            if ask(port).status == 401:
                return
        time.sleep(0.02)
    raise AssertionError(f"the gateway did not start: {log_file.read_text('utf-8')}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()


def refused(gateway: Running, headers: Headers, method: str = "GET", target: str = "/a") -> Answer:
    """Ask, and see that the service behind was not asked."""
    before = len(gateway.service.requests)
    answer = ask(gateway.port, method, target, headers)
    assert len(gateway.service.requests) == before
    return answer
