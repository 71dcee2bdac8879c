"""A token that was revoked, expired, or whose user was disabled is refused by the very next request, on any worker."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

from tests.conftest import missing
from tests.servers import Server, tokenry
from tests.workers import connection_of_each, reuse, worker_sockets

TOKENS = "/v4/profile/tokens"
WORKERS = 4
THREADS = 6
CYCLES_EACH = 20


def ask(server: Server, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
    """One request on a connection of its own, so that any worker may take it."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        return reuse(connection, method, path, token, body)
    finally:
        connection.close()


def create(server: Server, token: str, **body: object) -> dict[str, Any]:
    status, made = ask(server, "POST", TOKENS, token, body)
    assert status == 200, made
    assert isinstance(made, dict)
    return made


def verdicts(server: Server, token: str) -> set[int]:
    """What the workers say of a token: each is asked."""
    connections = connection_of_each(server)
    try:
        return {reuse(connection, "GET", "/verify", token)[0] for connection in connections}
    finally:
        for connection in connections:
            connection.close()


def test_every_worker_takes_connections(four: Server) -> None:
    if os.geteuid() != 0:
        missing("the right to look into the service's processes (root)")
    before = worker_sockets(four)
    assert len(before) == WORKERS
    held = [socket.create_connection(("127.0.0.1", four.port), timeout=10) for _ in range(200)]
    try:
        for connection in held:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        after = worker_sockets(four)
    finally:
        for connection in held:
            connection.close()
    taken = [len(after[process] - before[process]) for process in before]
    assert sum(count > 0 for count in taken) >= 2, taken


def test_deleted_token_is_refused_by_the_next_request_whoever_takes_it(four: Server) -> None:
    wrong: list[object] = []
    lock = threading.Lock()

    def cycle(number: int) -> None:
        made = create(four, four.token, label=f"cycle {number}", scopes="account:read_only")
        seen = [
            ask(four, "GET", "/verify", made["token"])[0],
            ask(four, "DELETE", f"{TOKENS}/{made['id']}", four.token)[0],
            ask(four, "GET", "/verify", made["token"])[0],
            ask(four, "GET", TOKENS, made["token"])[0],
        ]
        if seen != [200, 200, 401, 401]:
            with lock:
                wrong.append(seen)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(cycle, range(THREADS * CYCLES_EACH)))
    assert wrong == []


def test_deleted_token_is_refused_by_the_next_request_to_each_worker(four: Server) -> None:
    wrong: list[object] = []

    def cycles(connections: list[HTTPConnection]) -> None:
        for number in range(CYCLES_EACH):
            maker, deleter = connections[number % WORKERS], connections[(number + 1) % WORKERS]
            _, made = reuse(maker, "POST", TOKENS, four.token, {})
            before = [reuse(each, "GET", "/verify", made["token"])[0] for each in connections]
            deleted = reuse(deleter, "DELETE", f"{TOKENS}/{made['id']}", four.token)[0]
            after = [reuse(each, "GET", "/verify", made["token"])[0] for each in connections]
            if (before, deleted, after) != ([200] * WORKERS, 200, [401] * WORKERS):
                wrong.append((before, deleted, after))
        for connection in connections:
            connection.close()

    sets = [connection_of_each(four) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(cycles, sets))
    assert wrong == []


def test_token_revoked_by_the_operator_is_refused_on_all_workers(four: Server) -> None:
    made = create(four, four.token)
    assert verdicts(four, made["token"]) == {200}
    assert tokenry("admin", "token", "revoke", str(made["id"]), "--data-dir", str(four.data_dir)).returncode == 0
    assert verdicts(four, made["token"]) == {401}


def test_token_that_is_disabled_is_refused_on_all_workers_until_it_is_enabled(four: Server) -> None:
    """Whoever disables or enables it: each worker knows with the answer."""
    made = create(four, four.token)
    path = f"{TOKENS}/{made['id']}/details"
    for _ in range(5):
        assert verdicts(four, made["token"]) == {200}
        assert ask(four, "PUT", path, four.token, {"disabled": True})[0] == 200
        assert verdicts(four, made["token"]) == {401}
        assert ask(four, "PUT", path, made["token"], {"disabled": False})[0] == 401
        assert ask(four, "PUT", path, four.token, {"disabled": False})[0] == 200
    place = (str(made["id"]), "--data-dir", str(four.data_dir))
    assert verdicts(four, made["token"]) == {200}
    assert tokenry("admin", "token", "disable", *place).returncode == 0
    assert verdicts(four, made["token"]) == {401}
    assert tokenry("admin", "token", "enable", *place).returncode == 0
    assert verdicts(four, made["token"]) == {200}


def test_tokens_of_a_disabled_user_are_refused_on_all_workers_until_it_is_enabled(four: Server) -> None:
    place = ("--data-dir", str(four.data_dir))
    assert tokenry("admin", "user", "create", "mallory", *place).returncode == 0
    issued = tokenry("admin", "token", "create", "--user", "mallory", "--expires", "1h", *place)
    token = issued.stdout.strip()
    assert verdicts(four, token) == {200}
    assert tokenry("admin", "user", "disable", "mallory", *place).returncode == 0
    assert verdicts(four, token) == {401}
    assert tokenry("admin", "user", "enable", "mallory", *place).returncode == 0
    assert verdicts(four, token) == {200}


def test_token_may_delete_itself_and_is_refused_from_then_on(four: Server) -> None:
    made = create(four, four.token, scopes="account:read_write")
    assert ask(four, "DELETE", f"{TOKENS}/{made['id']}", made["token"]) == (200, {})
    assert ask(four, "DELETE", f"{TOKENS}/{made['id']}", made["token"])[0] == 401
    assert verdicts(four, made["token"]) == {401}


def test_token_is_valid_until_its_expiry_and_refused_from_that_second_on(four: Server) -> None:
    expiry = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    token = create(four, four.token, expiry=expiry.strftime("%Y-%m-%dT%H:%M:%S"))["token"]
    seen = []
    while time.time() < expiry.timestamp() + 0.5:
        asked = time.time()
        status, _ = ask(four, "GET", "/verify", token)
        seen.append((asked, status, time.time()))
        time.sleep(0.01)
    early = {status for _, status, answered in seen if answered < expiry.timestamp()}
    late = {status for asked, status, _ in seen if asked >= expiry.timestamp()}
    assert (early, late) == ({200}, {401})
