"""What fails again and again is a line a minute for each reason."""

from structlog.testing import capture_logs

from tests.conftest import Clock
from tokenry.complaints import REASONS_MAX, SECONDS, Complaints


def test_reason_is_told_once_a_minute_with_how_often_it_was(clock: Clock) -> None:
    complaints = Complaints("it fails", clock)
    with capture_logs() as logs:
        for _ in range(SECONDS + 1):
            complaints.add("full")
            clock.seconds += 1
    assert [(line["event"], line["reason"], line["times"]) for line in logs] == [
        ("it fails", "full", 1),
        ("it fails", "full", SECONDS),
    ]


def test_another_reason_is_told_at_once(clock: Clock) -> None:
    complaints = Complaints("it fails", clock)
    with capture_logs() as logs:
        for reason in ("full", "locked", "full"):
            complaints.add(reason)
    assert [line["reason"] for line in logs] == ["full", "locked"]


def test_many_reasons_take_no_more_memory(clock: Clock) -> None:
    complaints = Complaints("it fails", clock)
    for number in range(3 * REASONS_MAX):
        complaints.add(str(number))
    assert len(complaints._said) <= REASONS_MAX
