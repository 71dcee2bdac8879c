"""Which language a browser is shown."""

import pytest

from tokenry.pages.languages import choose_language


@pytest.mark.parametrize(
    ("chosen", "accepted"),
    [
        ("en", "de"),
        ("", ""),
        ("", "fr, en;q=0.5, de;q=0.4"),
        ("", "fr, xx;q=0.9"),
        ("xx", "en"),
        ("", "en;q=0"),
        ("", "en;q=zero"),
        ("", "," * 5000),
    ],
)
def test_english_is_shown_where_nothing_else_is_asked_for(chosen: str, accepted: str) -> None:
    assert choose_language(chosen, accepted) == "en"


@pytest.mark.parametrize(
    ("chosen", "accepted"),
    [("de", "en"), ("", "de"), ("", "de-AT,de;q=0.9,en;q=0.8"), ("", "fr, en;q=0.4, DE;q=0.5"), ("xx", "de")],
)
def test_german_is_shown_to_who_chose_it_or_else_likes_it_best(chosen: str, accepted: str) -> None:
    assert choose_language(chosen, accepted) == "de"
