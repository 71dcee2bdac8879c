"""A load of steady rate: each request leaves when it is due, whatever others take, and its wait counts from then on.

wrk asks on a connection when its last answer is there, so a server that is held up is asked less meanwhile, and most of
what would have waited is not seen. Run as a program: a file as `load.lua` reads it, requests a second, seconds, ports.
"""

import gc
import json
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.errors import BenchmarkError
from bench.load import CONNECTIONS, Load
from bench.machine import find_program
from bench.servers import ANSWER_SECONDS_MAX, Server, read_end

SLICE_SECONDS = 0.5
"""Servers take turns of so long: a machine that holds one up for a while does so to the others as often."""
_ROOT = Path(__file__).parents[1]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Waits:
    """Latencies in milliseconds. `rate` is what was answered in a second."""

    rate: float
    p50: float
    p99: float


def run_steadily(load: Load, servers: Sequence[Server], rate: float, seconds: int) -> list[Waits]:
    """Put a load on servers in turns, each for so long in all. Raises BenchmarkError for any answer but 200."""
    command = [find_program("taskset"), "--cpu-list", str(load.core), sys.executable, "-m", "bench.steady"]
    command += [str(load.file), str(rate), str(seconds), *(str(server.port) for server in servers)]
    run = subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=600, start_new_session=True
    )
    if run.returncode != 0:
        logs = "".join(read_end(server.log_file) for server in servers)
        raise BenchmarkError(f"the steady load failed: {run.stderr}{logs}")
    return [Waits(**each) for each in json.loads(run.stdout)]


def main(file: str, rate: str, seconds: str, *ports: str) -> None:
    """Run the load, and print what was waited for each port."""
    requests = _read_requests(Path(file))
    gc.disable()  # it would hold up what is due
    connections = [_connect(int(port)) for port in ports]
    for each in connections:
        _ask(each, requests, float(rate), int(float(rate)))  # for a second, of which nothing is told
    waited: list[list[float]] = [[] for _ in ports]
    took = [0.0 for _ in ports]
    for _ in range(int(float(seconds) / SLICE_SECONDS)):
        for number, each in enumerate(connections):
            started = time.perf_counter()
            waited[number] += _ask(each, requests, float(rate), int(float(rate) * SLICE_SECONDS))
            took[number] += time.perf_counter() - started
    parts = [statistics.quantiles(each, n=100) for each in waited]
    rates = [len(each) / spent for each, spent in zip(waited, took, strict=True)]
    waits = [Waits(rate, part[49] * 1000, part[98] * 1000) for rate, part in zip(rates, parts, strict=True)]
    print(json.dumps([asdict(each) for each in waits]))


def _connect(port: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX) for _ in range(CONNECTIONS)]


def _read_requests(file: Path) -> list[bytes]:
    """Write each as bytes."""
    found: list[bytes] = []
    for line in file.read_text("ascii").splitlines():
        first, *fields = line.split("\t")
        secret, path = first.split(" ")
        head = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {secret}", *fields]
        found.append("".join(f"{each}\r\n" for each in [*head, ""]).encode("ascii"))
    return found


def _ask(connections: Sequence[socket.socket], requests: Sequence[bytes], rate: float, total: int) -> list[float]:
    """Send so many requests when they are due, or when a connection is free again; the seconds that each waited."""
    idle = deque(connections)
    asked: dict[socket.socket, tuple[float, bytes]] = {}
    waited: list[float] = []
    sent, started = 0, time.perf_counter()
    while len(waited) < total:
        due = started + sent / rate
        if idle and sent < total and due <= time.perf_counter():
            connection = idle.popleft()
            connection.sendall(requests[sent % len(requests)])
            asked[connection] = (due, b"")
            sent += 1
            continue
        pause = max(0.0, due - time.perf_counter()) if idle and sent < total else ANSWER_SECONDS_MAX
        ready, _, _ = select.select(asked, (), (), pause)
        if not ready and pause == ANSWER_SECONDS_MAX:
            raise BenchmarkError(f"no answer in {ANSWER_SECONDS_MAX} s")
        for connection in ready:
            due, received = asked[connection]
            received += connection.recv(1 << 16)
            if _is_whole(received):
                waited.append(time.perf_counter() - due)
                del asked[connection]
                idle.append(connection)
            else:
                asked[connection] = (due, received)
    return waited


def _is_whole(answer: bytes) -> bool:
    """Whether all of an answer is there. Raises BenchmarkError if it is no success, or none will come."""
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise BenchmarkError(f"a wrong answer: {answer[:200]!r}")
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and length is not None and len(body) >= int(length[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
