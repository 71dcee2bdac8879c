"""A database that takes no changes: each is a 503 and one line in the log, verification goes on, probes are told."""

import json
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests.conftest import Clock, make_app
from tests.servers import Server, serving
from tests.workers import reuse
from tokenry import wiring
from tokenry.storage.database import Database
from tokenry.storage.failures import NotPrimary

TOKENS = "/v4/profile/tokens"
DISK_BYTES = 3 << 20
SECONDS_MAX = 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which is soon full."""
    directory = tmp_path / "disk"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk is root's: a log that may not grow is tested instead")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_full_disk(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with serving(small_disk / "data") as server:
        check_full(server, begin=lambda: fill(filler), end=filler.unlink)


def test_write_ahead_log_that_may_not_grow(tmp_path: Path) -> None:
    """As with a quota, by a limit on the running service."""
    with serving(tmp_path / "data") as server:
        limit = partial(resource.prlimit, server.process.pid, resource.RLIMIT_FSIZE)
        _, hard = limit()
        log, epoch = server.data_dir / "tokenry.db-wal", server.data_dir / "tokenry.db-epoch"
        grown = False
        while not grown:  # until it is the log that meets the limit
            with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
                assert reuse(connection, "POST", TOKENS, server.token, {})[0] == 200
            grown = log.stat().st_size > epoch.stat().st_size
        check_full(server, begin=lambda: limit((log.stat().st_size, hard)), end=lambda: limit((hard, hard)))


def check_full(server: Server, *, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """Changes are refused once there is no room, and made once there is again; tokens are verified all the time."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        ask = partial(reuse, connection)
        assert ask("POST", TOKENS, server.token, {})[0] == 200
        begin()
        made = 0
        while ask("POST", TOKENS, server.token, {"label": f"{made}"})[0] == 200:
            made += 1
            assert made < 1000, "the disk never gets full"
        assert ask("GET", "/verify", server.token)[0] == 200
        assert ask("POST", TOKENS, server.token, {})[0] == 503
        status, answer = ask("GET", "/readyz", server.token)
        assert status == 503
        assert answer["reason"].startswith("changes cannot be written: ")
        lines = [json.loads(line) for line in server.log.splitlines()]
        refused = [line for line in lines if line.get("status") == 503]
        assert [line["level"] for line in refused] == ["error"] * 2
        assert all(line["reason"] in answer["reason"] for line in refused)
        assert "Traceback" not in server.log
        end()
        assert ask("GET", "/readyz", server.token)[0] == 200
        assert ask("POST", TOKENS, server.token, {})[0] == 200


def test_database_that_another_process_has_locked(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "Database", lambda url, **_: Database(url, timeout=0.1))
    app = make_app(tmp_path / "data", clock)
    with app.client, closing(sqlite3.connect(tmp_path / "data" / "tokenry.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        check_refusal(app.client, app.bearer, "database is locked", other.rollback)


def test_postgresql_that_may_only_be_read(tmp_path: Path, clock: Clock, new_postgres_database: URL) -> None:
    """As a standby: what it says may be old, so nothing of it is believed."""
    app = make_app(tmp_path / "data", clock, new_postgres_database.render_as_string(hide_password=False))
    engine = create_engine(new_postgres_database.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")

    def may_only_be_read(answer: str) -> None:
        with engine.connect() as connection:
            connection.execute(
                text(f"ALTER DATABASE {new_postgres_database.database} SET default_transaction_read_only = {answer}")
            )
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = :name AND pid <> pg_backend_pid()"
                ),
                {"name": new_postgres_database.database},
            )

    with app.client:
        may_only_be_read("on")
        with capture_logs() as logs:
            for method, path in 2 * [("POST", TOKENS), ("GET", TOKENS), ("GET", "/verify")]:
                assert app.client.request(method, path, headers=app.bearer).status_code == 503
        assert {line["reason"] for line in logs} == {str(NotPrimary())}
        assert not any(line.get("exc_info") for line in logs)
        assert app.client.get("/readyz").json()["reason"].endswith(str(NotPrimary()))
        may_only_be_read("off")
        within_seconds(lambda: app.client.get("/readyz").status_code == 200)
        for method, path in [("POST", TOKENS), ("GET", TOKENS), ("GET", "/verify")]:
            assert app.client.request(method, path, headers=app.bearer).status_code == 200
    engine.dispose()


def within_seconds(true: Callable[[], bool]) -> None:
    """Wait until something is true, some seconds at most."""
    until = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def check_refusal(client: TestClient, bearer: dict[str, str], reason: str, end: Callable[[], object]) -> None:
    """Changes are refused for a reason, until it ends."""
    with capture_logs() as logs:
        for _ in range(2):
            assert client.post(TOKENS, json={}, headers=bearer).status_code == 503
    assert [(line["log_level"], line["status"], line["path"]) for line in logs] == [("error", 503, TOKENS)] * 2
    assert all(line["reason"] == reason for line in logs), logs
    assert not any("exc_info" in line for line in logs)
    assert client.get("/verify", headers=bearer).status_code == 200
    with capture_logs() as logs:
        for _ in range(2):
            answer = client.get("/readyz")
            assert (answer.status_code, answer.json()["reason"]) == (503, f"changes cannot be written: {reason}")
    assert [line["event"] for line in logs] == ["the service is not ready"], "probes come all the time"
    end()
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.post(TOKENS, json={}, headers=bearer).status_code == 200
