"""What a worker looks after is looked after until it ends, whatever a look meets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from structlog.testing import capture_logs

from tests.making import NOW
from tokenry.jobs import Job, Where, run_jobs
from tokenry.service.pruning import Pruning
from tokenry.service.transactions import Transactions
from tokenry.serving.descriptors import DescriptorWatch
from tokenry.storage.database import Database, database_url
from tokenry.storage.epoch import Epoch
from tokenry.storage.uses import Use
from tokenry.verification.clock import ClockWatch
from tokenry.verification.follower import Tending
from tokenry.verification.last_used import Uses
from tokenry.verification.screen import Screen
from tokenry.verification.sqlite import SqliteCredentials

Look = Callable[[], Awaitable[None] | None]


def fail(*_: object, **__: object) -> Any:
    raise ValueError("a defect")


def tending(path: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(Epoch, "refresh", fail)
    return Tending(Epoch(path, 1), ()).look


def watching_the_clock(_: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(ClockWatch, "look", fail)
    return ClockWatch().look


def watching_descriptors(_: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(DescriptorWatch, "look", fail)
    return DescriptorWatch().look


def writing_uses(path: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(to_thread, "run_sync", fail)
    uses = Uses(Database(database_url(None, path.parent), timeout=1))
    uses._noted["pat_"] = Use(1, "pat_", 0, None, None)
    return uses.flush


def screening(path: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(Screen, "_fill", fail)
    return Screen(SqliteCredentials("none"), Epoch(path, 1).created).fill


def pruning(path: Path, patch: pytest.MonkeyPatch) -> Look:
    patch.setattr(to_thread, "run_sync", fail)
    database = Database(database_url(None, path.parent), timeout=1)
    return Pruning(Transactions(database, lambda: NOW)).run


@pytest.mark.parametrize("begin", [tending, watching_the_clock, watching_descriptors, writing_uses, screening, pruning])
def test_defect_in_one_look_is_logged_and_ends_nothing(
    begin: Callable[[Path, pytest.MonkeyPatch], Look], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("looking", 0, Where.WORKER, begin(tmp_path / "epoch", monkeypatch))

    async def run_for_a_while() -> bool:
        task = asyncio.ensure_future(run_jobs([job]))
        for _ in range(50):
            await asyncio.sleep(0)
        goes_on = not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError, ValueError):
            await task
        return goes_on

    with capture_logs() as logs:
        assert asyncio.run(run_for_a_while())
    assert logs
    assert {line["log_level"] for line in logs} == {"error"}
