"""Locks between runs of the command line."""

import os
from pathlib import Path

import pytest

from tests.conftest import Clock
from tokenry.cli.locks import POLL_SECONDS, acquire, locked

PATIENCE_SECONDS = 10


def test_patience_ends_while_somebody_has_it_locked(tmp_path: Path, clock: Clock) -> None:
    began = clock()
    held = acquire(tmp_path / "lock")

    def sleep(seconds: float) -> None:
        clock.seconds += seconds

    with (
        pytest.raises(BlockingIOError),
        locked(tmp_path / "lock", patience_seconds=PATIENCE_SECONDS, now=clock, sleep=sleep),
    ):
        pytest.fail("it was entered")
    assert clock() - began == pytest.approx(PATIENCE_SECONDS, abs=2 * POLL_SECONDS)
    os.close(held)


def test_whoever_waits_goes_on_when_it_is_free(tmp_path: Path, clock: Clock) -> None:
    held = acquire(tmp_path / "lock")
    entered = False
    with locked(tmp_path / "lock", patience_seconds=PATIENCE_SECONDS, now=clock, sleep=lambda _: os.close(held)):
        entered = True
    assert entered
    assert not (tmp_path / "lock").exists()
