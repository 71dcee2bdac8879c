"""What comes in English from below the pages, in another language."""

import pytest
from markupsafe import Markup

from tokenry.pages.told import LENGTH_MAX, name_in, tell


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("The password is wrong.", "Das Passwort ist falsch."),
        ("Length must be 1-100 characters", "Muss 1-100 Zeichen lang sein"),
        ("Must be before 2030-01-01T00:00:00", "Muss vor 2030-01-01T00:00:00 liegen"),
        ("Invalid scope: <b>{}%s{0.a}</b>", "Diese Berechtigung gibt es nicht: <b>{}%s{0.a}</b>"),
        (
            "Must be given, since tokens have to expire (maximum lifetime: 90d)",
            "Muss angegeben werden, denn Tokens müssen ablaufen (höchste Laufzeit: 90d)",
        ),
        (
            "Must be no later than 2030-01-01T00:00:00 (maximum lifetime: 90d)",
            "Darf nicht später sein als 2030-01-01T00:00:00 (höchste Laufzeit: 90d)",
        ),
        (
            "it has a host that is not of a network that the operator allows",
            "sein Host liegt nicht in einem Netz, das der Betreiber erlaubt",
        ),
        ("it cannot be reached: its name cannot be resolved", "er ist nicht zu erreichen: sein Name lässt sich nicht"),
        ("That is user Search already: unlink it there first", "Das ist schon Benutzer Search: "),
    ],
)
def test_fault_is_told_with_what_it_is_about(reason: str, told: str) -> None:
    assert tell(reason, "en") == reason
    assert tell(reason, "de").startswith(told)
    assert not isinstance(tell(reason, "de"), Markup)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Must be no later than 1 Jul 2030, 02:30 CEST (maximum lifetime: 90d)"),
        ("de", "Darf nicht später sein als 01.07.2030, 02:30 MESZ (höchste Laufzeit: 90d)"),
    ],
)
def test_time_in_a_fault_is_told_as_it_is_where_somebody_is(language: str, told: str) -> None:
    reason = "Must be no later than 2030-07-01T00:30:00 (maximum lifetime: 90d)"
    assert tell(reason, language, "Europe/Berlin") == told


@pytest.mark.parametrize("text", ["2030-13-01T00:00:00", "0001-01-01T00:00:00", "12030-01-01T00:00:00"])
def test_what_is_no_time_stays(text: str) -> None:
    assert tell(text, "en", "America/New_York") == text


@pytest.mark.parametrize(
    "reason", ["<i>Nobody</i> has words for this", "Length must be 1-", "", "Invalid scope: " + "x" * LENGTH_MAX]
)
def test_what_has_no_words_is_marked_as_english(reason: str) -> None:
    assert tell(reason, "de") == Markup('<span lang="en">{}</span>').format(reason)


def test_fault_that_quotes_itself_is_read_once() -> None:
    told = tell("Invalid scope: " * 3, "de")
    assert told == "Diese Berechtigung gibt es nicht: Diese Berechtigung gibt es nicht: Invalid scope: "


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("See", "Sehen"),
        ("Compute instances", "Compute-Instanzen"),
        ("Compute instances (db-1)", "Compute-Instanzen (db-1)"),
        ("Züge (db-1)", "Züge (db-1)"),
        ("100 % <b>", "100 % <b>"),
        ("", ""),
    ],
)
def test_words_of_the_catalogue_are_told_and_those_of_an_operator_stay(words: str, named: str) -> None:
    assert name_in(words, "de") == named
