"""Whether and when a request is sent again."""

from datetime import UTC, datetime

import pytest

from tokenry.client import ONCE, Answer, ConnectionFailed, Retries, TimedOut
from tokenry.client.retries import read_retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATEST = Retries(backoff_seconds=1, backoff_seconds_max=3, random=lambda: 1.0)
EARLIEST = Retries(random=lambda: 0.0)


@pytest.mark.parametrize("outcome", [ConnectionFailed("reset"), TimedOut("slow")], ids=["reset", "slow"])
def test_wait_doubles_up_to_its_bound(outcome: ConnectionFailed) -> None:
    assert [LATEST.wait_seconds(attempt, outcome, NOW) for attempt in (1, 2, 3, 4)] == [1, 2, 3, None]


def test_wait_is_left_to_chance() -> None:
    assert EARLIEST.wait_seconds(3, Answer(503), NOW) == 0
    half = Retries(backoff_seconds=1, random=lambda: 0.5)
    assert half.wait_seconds(1, Answer(503), NOW) == 0.5


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_trouble_is_worth_another_attempt(status: int) -> None:
    assert LATEST.wait_seconds(1, Answer(status), NOW) == 1


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 500, 501])
def test_answer_that_will_be_the_same_is_not(status: int) -> None:
    assert LATEST.wait_seconds(1, Answer(status, {"retry-after": "5"}), NOW) is None


def test_only_one_attempt() -> None:
    assert ONCE.wait_seconds(1, Answer(503), NOW) is None


def test_retry_after_is_honoured_and_its_cut_off_second_too() -> None:
    assert EARLIEST.wait_seconds(1, Answer(429, {"retry-after": "30"}), NOW) == 31
    assert LATEST.wait_seconds(1, Answer(503, {"retry-after": "0"}), NOW) == 2


def test_retry_after_beyond_patience_ends_it() -> None:
    assert EARLIEST.wait_seconds(1, Answer(429, {"retry-after": "60"}), NOW) == 61
    assert EARLIEST.wait_seconds(1, Answer(429, {"retry-after": "61"}), NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 30, None),
        ("Fri, 99 Jan 2026 03:04:35 GMT", None),
    ],
)
def test_retry_after_is_read(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds
