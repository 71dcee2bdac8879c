"""Counting tokens against their limits: never more than the limit, wherever that is, and nothing for a refusal."""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import Redis
from tokenry.counters.host import HostCounters
from tokenry.counters.host_quotas import COUNT_MAX, LOCK_SECONDS_MAX, ROWS, WAYS, HostQuotas
from tokenry.counters.quotas import Meter, ProcessQuotas, Quotas
from tokenry.counters.redis import RedisCounters

PROCESSES = 2
TIMES = {"memory": 15_000, "redis": 200}
"""How often each asks; half of that is let in."""


M = TypeVar("M", bound=Meter)


def meter_of(quotas: Quotas[M], token_id: int) -> M:
    meter = quotas.find_meter(token_id)
    meter.turn(1)
    return meter


async def take_many(counters: Any, limit: int, times: int, name: str) -> int:
    """How many of so many requests are let in."""
    return sum([await counters.take(name, 7, 1, cost=1, limit=limit) <= limit for _ in range(times)])


def take_in_a_process(counters: Any, begin: Any, taken: Any, name: str, times: int) -> None:
    async def take() -> int:
        try:
            return await take_many(counters, times, times, name)
        finally:
            await counters.close()

    begin.wait(60)
    taken.put(asyncio.run(take()))


@pytest.mark.parametrize("place", ["memory", "redis"])
def test_processes_that_ask_at_once_get_the_limit_and_no_more(place: str, request: pytest.FixtureRequest) -> None:
    spawn = multiprocessing.get_context("spawn")
    counters: Any = HostCounters(shared=True)
    if place == "redis":
        redis: Redis = request.getfixturevalue("redis")
        counters = RedisCounters(redis.url)
    begin, taken = spawn.Barrier(PROCESSES), spawn.Queue()
    work = (counters, begin, taken, uuid4().hex, TIMES[place])
    processes = [spawn.Process(target=take_in_a_process, args=work) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    assert sum(taken.get(timeout=60) for _ in processes) == TIMES[place]
    for process in processes:
        process.join(60)


@pytest.mark.parametrize("place", ["memory", "redis"])
def test_what_would_exceed_the_limit_is_not_counted(place: str, request: pytest.FixtureRequest) -> None:
    asked = [(5, 10), (6, 10), (5, 10), (1, 10), (1, 11), (1, 3)]

    async def take_all() -> list[int]:
        counters: Any = HostCounters()
        if place == "redis":
            redis: Redis = request.getfixturevalue("redis")
            counters = RedisCounters(redis.url)
        try:
            return [await counters.take(str(id(asked)), 7, 1, cost=cost, limit=limit) for cost, limit in asked]
        finally:
            await counters.close()

    assert asyncio.run(take_all()) == [5, 11, 10, 11, 11, 12]


def test_redis_keeps_counts_for_a_minute_and_apart(redis: Redis) -> None:
    async def take() -> list[int]:
        counters = RedisCounters(redis.url)
        try:
            places = [("a", 7, 1), ("b", 7, 1), ("a", 8, 1), ("a", 7, 2), ("a", 7, 1)]
            return [await counters.take(name, token, window, cost=1, limit=9) for name, token, window in places]
        finally:
            await counters.close()

    assert asyncio.run(take()) == [1, 1, 1, 1, 2]
    assert 0 < int(redis.ask("TTL", "tokenry:a:quota:7:1")) <= 60


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.sampled_from([1, 1, 2])), max_size=60))
def test_few_tokens_are_counted_exactly_in_each_minute(asked: list[tuple[int, int, int]]) -> None:
    """In order of windows, as clocks go."""
    limit, seen = 12, Counter[tuple[int, int]]()
    places: Sequence[Quotas[Any]] = [HostQuotas(rows=1), ProcessQuotas(6)]
    for token, cost, window in sorted(asked, key=lambda each: each[2]):
        used = seen[token, window] + cost
        for quotas in places:
            assert quotas.take_in(window, token << 20, cost=cost, limit=limit) == used
        seen[token, window] += cost if used <= limit else 0


@given(st.lists(st.integers(0, WAYS * 3), max_size=200))
def test_without_room_nobody_is_refused_for_what_others_asked(asked: list[int]) -> None:
    places: Sequence[Quotas[Any]] = [HostQuotas(rows=1), ProcessQuotas(WAYS)]
    seen = Counter[int]()
    for token in asked:
        seen[token] += 1
        for quotas in places:
            assert 1 <= quotas.take_in(1, token, cost=1, limit=COUNT_MAX) <= seen[token]


@pytest.mark.parametrize("quotas", [HostQuotas(rows=1), ProcessQuotas(WAYS)], ids=lambda each: type(each).__name__)
def test_without_room_whoever_asks_most_is_remembered(quotas: Quotas[Any]) -> None:
    busy = meter_of(quotas, 1)
    for _ in range(50):
        quotas.take(busy, 1, 60)
    for token_id in range(2, 1000):
        quotas.take(meter_of(quotas, token_id), 1, 60)
    assert quotas.take(meter_of(quotas, 1), 1, 60) == 51


def test_without_room_former_minutes_go_first() -> None:
    quotas = ProcessQuotas(WAYS)
    for token_id in range(1, WAYS):
        quotas.take_in(1, token_id, cost=9, limit=60)
    quotas.take_in(2, WAYS, cost=1, limit=60)
    assert [quotas.take_in(2, token_id, cost=1, limit=60) for token_id in (WAYS + 1, WAYS)] == [1, 2]


def test_memory_is_two_megabytes_and_ids_are_spread_over_all_of_it() -> None:
    quotas = HostQuotas()
    assert ROWS * WAYS * 8 == 2 * 1024 * 1024
    for token_id in range(0, ROWS * WAYS, ROWS // 64):
        assert quotas.take(meter_of(quotas, token_id), 1, 9) == 1
    assert all(quotas.take(meter_of(quotas, token_id), 1, 9) == 2 for token_id in range(0, ROWS * WAYS, ROWS))


def test_lock_of_a_process_that_died_is_waited_for_once() -> None:
    quotas = HostQuotas()
    meter = meter_of(quotas, 7)
    meter.lock.acquire()  # and whoever has it does not go on
    began = time.monotonic()
    assert [quotas.take(meter, 1, 9) for _ in range(3)] == [1, 2, 3]
    assert LOCK_SECONDS_MAX <= time.monotonic() - began < 2 * LOCK_SECONDS_MAX + 1
    with pytest.raises(ValueError, match="released too many times"):
        meter.lock.release()
