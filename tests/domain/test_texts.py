"""What a text shows, and which texts are one to a search."""

import pytest

from tokenry.domain.accounts import company_faults
from tokenry.domain.texts import fold, shows
from tokenry.domain.tokens import label_faults

BLANK = [
    " ",
    "\t\n\r",
    "\xa0",
    "\u2003\u3000",
    "\u200b",
    "\u200d\u2060\ufeff",
    "\xad",
    "\u202e\u2066\u2069",
    "\u0301\u20dd",
    "\ufe0f",
    "\U000e0041",
    "\U000e0fff",
    "\u115f\u1160\u3164\uffa0",
    "\u2800",
    " \u200b\u0301 ",
]
SHOWN = ["a", " a ", "é", "e\u0301", "٣", "-", "€", "😀", "\u200b\U0001fae8", "\ue0b0", "漢"]


@pytest.mark.parametrize("text", BLANK)
def test_text_that_shows_nothing_names_nothing(text: str) -> None:
    assert not shows(text)
    assert [fault.field for fault in label_faults(text)] == ["label"]
    assert [fault.field for fault in company_faults(text)] == ["company"]


@pytest.mark.parametrize("text", SHOWN)
def test_one_visible_character_is_enough(text: str) -> None:
    assert shows(text)
    assert label_faults(text) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ä", "a\u0308"),
        ("Ä", "a\u0308"),
        ("Straße", "STRASSE"),
        ("\u1e9b\u0323", "\u1e9b\u0323".upper()),
        ("Å", "\u212b"),
    ],
)
def test_both_forms_of_a_text_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other) == fold(fold(other))
