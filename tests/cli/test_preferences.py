"""`tokenry preferences`."""

from tests.cli.conftest import Person


def test_language_is_chosen_and_taken_back(person: Person) -> None:
    person.does("preferences", "update", "--language", "de")
    assert person.does("preferences", "show", "-q").strip() == "de"
    person.does("preferences", "update", "--language", "none")
    assert person.rows("preferences", "show") == [{"language": None}]
    assert "Must be one of en, de" in person.fails(2, "preferences", "update", "--language", "xx")
