"""A running service looks up no token that nobody made, and each that anybody made."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.servers import Server
from tests.workers import connection_of_each, reuse, serving_workers
from tokenry.domain.secrets import Secret
from tokenry.storage.files import find_peppers

SECONDS_MAX = 20
STORE = """
INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at)
SELECT ?, token_id, ?, pepper_generation, expires_at FROM credentials WHERE preview = ?
"""


def store_behind(server: Server) -> str:
    """Put another secret for the first token into the database, in a way that tokenry does not hear of."""
    secret, peppers = Secret.generate(), find_peppers(server.data_dir)
    assert peppers is not None
    with closing(sqlite3.connect(server.data_dir / "tokenry.db", isolation_level=None)) as connection:
        row = (secret.preview, peppers.digest(secret), Secret(server.token).preview)
        assert connection.execute(STORE, row).rowcount == 1
    return secret.reveal()


def test_workers_look_up_what_was_made_and_nearly_nothing_else(tmp_path: Path) -> None:
    """What is put there behind their backs is not found, unless it looks to them like one that was made."""
    with serving_workers(tmp_path / "data", 2) as server, closing_all(connection_of_each(server)) as workers:
        deadline = time.monotonic() + SECONDS_MAX
        for worker in workers:
            while sum(is_accepted(worker, store_behind(server)) for _ in range(10)) > 3:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        status, made = reuse(workers[0], "POST", "/v4/profile/tokens", server.token, {})
        assert status == 200
        assert all(is_accepted(worker, made["token"]) for worker in workers)
        status, rotated = reuse(workers[0], "POST", f"/v4/profile/tokens/{made['id']}/rotate", server.token, {})
        assert status == 200
        assert all(is_accepted(worker, rotated["token"]) for worker in workers)


def is_accepted(worker: HTTPConnection, secret: str) -> bool:
    """What a worker says of a secret."""
    return reuse(worker, "GET", "/verify", secret)[0] == 200


@contextmanager
def closing_all(connections: list[HTTPConnection]) -> Iterator[list[HTTPConnection]]:
    """Hang up in the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(connection)) for connection in connections]
