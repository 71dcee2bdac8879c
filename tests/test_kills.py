"""Three hundred kills of workers, of their parent and of all at once: whatever was answered stays true afterwards.

Every request is on record, from its question to its answer or to none; `tests/histories.py` says whether one order of
all that was done to a token explains every answer about it.
"""

import json
import math
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.histories import Act, Operation, find_contradiction
from tests.servers import Server, start_server, wait_until
from tests.threads import at_work
from tests.workers import children, worker_sockets

TOKENS = "/v4/profile/tokens"
SEED = 20
KILLS = 300
OWNERS = 4
WORKERS = 2
CHANGES_BETWEEN_KILLS = 8
PAUSE_SECONDS_MAX = 0.05
"""Between the last of those changes and the kill: at most so long, so that it comes at any point of a change."""
CONNECT_SECONDS = 0.01
SECONDS_MAX = 60
AT_ONCE = {"rotate": {"grace": 0, "activate": "now"}}


@dataclass
class Kept:
    """A token that was handed out, and what was done to it and said of it."""

    text: str = field(repr=False)
    id: int
    history: list[Operation] = field(default_factory=list)


@dataclass
class Record:
    """Everything that was asked of the service: the tokens it gave out, and each request in one line."""

    tokens: list[Kept] = field(default_factory=list)
    requests: list[tuple[float, float, str, int | None]] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    changes: int = 0


class Service:
    """A service that is killed and started again on the same data."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.server = self._start()
        self.token = self.server.token

    def kill_worker(self, chance: random.Random) -> None:
        """Kill one worker; its parent replaces it."""
        workers = list(worker_sockets(self.server))
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)

    def kill_parent(self, _chance: random.Random) -> None:
        """Kill the parent; the workers end by themselves."""
        self._restart(killed=[])

    def kill_all(self, _chance: random.Random) -> None:
        """Kill all processes at once."""
        self._restart(killed=children(self.server))

    def close(self) -> None:
        """Stop it."""
        self.server.stop()
        self.server.output.close()

    def _start(self) -> Server:
        return start_server(self._data_dir, "--workers", str(WORKERS))

    def _restart(self, killed: list[int]) -> None:
        """Kill the parent and these of its children, wait until none is left, and start it again."""
        left = children(self.server)
        for process in (self.server.process.pid, *killed):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.server.process.wait(SECONDS_MAX)
        wait_until(
            lambda: not any(Path(f"/proc/{process}").exists() for process in left),
            SECONDS_MAX,
            "workers outlive their parent",
        )
        self.server.output.close()
        self.server = self._start()


KILLERS = (Service.kill_worker, Service.kill_worker, Service.kill_parent, Service.kill_all)


class Owner:
    """Somebody who makes tokens, rotates and revokes some of them, and asks for them before and afterwards."""

    def __init__(self, service: Service, record: Record, chance: random.Random) -> None:
        self._service = service
        self._record = record
        self._chance = chance
        self._connection: HTTPConnection | None = None

    def run(self, stop: threading.Event) -> None:
        """Do so until told to stop."""
        while not stop.is_set():
            token = self._create()
            if token is None:
                continue
            self.verify(token)
            ending = self._chance.choice((self._rotate, self._revoke, self.verify))
            ending(token)
            self.verify(token)
        self.hang_up()

    def verify(self, token: Kept) -> None:
        """Ask whether a token is valid, and keep what was said."""
        operation, status, _ = self._ask("GET", "/verify", token.text)
        acts = {200: Act.ACCEPTED, 401: Act.REFUSED}
        if status in acts:
            token.history.append(Operation(acts[status], operation.start, operation.end))

    def hang_up(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _create(self) -> Kept | None:
        operation, status, made = self._ask("POST", TOKENS, self._service.token, {})
        return self._keep(operation, made) if status == 200 else None

    def _rotate(self, token: Kept) -> None:
        operation, status, made = self._ask(
            "POST", f"{TOKENS}/{token.id}/rotate", self._service.token, AT_ONCE["rotate"]
        )
        token.history.append(Operation(Act.REVOKE, operation.start, operation.end))
        if status == 200:
            self.verify(self._keep(operation, made))

    def _revoke(self, token: Kept) -> None:
        operation, _, _ = self._ask("DELETE", f"{TOKENS}/{token.id}", self._service.token)
        token.history.append(Operation(Act.REVOKE, operation.start, operation.end))

    def _keep(self, operation: Operation, made: Any) -> Kept:
        kept = Kept(made["token"], made["id"], [Operation(Act.CREATE, operation.start, operation.end)])
        self._record.tokens.append(kept)
        self._record.changes += 1
        return kept

    def _ask(self, method: str, path: str, token: str, body: object = None) -> tuple[Operation, int | None, Any]:
        """Send one request, and put it on record; without an answer it has no status, and no end."""
        self._connect()
        start = time.monotonic()
        status, answer = None, None
        try:
            status, answer = self._exchange(method, path, token, body)
        except (OSError, HTTPException):
            self.hang_up()
        end = math.inf if status is None else time.monotonic()
        self._record.requests.append((start, end, f"{method} {path}", status))
        if status not in {None, 200} and (method, status) != ("GET", 401):
            self._record.unexpected[f"{method} {status}"] += 1
            end = math.inf
        return Operation(Act.CREATE, start, end), status, answer

    def _connect(self) -> None:
        """Connect, as soon as there is a service again."""
        deadline = time.monotonic() + SECONDS_MAX
        while self._connection is None:
            connection = HTTPConnection("127.0.0.1", self._service.server.port, timeout=SECONDS_MAX)
            try:
                connection.connect()
                self._connection = connection
            except OSError:
                assert time.monotonic() < deadline, "the service does not come back"
                time.sleep(CONNECT_SECONDS)

    def _exchange(self, method: str, path: str, token: str, body: object) -> tuple[int, Any]:
        assert self._connection is not None
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, {"Authorization": f"Bearer {token}"})
        answer = self._connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None


def await_changes(record: Record, since: int) -> None:
    """Wait until the owners have got on: a kill in between nothing shows nothing."""
    wait_until(lambda: record.changes >= since + CHANGES_BETWEEN_KILLS, SECONDS_MAX, "nothing is changed any more")


def explain(record: Record, token: Kept, data_dir: Path) -> str:
    """What there is to know of a token whose history nothing explains."""
    with closing(sqlite3.connect(data_dir / "tokenry.db")) as connection:
        rows = connection.execute("SELECT * FROM tokens WHERE id = ?", (token.id,)).fetchall()
        events = connection.execute("SELECT * FROM audit_events WHERE subject = ?", (f"token:{token.id}",)).fetchall()
        previews = connection.execute("SELECT preview FROM credentials WHERE token_id = ?", (token.id,)).fetchall()
    asked = [request for request in record.requests if request[2].endswith((f"/{token.id}", f"/{token.id}/rotate"))]
    return f"{token} {asked=} {rows=} {previews=} {events=}"


@pytest.mark.long
def test_whatever_is_killed_what_was_answered_stays_true(tmp_path: Path) -> None:
    record, chance = Record(), random.Random(SEED)
    service = Service(tmp_path / "data")
    try:
        owners = [Owner(service, record, random.Random(SEED + number)) for number in range(OWNERS)]
        with at_work([owner.run for owner in owners], 2 * SECONDS_MAX):
            for _ in range(KILLS):
                await_changes(record, record.changes)
                time.sleep(chance.uniform(0, PAUSE_SECONDS_MAX))
                chance.choice(KILLERS)(service, chance)
        last = Owner(service, record, chance)
        for token in record.tokens:
            last.verify(token)
        last.hang_up()
    finally:
        service.close()
    wrong = [token for token in record.tokens if find_contradiction(token.history) is not None]
    assert [explain(record, token, tmp_path / "data") for token in wrong] == []
    assert record.unexpected == Counter()
    assert all(token.history[-1].act in {Act.ACCEPTED, Act.REFUSED} for token in record.tokens)
    unanswered = sum(end == math.inf for _, end, _, _ in record.requests)
    assert unanswered >= KILLS / 10, "the kills met no request"
