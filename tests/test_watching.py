"""What a worker looks after is looked after until it ends, whatever a look meets."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from structlog.testing import capture_logs

from tokenry.serving import descriptors
from tokenry.storage.database import Database, database_url
from tokenry.storage.epoch import Epoch
from tokenry.storage.uses import Use
from tokenry.verification import clock, follower, last_used, screen
from tokenry.verification.sqlite import SqliteCredentials


def fail(*_: object, **__: object) -> Any:
    raise ValueError("a defect")


def tending(path: Path, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    patch.setattr(follower, "TEND_SECONDS", 0)
    patch.setattr(Epoch, "refresh", fail)
    epoch = Epoch(path, 1)
    return lambda: follower.tend(epoch, ())


def watching_the_clock(_: Path, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    patch.setattr(clock, "LOOK_SECONDS", 0)
    patch.setattr(clock.ClockWatch, "look", fail)
    return clock.ClockWatch().run


def watching_descriptors(_: Path, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    patch.setattr(descriptors, "LOOK_SECONDS", 0)
    patch.setattr(descriptors.DescriptorWatch, "look", fail)
    return descriptors.DescriptorWatch().run


def writing_uses(path: Path, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    patch.setattr(last_used, "INTERVAL_SECONDS", 0)
    patch.setattr(to_thread, "run_sync", fail)
    uses = last_used.Uses(Database(database_url(None, path.parent), timeout=1))
    uses._noted["pat_"] = Use(1, "pat_", 0, None, None)
    return uses.run


def screening(path: Path, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    patch.setattr(screen, "LOOK_SECONDS", 0)
    patch.setattr(screen.Screen, "_fill", fail)
    return screen.Screen(SqliteCredentials("none"), Epoch(path, 1).created).run


@pytest.mark.parametrize("begin", [tending, watching_the_clock, watching_descriptors, writing_uses, screening])
def test_defect_in_one_look_is_logged_and_ends_nothing(
    begin: Callable[[Path, pytest.MonkeyPatch], Callable[[], Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(tmp_path / "epoch", monkeypatch)

    async def run_for_a_while() -> bool:
        task = asyncio.ensure_future(run())
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
