"""No process that holds secrets leaves a core dump, and none that it starts is given any in its environment."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.conftest import missing
from tests.servers import STOP_SECONDS_MAX, TOKENRY, environment, serving, wait_until
from tests.workers import await_workers, children, connection_of_each, reuse, serving_processes, serving_workers

ALLOWED = ("bash", "-c", 'ulimit -S -c "$(ulimit -H -c)" && exec "$@"', "-")
"""Runs a program that may leave a core dump, of any size that may be had."""
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
        pytest.skip("the kernel hands core dumps to a program, or none are allowed: see the test of what it goes by")
    for name in cores(tmp_path):
        (tmp_path / name).unlink()
    return tmp_path


def is_not_dumped(process: int) -> bool:
    """Whether the kernel dumps none of it: by its limit, and by whose its files are, proc(5); root cannot tell."""
    limits = Path(f"/proc/{process}/limits").read_text("ascii")
    owner = Path(f"/proc/{process}/environ").stat().st_uid
    return re.search(r"^Max core file size +0 ", limits, re.MULTILINE) is not None and owner == 0


def test_service_and_its_workers_are_not_dumped_wherever_dumps_go(tmp_path: Path) -> None:
    if sys.platform != "linux":
        missing("Linux")
    with serving(tmp_path / "data", "--workers", "2", program=(*ALLOWED, TOKENRY)) as server:
        await_workers(server, 2)
        assert all(map(is_not_dumped, [server.process.pid, *serving_processes(server)]))


@pytest.mark.long
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
        wait_until(lambda: worker not in serving_processes(server), STOP_SECONDS_MAX)
        server.process.send_signal(signal.SIGABRT)
        server.process.wait(STOP_SECONDS_MAX)
    assert cores(folder) == []


def test_no_process_that_the_service_starts_has_a_secret_in_its_environment(
    tmp_path: Path, new_postgres_database: URL
) -> None:
    address = new_postgres_database.set(password="guessed" * 3).render_as_string(hide_password=False)
    variables = {"TOKENRY_DATABASE_URL": address, "TOKENRY_TOKEN": "pat_" + "guessed" * 3}
    with serving_workers(tmp_path / "data", 2, variables) as server:
        started = children(server)
        assert len(started) > len(serving_processes(server)), "the tracker of multiprocessing is one too"
        for process in started:
            with suppress(PermissionError):  # closed to us, as to others of this user
                assert b"guessed" not in Path(f"/proc/{process}/environ").read_bytes()
        for connection in connection_of_each(server):
            assert reuse(connection, "GET", "/verify", server.token)[0] == 200
            connection.close()


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
