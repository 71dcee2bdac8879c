"""A running service looks up no token that nobody made, and each that anybody made."""

import sqlite3
import time
from contextlib import closing

from tests.servers import Server
from tests.workers import connection_of_each, reuse
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


def test_workers_look_up_what_was_made_and_nothing_else(four: Server) -> None:
    """One of what is put there behind its back may look like one that was made: another is not found again."""
    deadline = time.monotonic() + SECONDS_MAX
    connections = connection_of_each(four)
    try:
        for connection in connections:
            while reuse(connection, "GET", "/verify", store_behind(four))[0] == 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert reuse(connection, "GET", "/verify", store_behind(four))[0] == 401
        status, made = reuse(connections[0], "POST", "/v4/profile/tokens", four.token, {})
        assert status == 200
        assert {reuse(connection, "GET", "/verify", made["token"])[0] for connection in connections} == {200}
    finally:
        for connection in connections:
            connection.close()
