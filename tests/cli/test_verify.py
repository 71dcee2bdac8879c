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


@pytest.mark.parametrize("given", ["", "\n", "a b", "\x00", "größe"])
@pytest.mark.parametrize("more", [(), ("--explain",)])
def test_what_can_be_no_token_is_refused_in_words(person: Person, given: str, more: tuple[str, ...]) -> None:
    done = person.run("verify", "-", *more, given=given)
    words = "tokenry: No token was given: it has to be visible ASCII characters without a space.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", words)


@pytest.mark.parametrize("token", ["pat_unknown", "x" * 5000])
def test_token_that_is_not_valid_shows_in_the_exit_status(person: Person, token: str) -> None:
    done = person.run("verify", "-", given=token)
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout.splitlines()[1] == "no\tinvalid\t-\t-\t-\t-\t-"


def test_question_that_nobody_answers_is_no_verdict(person: Person) -> None:
    person.fails(2, "verify", "-", "--scope", "x:y", given=person.server.token)
    person.fails(1, "verify", "-", given=person.server.token, TOKENRY_URL="http://127.0.0.1:1")


def test_token_as_an_argument_is_refused_and_not_repeated(person: Person) -> None:
    said = person.fails(2, "verify", person.server.token)
    assert person.server.token[4:] not in said


def test_token_is_typed_unseen_on_a_terminal(person: Person) -> None:
    seen = person.sees("verify", "-", answers=[("Token: ", f"{person.server.token}\n")])
    assert seen.status == 0
    assert person.server.token[:16] not in seen.screen
    assert "active      yes" in seen.screen


# --- why -------------------------------------------------------------------------------------------------------------


def test_revoked_token_is_explained_and_shows_in_the_exit_status(person: Person) -> None:
    made = person.make()
    person.does("token", "revoke", str(made["id"]), "--yes")
    done = person.run("verify", "-", "--explain", given=made["token"])
    assert (done.returncode, done.stderr) == (5, "")
    header, *steps = done.stdout.splitlines()
    assert header == "check\tpassed\treason"
    assert [step.split("\t")[:2] for step in steps] == [
        ["prefix", "yes"],
        ["shape", "yes"],
        ["checksum", "yes"],
        ["known", "yes"],
        ["revocation", "no"],
    ]
    assert steps[-1].endswith(" by admin")
    assert made["token"][:17] not in done.stdout


def test_scope_and_address_are_explained(person: Person) -> None:
    made = person.make(scopes="linodes:read_only")
    person.does("token", "update", str(made["id"]), "--network", "10.0.0.0/8")
    asked = ("verify", "-", "--explain", "--scope", "linodes:read_only", "--address")
    assert all(row["passed"] for row in person.rows(*asked, "10.0.0.1", given=made["token"]))
    done = person.run(*asked, "192.0.2.1", given=made["token"])
    assert done.returncode == 5
    assert "networks\tno\t" in done.stdout


def test_explanation_is_for_those_who_are_logged_in(stranger: Person) -> None:
    stranger.variables["TOKENRY_URL"] = stranger.server.url
    assert "You are not logged in" in stranger.fails(4, "verify", "-", "--explain", given=stranger.server.token)


def test_address_is_for_explanations_and_no_line_for_curl_holds_a_token(person: Person) -> None:
    assert "--explain" in person.fails(2, "verify", "-", "--address", "10.0.0.1", given=person.server.token)
    assert "--curl" in person.fails(2, "verify", "-", "--explain", "--curl", given=person.server.token)


@pytest.mark.parametrize(("before", "after"), [("", "\r\n"), ("\ufeff", "\n"), ("\n", "\n\n"), (" ", "")])
@pytest.mark.parametrize("command", [("verify", "-", "-q"), ("login",)], ids=" ".join)
def test_token_may_have_blanks_around_it(person: Person, command: tuple[str, ...], before: str, after: str) -> None:
    assert person.does(*command, given=f"{before}{person.server.token}{after}")


@pytest.mark.parametrize("command", [("verify", "-"), ("verify", "-", "--explain"), ("login",)], ids=" ".join)
def test_two_lines_are_not_one_token(person: Person, command: tuple[str, ...]) -> None:
    said = person.fails(1, *command, given=f"{person.server.token}\n{person.server.token}\n")
    assert said == "tokenry: There is more than one line on standard input: give one token.\n"


def test_more_than_a_token_is_not_read(person: Person) -> None:
    said = person.fails(1, "verify", "-", given="x" * 70_000)
    assert said == "tokenry: What is on standard input is too long for a token.\n"
