"""How times are written in a language."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenry.languages.writing import write_distance, write_span, write_time

AT = datetime(2026, 11, 30, 10, 36, tzinfo=UTC)


def test_times_are_written_in_the_zone_with_its_name() -> None:
    assert write_time(AT, "en", "UTC") == "30 Nov 2026, 10:36 UTC"
    assert write_time(AT, "en", "Europe/Berlin") == "30 Nov 2026, 11:36 CET"
    assert write_time(AT, "de", "UTC") == "30.11.2026, 10:36 UTC"
    assert write_time(AT, "de", "Europe/Berlin") == "30.11.2026, 11:36 MEZ"


def test_distances_are_in_words_both_ways() -> None:
    assert write_distance(AT + timedelta(days=3), AT, "en") == "in 3 days"
    assert write_distance(AT - timedelta(hours=2), AT, "en") == "2 hours ago"
    assert write_distance(AT, AT, "en") == "1 second ago"
    assert write_distance(AT + timedelta(milliseconds=1), AT, "en") == "in 1 second"
    assert write_distance(AT + timedelta(days=3), AT, "de") == "in 3 Tagen"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=90), "90 Tage"),
        (timedelta(hours=47), "47 Stunden"),
        (timedelta(minutes=119), "119 Minuten"),
        (timedelta(seconds=90), "90 Sekunden"),
        (timedelta(seconds=1), "1 Sekunde"),
    ],
)
def test_spans_are_in_the_largest_unit_of_which_there_are_two(span: timedelta, words: str) -> None:
    assert write_span(span, "de") == words
