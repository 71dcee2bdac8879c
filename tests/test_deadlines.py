"""A database that is locked, or stands still: a revocation is answered in time, and the next one works."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import psycopg
from sqlalchemy import URL

from tests.description import CHECKED
from tests.servers import Server, serving

TOKENS = "/v4/profile/tokens"
LATEST_SECONDS = 3.0
"""Of the answers of a service that is given one second, on a busy machine."""
LIMITS = ("--database-timeout", "0.5", "--request-timeout", "1")


@contextmanager
def client_of(server: Server) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx2.Client(base_url=server.url, headers=headers, event_hooks=CHECKED, timeout=20) as client:
        yield client


def refused_in_time(client: httpx2.Client, token_id: int) -> None:
    started = time.monotonic()
    answer = client.delete(f"{TOKENS}/{token_id}")
    assert answer.json() == {"errors": [{"reason": "Service unavailable"}]}
    assert answer.status_code == 503
    assert time.monotonic() - started < LATEST_SECONDS


def test_revocation_is_refused_in_time_while_another_process_holds_the_lock(
    tmp_path: Path, engine_url: str | None
) -> None:
    variables = {} if engine_url is None else {"TOKENRY_DATABASE_URL": engine_url}
    with serving(tmp_path / "data", *LIMITS, variables=variables) as server, client_of(server) as client:
        made = client.post(TOKENS, json={}).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        with locked(tmp_path / "data", engine_url, made["id"]):
            refused_in_time(client, made["id"])
            assert client.get("/verify", headers=bearer).status_code == 200
            assert client.get(f"{TOKENS}/{made['id']}").status_code == 200
        answer = client.delete(f"{TOKENS}/{made['id']}")
        assert answer.status_code == 200, server.log
        assert client.get("/verify", headers=bearer).status_code == 401


@contextmanager
def locked(data_dir: Path, engine_url: str | None, token_id: int) -> Iterator[None]:
    """Hold what a revocation of this token needs."""
    if engine_url is None:
        with closing(sqlite3.connect(data_dir / "tokenry.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")
    else:
        with psycopg.connect(engine_url) as connection:
            connection.execute("SELECT 1 FROM tokens WHERE id = %s FOR UPDATE", (token_id,))
            yield
            connection.rollback()


def test_revocation_is_refused_in_time_while_postgres_stands_still(tmp_path: Path, new_postgres_database: URL) -> None:
    """Stopped processes keep no time limit of their own."""
    url = new_postgres_database.render_as_string(hide_password=False)
    with (
        serving(tmp_path / "data", *LIMITS, variables={"TOKENRY_DATABASE_URL": url}) as server,
        client_of(server) as client,
        psycopg.connect(url) as connection,
    ):
        made = client.post(TOKENS, json={}).json()
        client.get("/verify")
        found = connection.execute(
            "SELECT pid, application_name FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND query NOT LIKE '%unfit%'"  # verification's
        ).fetchall()
        assert found
        for pid, _ in found:
            os.kill(pid, signal.SIGSTOP)
        try:
            refused_in_time(client, made["id"])
        finally:
            for pid, _ in found:
                os.kill(pid, signal.SIGCONT)
        answer = client.delete(f"{TOKENS}/{made['id']}")
        assert answer.status_code == 200, server.log
