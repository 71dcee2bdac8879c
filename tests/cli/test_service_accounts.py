"""`tokenry service-account …` against a running service."""

from tests.cli.conftest import Person


def test_service_account_is_made_given_a_token_changed_and_deleted(person: Person) -> None:
    (made,) = person.rows("service-account", "create", "of-commands", "--ceiling", "linodes:read_write")
    assert made == {**made, "username": "of-commands", "ceiling": "linodes:read_write", "disabled": False}
    assert made in person.rows("service-account", "list")
    scopes = ("--scopes", "tokenry_users:read_only", "--expires", "1d")
    token = person.does("service-account", "create-token", "of-commands", *scopes, "-q").strip()
    assert person.is_valid(token)
    later = ("--not-before", "12h", "--requests-per-minute", "60", "-q")
    assert not person.is_valid(person.does("service-account", "create-token", "of-commands", *scopes, *later).strip())
    (changed,) = person.rows("service-account", "update", "of-commands", "--ceiling", "linodes:read_only")
    assert changed == {**made, "ceiling": "linodes:read_only"}
    for command, valid in (("disable", False), ("enable", True)):
        (row,) = person.rows("service-account", command, "of-commands")
        assert (row["disabled"], person.is_valid(token)) == (not valid, valid)
    assert "--yes" in person.fails(2, "service-account", "delete", "of-commands")
    said = person.does("service-account", "delete", "of-commands", "--yes")
    assert said == "Service account of-commands is deleted, and all of its tokens are revoked.\n"
    assert not person.is_valid(token)


def test_refusal_says_the_field(person: Person) -> None:
    said = person.fails(2, "service-account", "create", "?", "--ceiling", "*")
    assert said.startswith("tokenry: username: ")
