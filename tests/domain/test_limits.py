"""The arithmetic of rate limits: what is left, and when to ask again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry.domain.limits import WINDOW_SECONDS, allowance, window_at

MOMENTS = st.floats(0, 4_102_444_800, allow_nan=False)
LIMITS = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("now", "reset", "retry_after"),
    [(120.0, 181, 60), (120.9, 181, 60), (121.0, 181, 59), (179.0, 181, 1), (179.999, 181, 1), (180.0, 241, 60)],
)
def test_wait_counts_down_inside_a_window_to_the_same_reset(now: float, reset: int, retry_after: int) -> None:
    left = allowance(limit=5, used=1, now=now)
    assert (left.reset, left.retry_after) == (reset, retry_after)


@pytest.mark.parametrize(
    ("used", "remaining", "exceeded"), [(1, 1, False), (2, 0, False), (3, 0, True), (2_000_000, 0, True)]
)
def test_limit_itself_is_allowed_and_one_more_is_not(used: int, remaining: int, exceeded: bool) -> None:  # noqa: FBT001
    left = allowance(limit=2, used=used, now=0)
    assert (left.remaining, left.exceeded) == (remaining, exceeded)


@given(now=MOMENTS, limit=LIMITS, used=st.integers(1, 20_000))
def test_wait_is_the_recorded_difference(now: float, limit: int, used: int) -> None:
    left = allowance(limit=limit, used=used, now=now)
    assert left.retry_after == left.reset - int(now) - 1
    assert 1 <= left.retry_after <= WINDOW_SECONDS


@given(now=MOMENTS, limit=LIMITS)
def test_who_waits_as_told_finds_the_next_window(now: float, limit: int) -> None:
    left = allowance(limit=limit, used=limit + 1, now=now)
    assert window_at(now + left.retry_after) == window_at(now) + 1
