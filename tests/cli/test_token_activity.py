"""`tokenry token activity|advice|shadow` against a running service."""

from tests.cli.conftest import Person


def test_token_is_kept_to_fewer_scopes(person: Person) -> None:
    made = str(person.make(scopes="linodes:read_write")["id"])
    person.does("token", "shadow", made, "--scopes", "linodes:read_only")
    assert person.rows("token", "shadow", made) == []
    assert "is kept to linodes:read_only" in person.run("token", "shadow", made, "--enforce").stderr
    assert person.rows("token", "view", made)[0]["scopes"] == "linodes:read_only"
    assert person.run("token", "shadow", made, "--give-up").returncode != 0


def test_advice_says_why_there_is_none(person: Person) -> None:
    made = str(person.make(scopes="linodes:read_write")["id"])
    advice = person.run("token", "advice", made, "--json")
    assert advice.returncode == 0
    assert "Nothing can be said yet" in advice.stderr
    assert person.rows("token", "activity", made) == []
