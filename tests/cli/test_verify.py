"""`tokenry verify -` over HTTP."""

import json

import pytest

from tests.cli.conftest import Person


def test_valid_token_is_described(person: Person) -> None:
    made = person.make(scopes="linodes:read_only domains:read_write", expiry="2030-01-01T00:00:00")
    assert person.rows("verify", "-", given=f"{made['token']}\n") == [
        {
            "active": True,
            "reason": None,
            "user": "admin",
            "token_id": made["id"],
            "account_id": 1,
            "scopes": "domains:read_write linodes:read_only",
            "expiry": "2030-01-01T00:00:00Z",
        }
    ]


def test_question_needs_no_login(stranger: Person) -> None:
    stranger.variables["TOKENRY_URL"] = stranger.server.url
    assert stranger.does("verify", "-", "-q", given=stranger.server.token) == "yes\n"


@pytest.mark.parametrize(
    ("scope", "status", "reason"), [("linodes:read_only", 0, None), ("linodes:read_write", 5, "insufficient_scope")]
)
def test_scope_decides(person: Person, scope: str, status: int, reason: str | None) -> None:
    made = person.make(scopes="linodes:read_only")
    done = person.run("verify", "-", "--scope", scope, "--json", given=made["token"])
    assert done.returncode == status
    assert json.loads(done.stdout)[0]["reason"] == reason


@pytest.mark.parametrize("token", ["pat_unknown", "x" * 5000])
def test_token_that_is_not_valid_shows_in_the_exit_status(person: Person, token: str) -> None:
    done = person.run("verify", "-", given=token)
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.splitlines()[1] == "no\tinvalid\t-\t-\t-\t-\t-"


def test_question_that_nobody_answers_is_no_verdict(person: Person) -> None:
    person.fails(2, "verify", "-", "--scope", "x:y", given=person.server.token)
    person.fails(1, "verify", "-", given=person.server.token, TOKENRY_URL="http://127.0.0.1:1")
    assert "visible ASCII" in person.fails(1, "verify", "-", given="")


def test_token_as_an_argument_is_refused_and_not_repeated(person: Person) -> None:
    said = person.fails(2, "verify", person.server.token)
    assert person.server.token[4:] not in said


def test_token_is_typed_unseen_on_a_terminal(person: Person) -> None:
    seen = person.sees("verify", "-", answers=[("Token: ", f"{person.server.token}\n")])
    assert seen.status == 0
    assert person.server.token[:16] not in seen.screen
    assert "active      yes" in seen.screen
