"""`tokenry audit list` against a running service."""

import json

import pytest

from tests.cli.conftest import Person
from tokenry.cli.output import Output


def test_manager_lists_what_was_done_newest_first(person: Person) -> None:
    made = person.make(label="audited")["id"]
    person.does("token", "revoke", str(made), "--yes", "-q")
    rows = person.rows("audit", "list", "--subject", f"token:{made}")
    assert [row["action"] for row in rows] == ["token.revoke", "token.create"]
    assert (rows[1]["actor"], rows[1]["details"]["label"]) == ("admin", "audited")
    (row,) = person.rows("audit", "list", "--subject", f"token:{made}", "--action", "token.create")
    assert row == rows[1]
    assert person.rows("audit", "list", "--actor", "nobody-of-this-name") == []
    assert len(person.rows("audit", "list", "--limit", "1")) == 1


def test_event_that_there_is_not_is_said_and_which_may_be_meant(person: Person) -> None:
    said = person.fails(2, "audit", "list", "--action", "token.creat")
    assert said == "tokenry: There is no event token.creat: did you mean token.create?\n"


@pytest.mark.parametrize(
    ("output", "limit", "shown", "told"),
    [
        (Output(), None, 2, True),
        (Output(), 1, 1, False),
        (Output(csv=True), None, 3, False),
        (Output(csv=True), 2, 2, False),
    ],
)
def test_list_says_that_it_is_cut_unless_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], output: Output, limit: int | None, shown: int, *, told: bool
) -> None:
    output.of(["id"]).write_list(({"id": number} for number in range(3)), limit, otherwise=2)
    said = capsys.readouterr()
    assert said.out.splitlines() == ["id", *map(str, range(shown))]
    assert said.err == ("tokenry: There are more than 2: --limit shows more of them, and --csv all.\n" if told else "")


def test_user_lists_its_own(newcomer: Person) -> None:
    made = newcomer.make(label="mine")["id"]
    (newest,) = json.loads(newcomer.run("audit", "list", "--mine", "--limit", "1", "--json").stdout)
    assert newest["subject"] == f"token:{made}"
    refused = newcomer.run("audit", "list")
    assert (refused.returncode, refused.stdout) == (2, "")
