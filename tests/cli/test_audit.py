"""`tokenry audit list` against a running service."""

import json

from tests.cli.conftest import Person


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


def test_user_lists_its_own(newcomer: Person) -> None:
    made = newcomer.make(label="mine")["id"]
    (newest,) = json.loads(newcomer.run("audit", "list", "--mine", "--limit", "1", "--json").stdout)
    assert newest["subject"] == f"token:{made}"
    refused = newcomer.run("audit", "list")
    assert (refused.returncode, refused.stdout) == (2, "")
