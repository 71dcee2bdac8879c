"""Hashing passwords: what it costs, and that it gives way to everything else."""

import asyncio
import os
import threading

import pytest
from argon2.profiles import RFC_9106_LOW_MEMORY

from tokenry.domain.errors import Unavailable
from tokenry.domain.passwords import HashWork
from tokenry.service import hashing
from tokenry.service.hashing import Hashing
from tokenry.settings import Settings

CHEAP = HashWork(memory_kib=64, rounds=1, lanes=1)


def test_work_is_what_rfc_9106_recommends() -> None:
    work = Settings().hash_work
    asked = RFC_9106_LOW_MEMORY
    assert (work.memory_kib, work.rounds, work.lanes) == (asked.memory_cost, asked.time_cost, asked.parallelism)
    assert work == HashWork()


def test_hash_is_of_its_password_alone() -> None:
    does = Hashing(CHEAP)

    async def go() -> list[bool]:
        hash = await does.hash("one")
        return [await does.verify(hash, "one"), await does.verify(hash, "two"), await does.verify(None, "one")]

    assert asyncio.run(go()) == [True, False, False]


def test_hash_of_other_work_is_outdated() -> None:
    hash = asyncio.run(Hashing(CHEAP).hash("one"))
    assert not Hashing(CHEAP).is_outdated(hash)
    assert Hashing(HashWork(memory_kib=64, rounds=2, lanes=1)).is_outdated(hash)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="there are no scheduling policies")
def test_threads_give_way_and_others_do_not() -> None:
    def policy() -> int:
        return os.sched_getscheduler(0)

    before = policy()
    assert asyncio.run(Hashing(CHEAP)._run(policy)) == os.SCHED_IDLE
    assert policy() == before != os.SCHED_IDLE


def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAITING_MAX", 2)
    does, go_on = Hashing(CHEAP), threading.Event()

    async def go() -> list[object]:
        waiting = [asyncio.create_task(does._run(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await does.hash("one")
        go_on.set()
        told = await asyncio.gather(*waiting)
        return [*told, bool(await does.hash("one"))]

    assert asyncio.run(go()) == [True, True, True]


def test_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "SECONDS_MAX", 0.01)
    go_on = threading.Event()

    async def go() -> None:
        with pytest.raises(Unavailable):
            await Hashing(CHEAP)._run(go_on.wait)
        go_on.set()

    asyncio.run(go())
