"""`tokenry scopes`, completion of scopes, and what is said of one that there is not."""

import pytest

from tests.cli.conftest import Person
from tests.cli.shells import START, complete, require, shell


def test_scopes_are_listed_with_what_they_imply(person: Person) -> None:
    rows = person.rows("scopes", "list")
    assert rows[1] == {
        "scope": "account:read_write",
        "title": "Account, users and tokens: See and change",
        "description": "",
        "implies": ["account:read_only"],
        "instances": False,
        "management": False,
    }
    assert next(row["scope"] for row in rows if row["management"]) == "tokenry_users:read_only"
    assert "linodes:read_write\n" in person.does("scopes", "list", "-q")
    assert person.does("scopes", "list", "--format", "scope,title").startswith(
        "scope\ttitle\naccount:read_only\tAccount"
    )


@pytest.mark.parametrize("command", [("token", "create", "--scopes"), ("verify", "-", "--scope")])
def test_last_scope_of_a_list_is_completed(person: Person, command: tuple[str, ...]) -> None:
    assert complete(person, *command, "linodes:") == ["linodes:read_only", "linodes:read_write"]
    assert complete(person, *command, "vpc:read_write,linodes:read_o") == ["vpc:read_write,linodes:read_only"]
    assert complete(person, *command, "vpc:read_write vpc:r") == []
    assert complete(person, *command, "nothing") == []


@pytest.mark.parametrize("name", START)
def test_scope_is_completed_behind_its_colon(person: Person, name: str) -> None:
    require(name)
    with shell(name, person) as screen:
        screen.type("tokenry token create --expires 1d --field scopes --scopes linodes:read_o\t\n")
        screen.wait_for("linodes:read_only")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("linode:read_only", "scopes: Invalid scope: linode:read_only (did you mean linodes:read_only?)"),
        ("qqqq:zz", "scopes: Invalid scope: qqqq:zz"),
    ],
)
def test_what_may_be_meant_is_said_of_a_scope_that_there_is_not(person: Person, asked: str, said: str) -> None:
    error = person.fails(2, "token", "create", "--expires", "1d", "--scopes", asked)
    assert error == f"tokenry: {said}\n"
