"""No process that holds secrets leaves a core dump."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.servers import STOP_SECONDS_MAX, TOKENRY, environment, serving
from tests.workers import await_workers, serving_processes

ALLOWED = ("bash", "-c", 'ulimit -S -c unlimited && exec "$@"', "-")
"""Runs a program that may leave a core dump of any size."""
STATE = """
import ctypes, resource, sys
from tokenry.cli.front import main
try:
    main()
except SystemExit:
    pass
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""
"""Runs a command, and says PR_GET_DUMPABLE and the limit afterwards."""


def cores(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("core")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which programs that abort leave a core dump."""
    subprocess.run([*ALLOWED, "sh", "-c", "kill -ABRT $$"], cwd=tmp_path, check=False, stderr=subprocess.DEVNULL)
    if not cores(tmp_path):
        missing("a system that writes core dumps into files (kernel.core_pattern, ulimit -H -c)")
    for name in cores(tmp_path):
        (tmp_path / name).unlink()
    return tmp_path


def test_service_that_aborts_leaves_no_core(folder: Path) -> None:
    with serving(folder / "data", program=(*ALLOWED, TOKENRY), folder=folder) as server:
        server.process.send_signal(signal.SIGABRT)
        assert server.process.wait(STOP_SECONDS_MAX) == -signal.SIGABRT
    assert cores(folder) == []


def test_worker_and_its_parent_that_abort_leave_no_core(folder: Path) -> None:
    with serving(folder / "data", "--workers", "2", program=(*ALLOWED, TOKENRY), folder=folder) as server:
        await_workers(server, 2)
        worker = serving_processes(server)[0]
        os.kill(worker, signal.SIGABRT)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while worker in serving_processes(server):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.process.send_signal(signal.SIGABRT)
        server.process.wait(STOP_SECONDS_MAX)
    assert cores(folder) == []


@pytest.mark.parametrize("command", [("whoami",), ("doctor",), ("admin", "token", "create", "--help")])
def test_every_command_is_not_dumped_wherever_dumps_go(tmp_path: Path, command: tuple[str, ...]) -> None:
    if sys.platform != "linux":
        missing("Linux")
    done = subprocess.run(
        [*ALLOWED, sys.executable, "-c", STATE, *command],
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "0 0", done.stderr
