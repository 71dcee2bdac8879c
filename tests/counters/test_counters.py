"""Counting requests: what both counters promise, the bounds of the one in memory, and a Redis that is not there."""

import asyncio
import multiprocessing
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import Redis
from tokenry.counters.host import ROWS, WAYS, HostCounters
from tokenry.counters.opening import open_counters
from tokenry.counters.redis import REDIS_SECONDS_MAX, RedisCounters
from tokenry.domain.errors import SetupError, Unavailable

T = TypeVar("T")
PLACE = (
    "The rate limit storage (--rate-limit-storage or TOKENRY_RATE_LIMIT_STORAGE) is neither `memory` nor a URL such as "
    "redis://:password@host:6379/0."
)


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> str:
    """The setting for each place in turn."""
    if request.param == "memory":
        return "memory"
    redis: Redis = request.getfixturevalue("redis")
    return redis.url


def use(storage: str, work: Callable[[Any], Awaitable[T]]) -> T:
    async def run() -> T:
        counters = open_counters(storage)
        try:
            return await work(counters)
        finally:
            await counters.close()

    return asyncio.run(run())


async def count_all(counters: Any, asked: Iterable[tuple[str, int]]) -> list[int]:
    return [await counters.count(key, window) for key, window in asked]


def test_each_key_is_counted_in_each_window_by_itself(storage: str) -> None:
    one, other = uuid4().hex, uuid4().hex
    asked = [(one, 7), (one, 7), (other, 7), (one, 8), (other, 8), (one, 8)]
    assert use(storage, lambda counters: count_all(counters, asked)) == [1, 2, 1, 1, 1, 2]


def count_in_a_process(counters: Any, key: str, times: int) -> None:
    asyncio.run(count_all(counters, [(key, 1)] * times))


def test_processes_that_are_handed_the_counters_count_together(storage: str) -> None:
    key, spawn = uuid4().hex, multiprocessing.get_context("spawn")
    counters = open_counters(storage)
    for _ in range(2):
        process = spawn.Process(target=count_in_a_process, args=(counters, key, 5))
        process.start()
        process.join(60)
        assert process.exitcode == 0

    async def count_here() -> int:
        used = await counters.count(key, 1)
        await counters.close()
        return used

    assert asyncio.run(count_here()) == 11


# --- memory ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 2)), max_size=60))
def test_few_keys_are_counted_exactly(asked: list[tuple[str, int]]) -> None:
    """In order of windows, as clocks go: a window that is over is forgotten."""
    asked.sort(key=lambda pair: pair[1])
    seen: Counter[tuple[str, int]] = Counter()
    expected = []
    for pair in asked:
        seen[pair] += 1
        expected.append(seen[pair])
    assert asyncio.run(count_all(HostCounters(rows=1), asked)) == expected


@given(st.lists(st.integers(0, WAYS * 3), max_size=200))
def test_full_table_counts_nobody_for_what_others_asked(asked: list[int]) -> None:
    counted = asyncio.run(count_all(HostCounters(rows=1), [(str(number), 1) for number in asked]))
    seen: Counter[int] = Counter()
    for number, used in zip(asked, counted, strict=True):
        seen[number] += 1
        assert 1 <= used <= seen[number]


def test_full_table_remembers_whoever_asks_most() -> None:
    busy = [("busy", 1)] * 50
    crowd = [(f"address {number}", 1) for number in range(1000)]
    assert asyncio.run(count_all(HostCounters(rows=1), [*busy, *crowd, ("busy", 1)]))[-1] == 51


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def test_memory_does_not_grow_with_the_number_of_addresses() -> None:
    counters, before = HostCounters(), resident_bytes()

    async def count_them() -> None:
        for number in range(300_000):
            await counters.count(f"failures:{number}", 1)

    asyncio.run(count_them())
    assert resident_bytes() - before < 8 * 1024 * 1024
    assert ROWS * WAYS * 16 == 2 * 1024 * 1024


# --- Redis -----------------------------------------------------------------------------------------------------------


def test_redis_forgets_a_window_that_is_over(redis: Redis) -> None:
    key = uuid4().hex
    use(redis.url, lambda counters: count_all(counters, [(key, 7)]))
    assert redis.ask("KEYS", f"*{key}*") == [f"tokenry:{key}:7"]
    assert 0 < int(redis.ask("TTL", f"tokenry:{key}:7")) <= 60


def unavailable(storage: str) -> tuple[Unavailable, float]:
    started = time.monotonic()
    with pytest.raises(Unavailable) as error:
        use(storage, lambda counters: counters.count("key", 1))
    return error.value, time.monotonic() - started


def test_redis_that_is_down_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        unavailable(f"redis://127.0.0.1:{unused.getsockname()[1]}")


def test_redis_that_does_not_answer_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _, seconds = unavailable(f"redis://127.0.0.1:{silent.getsockname()[1]}")
    assert REDIS_SECONDS_MAX <= seconds < REDIS_SECONDS_MAX + 2


def test_redis_that_refuses_the_password_is_unavailable_and_no_error_shows_it(redis: Redis) -> None:
    error, _ = unavailable(redis.url.replace("sesame", "wrong-password"))
    assert error.__cause__ is not None
    assert "wrong-password" not in f"{error!r} {error} {error.__cause__!r} {error.__cause__}"


def test_redis_that_was_restarted_is_asked_again(redis: Redis) -> None:
    async def work(counters: RedisCounters) -> int:
        await counters.count("key", 1)
        redis.stop()
        redis.start()
        return await counters.count("key", 1)

    assert use(redis.url, work) == 1


@pytest.mark.parametrize(
    "storage", ["", "memroy", "memcached://sesame@host", "redis://:sesame@host:port", "redis://:ses#ame@host"]
)
def test_setting_that_names_no_place_is_refused_without_being_quoted(storage: str) -> None:
    with pytest.raises(SetupError) as error:
        open_counters(storage)
    assert str(error.value) == PLACE
    assert error.value.__suppress_context__


def test_redis_without_its_library_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(SetupError, match=r'run pip install "tokenry\[server,redis\]"'):
        open_counters("redis://host")
