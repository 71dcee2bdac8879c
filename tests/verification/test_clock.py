"""A clock that is set back is told in the log, once for each time."""

import pytest
from structlog.testing import capture_logs

from tests.conftest import Clock
from tokenry.verification.clock import ClockWatch


@pytest.fixture
def steady() -> Clock:
    return Clock(5.0)


def test_clock_that_is_set_back_is_told_once(clock: Clock, steady: Clock) -> None:
    watch = ClockWatch(clock, steady)
    with capture_logs() as logs:
        for back in (0, 3600, 0, 0, 7200, 0):
            steady.seconds += 1
            clock.seconds += 1 - back
            watch.look()
    assert [(line["log_level"], line["seconds"]) for line in logs] == [("error", 3600.0), ("error", 7200.0)]
    assert logs[0]["event"] == "the clock was set back: what expired meanwhile is valid again"


@pytest.mark.parametrize("step", [0.5, 0.0, -0.4, -7200.0], ids=["slower", "equal", "faster", "set forward"])
def test_other_steps_are_not(clock: Clock, steady: Clock, step: float) -> None:
    watch = ClockWatch(clock, steady)
    with capture_logs() as logs:
        for _ in range(10):
            steady.seconds += 1
            clock.seconds += 1 - step
            watch.look()
    assert logs == []
