"""Real servers for tests: `tokenry serve` in a process of its own, and PostgreSQL."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS_MAX = 20
START_SECONDS_MAX = 30
TOKENRY = str(Path(sys.executable).with_name("tokenry"))


@dataclass
class Server:
    """A running service. `token` is the first one, of scope `*`; empty when this was not its first start."""

    process: subprocess.Popen[str]
    url: str
    token: str
    data_dir: Path
    printed: str
    log_file: Path

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


def start_server(data_dir: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Server:
    """Start the service on a free port and wait until it listens."""
    log_file = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.log")
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [TOKENRY, "serve", "--port", "0", "--data-dir", str(data_dir), *arguments],
            env=environment(**(variables or {})),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("Ready."):
            break
    url = re.search(r"API: +(\S+)/v4", printed)
    if url is None:
        process.wait(START_SECONDS_MAX)
        raise AssertionError(f"the service did not start: {printed}{log_file.read_text('utf-8')}")
    token = re.search(r"pat_[0-9A-Za-z]{50}", printed)
    return Server(process, url[1], token[0] if token else "", data_dir, printed, log_file)


@contextmanager
def serving(data_dir: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run the service for the length of a block; end it whatever happens."""
    server = start_server(data_dir, *arguments, variables=variables)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        if server.process.stdout is not None:
            server.process.stdout.close()


def tokenry(
    *arguments: str, variables: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(
        [TOKENRY, *arguments],
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
