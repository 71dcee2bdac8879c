"""What may be said to whoever presents a token: nothing that could end a header or a line."""

import pytest

from tokenry.domain.errors import InsufficientScope, NotFound, Refusal, Unauthorized
from tokenry.domain.words import REALM_LENGTH_MAX, TEXT_LENGTH_MAX, WORDS, Words, is_realm, is_sentence

OWN = Words("acme", "Kein gültiger Schlüssel", "Nope")


def text_of(words: Words, refusal: Refusal) -> str:
    [fault] = words.put(refusal).faults
    return fault.reason


@pytest.mark.parametrize(
    "text", ["", 'a"b', "a\\b", "a\r\nX-Auth-User: root", "ä", "a\tb", "a" * (REALM_LENGTH_MAX + 1)]
)
def test_realm_that_would_need_an_escape_is_none(text: str) -> None:
    assert not is_realm(text)
    with pytest.raises(ValueError, match="A realm is visible ASCII"):
        Words(realm=text)


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\x00", "a\u202eb", "a\ud800", "a" * (TEXT_LENGTH_MAX + 1)])
@pytest.mark.parametrize("name", ["invalid_token", "insufficient_scope"])
def test_text_that_is_not_one_printable_line_is_none(name: str, text: str) -> None:
    assert not is_sentence(text)
    with pytest.raises(ValueError, match="A text is one printable line"):
        Words(**{name: text})


def test_longest_realm_and_text_are_taken() -> None:
    assert is_realm("a" * REALM_LENGTH_MAX)
    assert is_sentence("ä" * TEXT_LENGTH_MAX)


def test_two_refusals_are_put_into_words_and_no_other() -> None:
    assert text_of(OWN, Unauthorized()) == "Kein gültiger Schlüssel"
    assert text_of(OWN, InsufficientScope()) == "Nope"
    assert text_of(OWN, NotFound()) == "Not found"


def test_wire_format_keeps_what_its_clients_know_unless_told_otherwise() -> None:
    assert text_of(WORDS, InsufficientScope()) == "Your token is not authorized to use this endpoint."
    recorded = "Your OAuth token is not authorized to use this endpoint."
    assert text_of(WORDS.as_recorded(), InsufficientScope()) == recorded
    assert text_of(Words(invalid_token="No").as_recorded(), InsufficientScope()) == recorded
    assert OWN.as_recorded() == OWN
