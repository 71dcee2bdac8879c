"""A service of several processes, and how to ask each of them."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from json import dumps, loads
from pathlib import Path
from typing import Any

from tests.description import Answer, check
from tests.servers import START_SECONDS_MAX, TOKENRY, Server, serving


@contextmanager
def serving_workers(
    data_dir: Path,
    workers: int,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = (TOKENRY,),
) -> Iterator[Server]:
    """Run a service of so many processes for the length of a block; it begins when all of them serve."""
    with serving(data_dir, "--workers", str(workers), variables=variables, program=program) as server:
        await_workers(server, workers)
        yield server


def await_workers(server: Server, workers: int) -> None:
    """Wait until so many processes serve."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while len(serving_processes(server)) < workers:
        assert time.monotonic() < deadline, "not all workers came up"
        time.sleep(0.05)
    for connection in connection_of_each(server):  # each has answered once, so each serves
        connection.close()


def serving_processes(server: Server) -> list[int]:
    """The child processes that have begun to serve, as the log says, and have not ended."""
    log = server.log
    return [child for child in children(server) if f"Started server process [{child}]" in log and runs(child)]


def runs(process: int) -> bool:
    """Whether a process is there, and has not ended either: until its parent has heard of that, it is a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def worker_sockets(server: Server) -> dict[int, set[str]]:
    """The open sockets of each child process that listens in an event loop, by process id; for root to see."""
    listening = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{server.port:04X}")
    )
    found = {}
    for child in children(server):
        sockets = set()
        with suppress(FileNotFoundError):  # ended meanwhile
            for link in Path(f"/proc/{child}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    sockets.add(str(link.readlink()))
        if {f"socket:[{listening}]", "anon_inode:[eventpoll]"} <= sockets:
            found[child] = sockets
    return found


def children(server: Server) -> list[int]:
    """The child processes."""
    process = server.process.pid
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def connection_of_each(server: Server) -> list[HTTPConnection]:
    """One kept connection of each worker."""
    with ExitStack() as opened:  # closes them if one cannot be had
        connections = []
        for worker in serving_processes(server):
            with alone(server, worker):
                connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
                connections.append(opened.enter_context(closing(connection)))
                assert reuse(connection, "GET", "/healthz", "")[0] == 200
        opened.pop_all()
    return connections


@contextmanager
def alone(server: Server, awake: int) -> Iterator[None]:
    """Let one worker take all connections of a block: the others stand still meanwhile."""
    others = [worker for worker in serving_processes(server) if worker != awake]
    try:
        for worker in others:
            os.kill(worker, signal.SIGSTOP)
        yield
    finally:
        for worker in others:
            os.kill(worker, signal.SIGCONT)


def reuse(connection: HTTPConnection, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
    """One request on a connection that stays open, so that one worker takes them all."""
    sent = None if body is None else dumps(body)
    connection.request(method, path, sent, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    raw = answer.read()
    headers = [(name.lower(), value) for name, value in answer.getheaders()]
    check(Answer(method, path.partition("?")[0], answer.status, headers, raw))
    return answer.status, loads(raw) if raw else None
