"""Worker processes and the one that looks after them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from itertools import cycle, islice
from pathlib import Path

import httpx2
import pytest

from tests.conftest import missing
from tests.faulty import PROGRAM
from tests.servers import LISTENING, START_SECONDS_MAX, TOKENRY, Server, serving, wait_until
from tests.workers import await_workers, children, runs, serving_processes, serving_workers
from tokenry.domain.errors import SetupError
from tokenry.serving.workers import Workers, require_binding

ORPHAN_SECONDS_MAX = 2
"""How long anything may outlive the process that looks after the workers."""
ASKED_SECONDS = 1.5
"""After so long a worker has been asked whether it lives."""
BEGIN_SECONDS_MAX = 5
"""The same for a worker that has only been started: Python itself has to begin, beside other tests."""


@pytest.mark.long
def test_worker_that_is_slow_to_begin_is_left_alone(tmp_path: Path) -> None:
    """Slower than uvicorn's own patience: on a small machine workers that begin together take as long."""
    slow = {"FAULT": "slow"}
    with serving(tmp_path / "data", "--workers", "2", variables=slow, program=PROGRAM, until=LISTENING) as server:
        deadline = time.monotonic() + START_SECONDS_MAX
        while len(first := children(server)) < 3:  # one more is multiprocessing's own
            assert time.monotonic() < deadline
            time.sleep(0.02)
        await_workers(server, 2)
        assert set(serving_processes(server)) < set(first)


@pytest.mark.long
def test_worker_that_dies_while_it_begins_is_replaced_at_once(tmp_path: Path) -> None:
    """Its parent has asked it by then whether it lives, and waits for the answer."""
    slow = {"FAULT": "slow"}
    with serving(tmp_path / "data", "--workers", "2", variables=slow, program=PROGRAM, until=LISTENING) as server:
        wait_until(lambda: len(children(server)) == 3, START_SECONDS_MAX)  # the first is multiprocessing's own
        first = children(server)
        time.sleep(ASKED_SECONDS)
        os.kill(first[1], signal.SIGKILL)
        wait_until(lambda: not set(children(server)) <= set(first), BEGIN_SECONDS_MAX)


def test_workers_wait_for_their_turn(tmp_path: Path) -> None:
    with serving_workers(tmp_path / "several", 2) as server:
        assert [os.sched_getscheduler(worker) for worker in serving_processes(server)] == [os.SCHED_BATCH] * 2
    with serving(tmp_path / "one") as server:
        assert httpx2.get(f"{server.url}/healthz").status_code == 200  # it has begun
        assert os.sched_getscheduler(server.process.pid) == os.SCHED_BATCH


def test_system_that_refuses_the_policy_costs_speed_alone(tmp_path: Path) -> None:
    with serving_workers(tmp_path / "data", 2, {"FAULT": "unscheduled"}, PROGRAM) as server:
        assert server.log.count("requests interrupt each other") == 2


def test_bound_workers_keep_to_a_core_each_and_so_does_the_one_in_the_place_of_a_dead_one(tmp_path: Path) -> None:
    cores = [{core} for core in islice(cycle(sorted(os.sched_getaffinity(0))), 2)]
    with serving_workers(tmp_path / "data", 2, {"TOKENRY_BIND_WORKERS": "1"}) as server:
        first, second = sorted(serving_processes(server), key=lambda worker: sorted(os.sched_getaffinity(worker)))
        assert [os.sched_getaffinity(worker) for worker in (first, second)] == cores
        replace_worker(server, first)
        successor = next(worker for worker in serving_processes(server) if worker != second)
        assert os.sched_getaffinity(successor) == cores[0]


@pytest.mark.long
def test_worker_in_the_place_of_a_dead_one_waits_for_the_database_and_need_not_be_waited_for(tmp_path: Path) -> None:
    database = tmp_path / "data" / "tokenry.db"
    elsewhere = tmp_path / "elsewhere.db"

    def lose_worker(server: Server) -> None:
        complaints = server.log.count("a worker cannot begin yet")
        database.rename(elsewhere)
        os.kill(serving_processes(server)[0], signal.SIGKILL)
        wait_until(lambda: server.log.count("a worker cannot begin yet") > complaints, BEGIN_SECONDS_MAX)

    with serving_workers(tmp_path / "data", 2) as server:
        lose_worker(server)
        assert httpx2.get(f"{server.url}/healthz").status_code == 200, "the other one serves"
        elsewhere.rename(database)
        await_workers(server, 2)
        lose_worker(server)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < BEGIN_SECONDS_MAX
        assert "Traceback" not in server.log


def test_workers_that_are_not_bound_run_wherever_the_service_may(tmp_path: Path) -> None:
    with serving_workers(tmp_path / "data", 2) as server:
        for worker in serving_processes(server):
            assert os.sched_getaffinity(worker) == os.sched_getaffinity(0)


def test_nobody_connects_any_more_once_workers_are_told_to_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        workers = Workers.__new__(Workers)
        workers.processes, workers.sockets = [], [listener]
        address = listener.getsockname()
        socket.create_connection(address).close()
        workers.terminate_all()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_binding_is_refused_where_the_system_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    require_binding()
    monkeypatch.delattr(os, "sched_setaffinity")
    with pytest.raises(SetupError, match="leave out --bind-workers"):
        require_binding()


# --- without the process that looks after them ------------------------------------------------------------------------


def replace_worker(server: Server, worker: int) -> None:
    """Kill a worker, and wait until another one serves in its place."""
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: worker not in serving_processes(server), START_SECONDS_MAX)
    await_workers(server, 2)


def assert_all_end(processes: list[int], port: int, seconds: float) -> None:
    wait_until(lambda: not any(map(runs, processes)), seconds, "something outlives the service")
    socket.create_server(("127.0.0.1", port)).close()  # the port is free


def test_workers_end_when_their_parent_is_killed_and_so_does_one_that_took_a_place(tmp_path: Path) -> None:
    with serving_workers(tmp_path / "data", 2, {"TOKENRY_BIND_WORKERS": "1"}) as server:
        replace_worker(server, min(serving_processes(server)))
        processes = children(server)
        server.kill()
        assert_all_end(processes, server.port, ORPHAN_SECONDS_MAX)


def test_workers_that_only_begin_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--workers", "2") as server:
        deadline = time.monotonic() + START_SECONDS_MAX
        while len(processes := children(server)) < 3:  # one more is multiprocessing's own
            assert time.monotonic() < deadline
        server.kill()
        assert_all_end(processes, server.port, BEGIN_SECONDS_MAX)


@pytest.mark.long
def test_workers_serve_and_end_where_their_parent_is_process_1(tmp_path: Path) -> None:
    """As in a container: having process 1 as a parent does not mean being an orphan."""
    alone = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode != 0:
        missing("the right to make a namespace of processes")
    with serving(tmp_path / "data", "--workers", "2", program=(*alone, TOKENRY)) as server:
        assert httpx2.get(f"{server.url}/healthz", timeout=START_SECONDS_MAX).status_code == 200
        (parent,) = children(server)
        processes = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()]
        time.sleep(ORPHAN_SECONDS_MAX)
        assert all(map(runs, processes))
        os.kill(parent, signal.SIGKILL)
        server.process.wait(ORPHAN_SECONDS_MAX)
        assert_all_end(processes, server.port, ORPHAN_SECONDS_MAX)
