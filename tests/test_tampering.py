"""The epoch file is removed, replaced or damaged while the service runs: nobody says "valid" after a revocation.

Each worker is asked without pause meanwhile, and whoever revokes waits until all have noticed.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.servers import Server, tokenry
from tests.workers import connection_of_each, reuse, serving_workers
from tokenry.storage.journal import FILE_BYTES

TOKENS = "/v4/profile/tokens"
WORKERS = 2
ANSWERED_SECONDS_MAX = 30
REPLACED = "the epoch file was replaced or damaged while in use"


class Service:
    """A service of two workers, each of which is asked for one token without pause."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.path = server.data_dir / "tokenry.db-epoch"
        self.oldest = directory / "oldest"
        self.oldest.write_bytes(self.path.read_bytes())
        self.connections = connection_of_each(server)

    def create(self) -> tuple[int, str]:
        """A token that all workers remember."""
        status, made = reuse(self.connections[0], "POST", TOKENS, self.server.token, {})
        assert status == 200, made
        assert self.verdicts(made["token"]) == self.verdicts(made["token"]) == {200}
        return made["id"], made["token"]

    def verdicts(self, token: str) -> set[int]:
        """What the workers say."""
        return {reuse(each, "GET", "/verify", token)[0] for each in self.connections}

    def revoke(self, by: str, token_id: int) -> None:
        """Revoke a token, by a worker or by the operator's command."""
        if by == "command":
            command = tokenry("admin", "token", "revoke", str(token_id), "--data-dir", str(self.server.data_dir))
            assert command.returncode == 0, command.stderr
        else:
            status, answer = reuse(self.connections[int(by)], "DELETE", f"{TOKENS}/{token_id}", self.server.token)
            assert status == 200, answer

    @contextmanager
    def asked_without_pause(self, token: str) -> Iterator[list[tuple[float, int]]]:
        """When each answer about this token was asked for, and what it was."""
        answers: list[tuple[float, int]] = []
        stop = threading.Event()

        def ask(connection: HTTPConnection) -> None:
            while not stop.is_set():
                asked = time.monotonic()
                answers.append((asked, reuse(connection, "GET", "/verify", token)[0]))

        connections = connection_of_each(self.server)
        threads = [threading.Thread(target=ask, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            for connection in connections:
                connection.close()

    def in_place(self, work: Callable[[Path], object]) -> None:
        """Make another file and put it in place."""
        new = self.path.with_name("new")
        work(new)
        new.replace(self.path)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("tampering")
    with serving_workers(directory / "data", WORKERS) as server:
        service = Service(server, directory)
        yield service
        for connection in service.connections:
            connection.close()


def remove(service: Service) -> None:
    service.path.unlink()


def put_copy(service: Service) -> None:
    service.in_place(lambda new: new.write_bytes(service.path.read_bytes()))


def put_older_copy(service: Service) -> None:
    service.in_place(lambda new: new.write_bytes(service.oldest.read_bytes()))


def cut_to_half(service: Service) -> None:
    os.truncate(service.path, FILE_BYTES // 2)


def cut_to_nothing(service: Service) -> None:
    os.truncate(service.path, 0)


def copy_over(service: Service) -> None:
    subprocess.run(["cp", str(service.oldest), str(service.path)], check=True)


TAMPERINGS = [remove, put_copy, put_older_copy, cut_to_half, cut_to_nothing, copy_over]
IN_SHORT = [(tamper, "0") for tamper in TAMPERINGS] + [(remove, "command")]


@pytest.mark.parametrize(
    ("tamper", "by"),
    [
        pytest.param(tamper, by, marks=[] if (tamper, by) in IN_SHORT else pytest.mark.long)
        for tamper in TAMPERINGS
        for by in ("0", "1", "command")
    ],
)
def test_revoked_token_is_refused_whatever_was_done_to_the_file(
    service: Service, tamper: Callable[[Service], None], by: str
) -> None:
    token_id, token = service.create()
    with service.asked_without_pause(token) as answers:
        tamper(service)
        service.revoke(by, token_id)
        revoked = time.monotonic()
        assert service.verdicts(token) == {401}
        while len(late := [status for asked, status in answers if asked >= revoked]) <= WORKERS:
            assert time.monotonic() < revoked + ANSWERED_SECONDS_MAX, "nobody answers any more"
            time.sleep(0.01)
    assert set(late) == {401}
    assert service.server.process.poll() is None


def test_idle_workers_refuse_too_and_the_log_says_it_once(service: Service) -> None:
    logged = service.server.log.count(REPLACED)
    token_id, token = service.create()
    remove(service)
    service.revoke("0", token_id)
    assert service.verdicts(token) == {401}
    assert service.server.log.count(REPLACED) == logged + WORKERS


def test_while_the_file_cannot_be_used_nothing_is_changed_and_verification_goes_on(service: Service) -> None:
    """Refused, and not waited for: whoever holds the database's lock would keep others waiting."""
    token_id, token = service.create()
    service.path.unlink()
    service.path.mkdir()
    try:
        status, _ = reuse(service.connections[0], "DELETE", f"{TOKENS}/{token_id}", service.server.token)
        assert status == 503
        command = tokenry("admin", "token", "revoke", str(token_id), "--data-dir", str(service.server.data_dir))
        assert command.returncode == 1
        assert str(service.path) in command.stderr
        assert service.verdicts(token) == {200}
    finally:
        service.path.rmdir()
    service.revoke("0", token_id)
    assert service.verdicts(token) == {401}
