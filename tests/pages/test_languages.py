"""Which language a browser is shown, and how times are written in it."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenry.pages.languages import choose_language, write_distance, write_time

AT = datetime(2026, 11, 30, 10, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "accepted"),
    [("en", "de"), ("", ""), ("", "fr, xx;q=0.9"), ("xx", "en"), ("", "en;q=0"), ("", "en;q=zero"), ("", "," * 5000)],
)
def test_english_is_shown_where_nothing_else_is_asked_for(chosen: str, accepted: str) -> None:
    assert choose_language(chosen, accepted) == "en"


def test_times_are_written_in_the_zone_with_its_name() -> None:
    assert write_time(AT, "en", "UTC") == "30 Nov 2026, 10:36 UTC"
    assert write_time(AT, "en", "Europe/Berlin") == "30 Nov 2026, 11:36 CET"


def test_distances_are_in_words_both_ways() -> None:
    assert write_distance(AT + timedelta(days=3), AT, "en") == "in 3 days"
    assert write_distance(AT - timedelta(hours=2), AT, "en") == "2 hours ago"
