"""What was answered with a 200 is there after a `kill -9`; an orderly stop cuts no answer in two."""

import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.description import CHECKED
from tests.issuing import bearer
from tests.servers import Server, serving, start_server
from tests.threads import at_work

TOKENS = "/v4/profile/tokens"
ROUNDS = 20
STOP_SECONDS = 30
CLIENTS = 4
STREAM_SECONDS = 0.25
PER_ROUND_MIN = 4


@dataclass
class Ledger:
    """What the clients were told: by token text. `asked` holds deletions without an answer, which may go either way."""

    live: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    defects: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def acknowledged(self) -> int:
        return len(self.live) + 2 * len(self.deleted) + len(self.asked)


def create_and_delete(server: Server, first_token: str, ledger: Ledger, stop: threading.Event) -> None:
    """Make two tokens and delete one of them, again and again, until the server is gone."""
    with httpx2.Client(base_url=server.url, headers=bearer(first_token), timeout=10, event_hooks=CHECKED) as client:
        while not stop.is_set():
            try:
                made = [client.post(TOKENS, json={}) for _ in range(2)]
                with ledger.lock:
                    ledger.live |= {answer.json()["token"] for answer in made}
                doomed = made[0].json()
                with ledger.lock:
                    ledger.live.remove(doomed["token"])
                    ledger.asked.add(doomed["token"])
                status = client.delete(f"{TOKENS}/{doomed['id']}").status_code
            except httpx2.TransportError:
                return
            with ledger.lock:
                ledger.asked.remove(doomed["token"])
                ledger.deleted.add(doomed["token"])
                if status != 200:
                    ledger.defects.append(f"DELETE was answered {status}")


def statuses(server: Server, tokens: set[str]) -> dict[str, int]:
    with httpx2.Client(base_url=server.url, timeout=10, event_hooks=CHECKED) as client:
        return {token: client.get("/verify", headers=bearer(token)).status_code for token in tokens}


def assert_nothing_lost(server: Server, ledger: Ledger) -> None:
    live, deleted = statuses(server, ledger.live), statuses(server, ledger.deleted)
    assert set(live.values()) <= {200}, f"lost creations: {sum(status != 200 for status in live.values())}"
    assert set(deleted.values()) <= {401}, f"lost deletions: {sum(status != 401 for status in deleted.values())}"
    assert set(statuses(server, ledger.asked).values()) <= {200, 401}


@pytest.mark.parametrize("rounds", [3, pytest.param(ROUNDS, marks=pytest.mark.long)])
def test_no_acknowledged_change_is_lost_when_the_service_is_killed(tmp_path: Path, rounds: int) -> None:
    ledger = Ledger()
    first_token = ""
    for _ in range(rounds):
        server = start_server(tmp_path / "data")
        try:
            first_token = first_token or server.token
            ledger.live.add(first_token)
            assert_nothing_lost(server, ledger)
            before = ledger.acknowledged
            with at_work([partial(create_and_delete, server, first_token, ledger)] * CLIENTS, STOP_SECONDS):
                give_up = time.monotonic() + 10
                while ledger.acknowledged < before + PER_ROUND_MIN and time.monotonic() < give_up:
                    time.sleep(0.01)
                time.sleep(STREAM_SECONDS)
                server.kill()  # while the clients are at it
        finally:
            server.kill()
            server.output.close()
        assert not ledger.defects
        assert ledger.acknowledged >= before + PER_ROUND_MIN, "a round without writes shows nothing"
    with serving(tmp_path / "data") as server:
        assert_nothing_lost(server, ledger)


def test_orderly_stop_answers_whole_what_it_answers(tmp_path: Path) -> None:
    answered: list[tuple[int, str]] = []
    torn: list[str] = []

    def create(stop: threading.Event) -> None:
        with httpx2.Client(
            base_url=server.url, headers=bearer(server.token), timeout=30, event_hooks=CHECKED
        ) as client:
            while not stop.is_set():
                try:
                    answer = client.post(TOKENS, json={"label": "in flight"})
                    answered.append((answer.status_code, answer.json()["token"]))
                except httpx2.TransportError as error:  # not answered at all, or cut in two
                    torn.extend([str(error)] if "incomplete" in str(error) else [])
                    return
                except (ValueError, KeyError) as error:
                    torn.append(repr(error))
                    return

    with serving(tmp_path / "data") as server, at_work([create] * 8, STOP_SECONDS):
        give_up = time.monotonic() + 10
        while len(answered) < 8 and time.monotonic() < give_up:
            time.sleep(0.01)
        assert server.stop() == 0
    assert not torn
    assert len(answered) >= 8
    assert {status for status, _ in answered} == {200}
    with serving(tmp_path / "data") as server:
        assert set(statuses(server, {token for _, token in answered}).values()) == {200}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_request_under_way_at_an_orderly_stop_is_finished(tmp_path: Path, workers: str) -> None:
    head = "POST /v4/profile/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nAuthorization: "
    answer = b""
    with (
        serving(tmp_path / "data", "--workers", workers) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        connection.sendall(f"{head}Bearer {server.token}\r\n\r\n".encode("ascii"))
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"  # so the service waits for the body
        server.process.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + 10
        while "Shutting down" not in server.log:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        connection.sendall(b"{}")
        while data := connection.recv(4096):
            answer += data
        assert server.process.wait(20) == 0
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"label": "token-2"' in answer


def test_orderly_stop_leaves_no_write_ahead_log_behind(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert httpx2.post(f"{server.url}{TOKENS}", headers=bearer(server.token), json={}).status_code == 200
        assert server.stop() == 0
    names = {path.name for path in (tmp_path / "data").iterdir()}
    assert names == {"tokenry.db", "tokenry.db-epoch", "pepper.key", "first-token", ".setup.lock"}
