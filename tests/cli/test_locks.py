"""Locks between runs of the command line."""

import os
from itertools import count
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


def test_file_that_is_removed_at_any_moment_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever had it locked removes it, also between two looks at it."""
    looks = count()
    stat = Path.stat

    def removed_at_the_second_look(file: Path, **options: bool) -> os.stat_result:
        if next(looks) == 1:
            file.unlink()
        return stat(file, **options)

    (tmp_path / "lock").touch()
    monkeypatch.setattr(Path, "stat", removed_at_the_second_look)
    for _ in range(2):
        os.close(acquire(tmp_path / "lock"))
