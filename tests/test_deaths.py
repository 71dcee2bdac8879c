"""A process that dies in the middle of a revocation leaves no yes behind, holds nobody up, and is tidied up after.

It dies at one point of the code that always runs (`tests/faulty.py`), by a signal that nothing can handle.
"""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from tests.faulty import AFTER_COMMIT, AFTER_NAMES, BEFORE_ANSWER, BEFORE_COMMIT, BETWEEN_NAMES, PROGRAM
from tests.servers import Server, tokenry
from tests.workers import await_workers, connection_of_each, reuse
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch

TOKENS = "/v4/profile/tokens"
WORKERS = 2
SECONDS_MAX = 20
REPAIRED = "a process died while it committed a change"


class Mortal:
    """A service whose processes can be told to die, and so can commands beside it."""

    def __init__(self, server: Server, file: Path) -> None:
        self.server = server
        self.file = file
        self.connections: list[HTTPConnection] = []

    def connect(self) -> None:
        """Open a connection to each worker, when all are there."""
        await_workers(self.server, WORKERS)
        self.connections = connection_of_each(self.server)

    def close(self) -> None:
        """Hang up."""
        for connection in self.connections:
            connection.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the last worker, which lives."""
        status, answer = reuse(self.connections[-1], method, path, self.server.token, body)
        assert status == 200, answer
        return answer

    def make_two_secrets(self) -> tuple[int, list[str]]:
        """A token that is being rotated: both of its secrets open it, and all workers remember that."""
        made = self.ask("POST", TOKENS, {})
        rotated = self.ask("POST", f"{TOKENS}/{made['id']}/rotate", {"grace": 3600, "activate": "now"})
        secrets = [made["token"], rotated["token"]]
        assert self.verdicts(secrets) == self.verdicts(secrets) == {200}
        return made["id"], secrets

    def verdicts(self, secrets: list[str]) -> set[int]:
        """What the workers say of these: each is asked for each."""
        return {reuse(each, "GET", "/verify", secret)[0] for each in self.connections for secret in secrets}

    def is_revoked(self, token_id: int) -> bool:
        """What the database says."""
        return self.in_database("SELECT count(*) FROM credentials WHERE token_id = ?", token_id) == [(0,)]

    def remembers(self) -> bool:
        """Whether each worker uses what it remembers: it is not told of what is changed behind tokenry's back."""
        made = self.ask("POST", TOKENS, {})
        assert self.verdicts([made["token"]]) == {200}
        self.in_database("DELETE FROM credentials WHERE token_id = ?", made["id"])
        return self.verdicts([made["token"]]) == {200}

    def await_repair(self) -> None:
        """Wait until the word is even."""
        with closing(Epoch(self.server.data_dir / "tokenry.db-epoch", TIMEOUT_SECONDS)) as epoch:
            deadline = time.monotonic() + SECONDS_MAX
            while (epoch.changed.word[0] | epoch.created.word[0]) & 1:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def in_database(self, statement: str, token_id: int) -> list[Any]:
        """Run a statement in a connection of one's own."""
        with closing(sqlite3.connect(self.server.data_dir / "tokenry.db", isolation_level=None)) as connection:
            return connection.execute(statement, (token_id,)).fetchall()


@pytest.fixture
def mortal(faulty: tuple[Server, Path]) -> Iterator[Mortal]:
    mortal = Mortal(*faulty)
    mortal.connect()
    yield mortal
    mortal.close()


@pytest.mark.parametrize(
    ("point", "committed"),
    [
        pytest.param(BEFORE_COMMIT, False, id="before the commit"),
        pytest.param(AFTER_COMMIT, True, id="after the commit"),
        pytest.param(BETWEEN_NAMES, True, id="between two names"),
    ],
)
def test_worker_that_dies_while_it_revokes(mortal: Mortal, point: str, *, committed: bool) -> None:
    token_id, secrets = mortal.make_two_secrets()
    repaired = mortal.server.log.count(REPAIRED)
    mortal.file.write_text(point)
    with closing(mortal.connections.pop(0)) as doomed, pytest.raises((RemoteDisconnected, ConnectionResetError)):
        reuse(doomed, "DELETE", f"{TOKENS}/{token_id}", mortal.server.token)
    assert mortal.is_revoked(token_id) is committed
    verdict = {401} if committed else {200}
    assert mortal.verdicts(secrets) == verdict
    mortal.await_repair()
    assert mortal.server.log.count(REPAIRED) == repaired + 1
    assert mortal.verdicts(secrets) == verdict
    assert mortal.remembers()


@pytest.mark.parametrize(
    ("point", "committed"),
    [
        pytest.param(AFTER_COMMIT, True, id="after the commit"),
        pytest.param(AFTER_NAMES, True, id="after the names"),
        pytest.param(BEFORE_ANSWER, True, id="before it says so"),
    ],
)
def test_command_that_dies_while_it_revokes(mortal: Mortal, point: str, *, committed: bool) -> None:
    token_id, secrets = mortal.make_two_secrets()
    other = mortal.ask("POST", TOKENS, {})
    assert mortal.verdicts([other["token"]]) == {200}
    mortal.file.write_text(point)
    place = ("--data-dir", str(mortal.server.data_dir))
    command = tokenry(
        "admin", "token", "revoke", str(token_id), *place, variables={"FAULT_FILE": str(mortal.file)}, program=PROGRAM
    )
    assert command.returncode == -signal.SIGKILL, command.stderr
    assert mortal.is_revoked(token_id) is committed
    verdict = {401} if committed else {200}
    assert mortal.verdicts(secrets) == verdict
    mortal.ask("DELETE", f"{TOKENS}/{other['id']}")  # nobody is held up
    assert mortal.verdicts([other["token"]]) == {401}
    assert mortal.verdicts(secrets) == verdict
    mortal.await_repair()
    assert mortal.remembers()
