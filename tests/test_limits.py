"""Rate limits of real services: several processes that count together, and a storage that is not there."""

import socket
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.description import CHECKED
from tests.servers import Redis, Server, serving, tokenry
from tests.workers import connection_of_each, reuse, serving_workers

TOKENS = "/v4/profile/tokens"
LIMIT = 20
FAILURES = 5


def limits(storage: str = "memory") -> dict[str, str]:
    return {
        "TOKENRY_RATE_LIMIT": str(LIMIT),
        "TOKENRY_RATE_LIMIT_FAILURES": str(FAILURES),
        "TOKENRY_RATE_LIMIT_STORAGE": storage,
    }


def wait_for_a_young_minute() -> None:
    """The requests of a test belong into one minute of the clock."""
    while time.time() % 60 > 50:
        time.sleep(0.1)


def ask(server: Server, times: int, token: str) -> Counter[int]:
    """Ask on a connection each, so that any process may take it; how often each status came."""
    headers = {"Authorization": f"Bearer {token}"}
    return Counter(httpx2.get(server.url + TOKENS, headers=headers).status_code for _ in range(times))


def test_processes_of_one_service_count_together(tmp_path: Path) -> None:
    with serving_workers(tmp_path / "data", 3, limits()) as server:
        connections = connection_of_each(server)
        wait_for_a_young_minute()
        asked = [reuse(kept, "GET", TOKENS, server.token)[0] for kept in connections for _ in range(15)]
        failed = [reuse(kept, "GET", TOKENS, "pat_nothing")[0] for kept in connections for _ in range(4)]
        verified = [reuse(kept, "GET", "/verify", server.token)[0] for kept in connections for _ in range(50)]
        for kept in connections:
            kept.close()
    assert asked == [200] * LIMIT + [429] * (45 - LIMIT)
    assert failed == [401] * FAILURES + [429] * (12 - FAILURES)
    assert set(verified) == {200}


def test_services_on_one_redis_count_together(redis: Redis, tmp_path: Path) -> None:
    variables = limits(redis.url)
    with (
        serving(tmp_path / "data", variables=variables) as one,
        serving_workers(tmp_path / "data", 2, variables) as two,
    ):
        wait_for_a_young_minute()
        asked = ask(one, 15, one.token) + ask(two, 15, one.token)
    assert asked == {200: LIMIT, 429: 10}


@pytest.mark.parametrize(("trusted", "last"), [("", 429), ("127.0.0.1", 401)])
def test_failures_are_counted_by_a_forwarded_address_only_if_its_sender_is_trusted(
    tmp_path: Path, trusted: str, last: int
) -> None:
    variables = {**limits(), "TOKENRY_TRUSTED_PROXIES": trusted}
    with (
        serving(tmp_path / "data", variables=variables) as server,
        httpx2.Client(base_url=server.url, event_hooks=CHECKED) as client,
    ):
        wait_for_a_young_minute()
        asked = [
            client.get(TOKENS, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(FAILURES + 1)
        ]
    assert asked == [401] * FAILURES + [last]


def test_service_without_its_storage_works_and_says_so_without_the_password(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        storage = limits(f"redis://:sesame@127.0.0.1:{unused.getsockname()[1]}/0")
        with serving(tmp_path / "data", variables=storage) as server:
            assert ask(server, LIMIT + 10, server.token) == {200: LIMIT + 10}
    assert server.log.count("rate limits are off: their storage does not answer") == 1
    assert "sesame" not in server.log + server.printed


def test_storage_that_is_none_is_refused_at_the_start_in_one_line(tmp_path: Path) -> None:
    done = tokenry("serve", "--data-dir", str(tmp_path / "data"), variables=limits("http://:sesame@host"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "TOKENRY_RATE_LIMIT_STORAGE) is neither" in done.stderr
    assert "sesame" not in done.stderr + done.stdout
    assert not (tmp_path / "data").exists()
