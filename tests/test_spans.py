"""Spans of time as people write them."""

from datetime import timedelta

import pytest

from tokenry.spans import read_span, write_span


@pytest.mark.parametrize(
    ("text", "span", "written"),
    [
        ("12h", timedelta(hours=12), "12h"),
        ("48h", timedelta(days=2), "2d"),
        ("90d", timedelta(days=90), "90d"),
        ("4w", timedelta(weeks=4), "28d"),
        ("0h", timedelta(0), "0d"),
    ],
)
def test_span_is_read_and_written(text: str, span: timedelta, written: str) -> None:
    assert read_span(text) == span
    assert write_span(span) == written


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "90 d", "90D", "999999d", "1d\n", "٣d", "1y"])
def test_text_that_is_no_span_is_refused(text: str) -> None:
    assert read_span(text) is None
