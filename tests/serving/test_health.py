"""Probes of readiness by many at once: the database is asked once at a time."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from tokenry.serving import health
from tokenry.serving.health import Readiness
from tokenry.storage.database import Database

PROBES = 400


class Look:
    """A look at the database that ends when it is let."""

    def __init__(self) -> None:
        self.count = 0
        self.end = threading.Event()

    def __call__(self, connection: Connection) -> bool:
        self.count += 1
        return self.end.wait(health.SECONDS_MAX)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    look = Look()
    monkeypatch.setattr(health, "is_current", look)
    return look


async def probe(ready: Readiness) -> int:
    """Probe; the status."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await ready({"type": "http", "method": "GET", "path": "/readyz", "headers": []}, receive, send)
    return statuses[0]


async def let_all_ask(look: Look) -> None:
    """Comes after all probes that were begun before it."""
    look.end.set()


async def found(preview: str) -> None:
    """Look up a token, in a database that answers."""


def run(ask: Callable[[], Awaitable[list[int]]]) -> list[int]:
    async def whole() -> list[int]:
        return await ask()

    return asyncio.run(whole())


def test_probes_that_come_during_a_look_share_its_answer(database: Database, look: Look) -> None:
    ready = Readiness(database, found)

    async def ask() -> list[int]:
        probes = [asyncio.create_task(probe(ready)) for _ in range(PROBES)]
        await asyncio.create_task(let_all_ask(look))
        return await asyncio.gather(*probes)

    assert run(ask) == [200] * PROBES
    assert look.count == 1


def test_probe_that_hangs_up_leaves_the_look_to_the_others(database: Database, look: Look) -> None:
    ready = Readiness(database, found)

    async def ask() -> list[int]:
        first, second = (asyncio.create_task(probe(ready)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.create_task(let_all_ask(look))
        return [await second]

    assert run(ask) == [200]
    assert look.count == 1


def test_each_probe_after_a_look_is_answered_by_a_new_one(database: Database, look: Look) -> None:
    ready = Readiness(database, found)
    look.end.set()

    async def ask() -> list[int]:
        return [await probe(ready) for _ in range(3)]

    assert run(ask) == [200] * 3
    assert look.count == 3
