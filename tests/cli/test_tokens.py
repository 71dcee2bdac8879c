"""`tokenry token …` against a running service."""

import csv
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Person
from tests.servers import TOKENRY, environment

COLUMNS = ["id", "label", "scopes", "created", "expiry", "token"]


def read(text: str) -> list[dict[str, str]]:
    """Tab-separated lines below their column names."""
    columns, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(columns, line, strict=True)) for line in lines]


# --- make ------------------------------------------------------------------------------------------------------------


def test_quiet_creation_prints_the_bare_token(person: Person) -> None:
    printed = person.does("token", "create", "--expires", "90d", "--scopes", "linodes:read_only", "-q")
    assert printed.count("\n") == 1
    assert person.is_valid(printed.strip())


def test_creation_makes_what_was_asked_for(person: Person) -> None:
    asked = ("--label", "made", "--expires", "90d", "--scopes", "linodes:read_only domains:read_write")
    (row,) = person.rows("token", "create", *asked)
    assert list(row) == COLUMNS
    assert (row["label"], row["scopes"]) == ("made", "linodes:read_only domains:read_write")
    expected = datetime.now(UTC) + timedelta(days=90)
    assert abs(datetime.fromisoformat(row["expiry"]) - expected) < timedelta(minutes=1)
    assert person.is_valid(row["token"])


@pytest.mark.parametrize(
    ("expires", "expiry"),
    [
        ("never", None),
        ("2030-01-01T00:00:00", "2030-01-01T00:00:00Z"),
        ("2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00Z"),
        ("2030-01-01", "2030-01-01T00:00:00Z"),
    ],
)
def test_expiry_is_never_or_a_moment(person: Person, expires: str, expiry: str | None) -> None:
    (row,) = person.rows("token", "create", "--expires", expires, "--scopes", "linodes:read_only")
    assert row["expiry"] == expiry


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scopes", "*"), "--expires"),
        (("--expires", "1d"), "--scopes"),
        (("--scopes", "*", "--expires", "soon"), "such as 90d"),
        (("--scopes", "*", "--expires", "1d", "--field", "x"), "there are id, label"),
        (("--scopes", "*", "--expires", "1d", "--format", "id,lable"), "did you mean label?"),
        (("--scopes", "*", "--expires", "1d", "--json", "-q"), "exclude each other"),
    ],
)
def test_wrong_use_makes_no_token(person: Person, arguments: tuple[str, ...], words: str) -> None:
    before = person.rows("token", "list")
    said = person.fails(2, "token", "create", *arguments)
    assert words in said
    assert person.rows("token", "list") == before


def test_refusal_says_the_field_and_the_reason(person: Person) -> None:
    said = person.fails(2, "token", "create", "--expires", "1d", "--scopes", "x:y", "--label", "a" * 101)
    assert said == "tokenry: label: Length must be 1-100 characters; scopes: Invalid scope: x:y\n"


def test_secret_is_whole_on_a_narrow_terminal_and_called_unrepeatable(person: Person) -> None:
    seen = person.sees("token", "create", "--expires", "1d", "--scopes", "linodes:read_only", COLUMNS="80")
    assert seen.status == 0
    (token,) = (line.split()[1] for line in seen.screen.splitlines() if line.startswith("token "))
    assert person.is_valid(token)
    assert "only time" in seen.screen


def test_token_is_refused_until_the_moment_that_was_named(person: Person) -> None:
    asked = ("--label", "laid aside", "--expires", "2d", "--not-before", "1d", "--scopes", "linodes:read_only")
    assert not person.is_valid(person.does("token", "create", *asked, "--rotates-itself-only", "-q").strip())
    (row,) = person.rows("token", "list", "--label", "laid aside", "--state", "pending")
    expected = datetime.now(UTC) + timedelta(days=1)
    assert abs(datetime.fromisoformat(row["not_before"]) - expected) < timedelta(minutes=1)
    assert row["rotates_itself_only"] is True


# --- list and view ---------------------------------------------------------------------------------------------------


def test_list_is_separated_by_tabs_off_a_terminal(person: Person) -> None:
    made = person.make(label="tabs", scopes="linodes:read_only", expiry="2030-01-01T00:00:00")
    (row,) = read(person.does("token", "list", "--label", "tabs"))
    assert row == {
        "id": str(made["id"]),
        "label": "tabs",
        "scopes": "linodes:read_only",
        "created": f"{made['created']}Z",
        "expiry": "2030-01-01T00:00:00Z",
        "token": made["token"][:16],
    }


def test_list_is_a_table_on_a_terminal(person: Person) -> None:
    made = person.make(label="on a terminal")
    seen = person.sees("token", "list", "--label", "on a terminal", TERM="dumb")
    assert seen.status == 0
    head, line = seen.screen.splitlines()
    assert "\t" not in seen.screen
    assert head.split() == COLUMNS
    assert line.split("  ")[0] == str(made["id"])
    assert (line.index("on a terminal"), line.index("never")) == (head.index("label"), head.index("expiry"))


def test_narrow_terminal_folds_and_leaves_nothing_out(person: Person) -> None:
    made = person.make(label="narrow", scopes="linodes:read_only domains:read_write volumes:read_only")
    seen = person.sees("token", "list", "--label", "narrow", TERM="dumb", COLUMNS="44")
    assert "\x1b" not in seen.screen
    assert max(map(len, seen.screen.splitlines())) <= 44
    cells = (*COLUMNS, str(made["id"]), "narrow", made["scopes"], f"{made['created']}Z", "never", made["token"][:16])
    assert sorted("".join(seen.screen.split())) == sorted("".join(cells).replace(" ", ""))


def test_forms_have_the_same_values(person: Person) -> None:
    made = [person.make(label="forms", expiry="2030-01-01T00:00:00")["id"], person.make(label="forms")["id"]]
    chosen = ("token", "list", "--label", "forms")
    rows = person.rows(*chosen)
    assert [(row["id"], row["expiry"]) for row in rows] == [(made[0], "2030-01-01T00:00:00Z"), (made[1], None)]
    assert [json.loads(line) for line in person.does(*chosen, "--jsonl").splitlines()] == rows
    file = csv.DictReader(io.StringIO(person.does(*chosen, "--csv")))
    assert [(int(row["id"]), row["expiry"] or None) for row in file] == [(row["id"], row["expiry"]) for row in rows]
    text = person.does(*chosen, "--text", "--delimiter", ";", "--no-headers", "--format", "label,id,expiry")
    assert text == f"forms;{made[0]};2030-01-01T00:00:00Z\nforms;{made[1]};never\n"
    assert person.does(*chosen, "-q") == person.does(*chosen, "--field", "id") == f"{made[0]}\n{made[1]}\n"


def test_label_is_no_formula_for_a_spreadsheet(person: Person) -> None:
    person.make(label="=1+1")
    chosen = ("token", "list", "--label", "=1+1", "--csv", "--no-headers", "--format", "label")
    assert person.does(*chosen) == "'=1+1\n"


def test_list_is_filtered_ordered_and_cut(person: Person) -> None:
    ids = [person.make(label=f"Ranked as {letter}")["id"] for letter in "bac"]
    chosen = ("token", "list", "--search", "rANKED AS", "--order-by", "label", "-q")
    assert person.does(*chosen).split() == [str(ids[1]), str(ids[0]), str(ids[2])]
    assert person.does(*chosen, "--order", "desc", "--limit", "1").split() == [str(ids[2])]
    assert person.does(*chosen, "--label", "Ranked as c").split() == [str(ids[2])]
    assert person.does(*chosen, "--label", "nothing").split() == []


def test_label_cannot_move_the_terminals_cursor(person: Person) -> None:
    made = person.make(label="x\x1b[2J\ty")
    assert person.does("token", "list", "--label", made["label"], "--field", "label") == "x�[2J�y\n"
    assert "\x1b[2J" not in person.sees("token", "view", str(made["id"])).screen


def test_view_and_update(person: Person) -> None:
    token_id = str(person.make(label="before")["id"])
    (row,) = person.rows("token", "update", token_id, "--label", "after")
    assert row["label"] == "after"
    assert person.rows("token", "view", token_id) == [row]
    assert person.fails(2, "token", "view", "987654321") == "tokenry: There is no token 987654321.\n"


@pytest.mark.parametrize("word", ["lsit", "reovke"])
def test_mistyped_command_gives_the_nearest_one(person: Person, word: str) -> None:
    said = person.fails(2, "token", word)
    assert f"Did you mean {'list' if word == 'lsit' else 'revoke'}?" in said


# --- details ---------------------------------------------------------------------------------------------------------


def test_details_are_all_that_is_known(person: Person) -> None:
    made = person.make(label="detailed", scopes="account:read_only")
    changed = ("--description", "for the tests", "--network", "127.0.0.0/8", "--network", "10.0.0.1")
    person.does("token", "update", str(made["id"]), *changed)
    assert person.is_valid(made["token"])
    (row,) = person.rows("token", "view", str(made["id"]), "--details")
    assert (row["description"], row["networks"]) == ("for the tests", ["127.0.0.0/8", "10.0.0.1/32"])
    assert (row["state"], row["created_by"], row["revoked"], row["revoked_by"]) == ("active", "admin", None, None)
    person.does("token", "update", str(made["id"]), "--network", "any", "--label", "renamed")
    (row,) = person.rows("token", "view", str(made["id"]), "--details")
    assert (row["label"], row["description"], row["networks"]) == ("renamed", "for the tests", [])


def test_list_of_details_shows_what_fits_and_has_the_rest(person: Person) -> None:
    made = person.make(label="list of details", scopes="account:read_only")
    chosen = ("token", "list", "--details", "--label", "list of details")
    (shown,) = read(person.does(*chosen))
    assert list(shown) == ["id", "label", "scopes", "expiry", "state", "last_used", "last_used_address"]
    assert (shown["state"], shown["last_used"]) == ("active", "never")
    (row,) = person.rows(*chosen)
    assert (row["id"], row["created_by"], row["last_used"]) == (made["id"], "admin", None)
    assert person.does(*chosen, "--format", "created_by,networks", "--no-headers") == "admin\t-\n"


def test_ended_tokens_are_listed_by_state_and_viewed_with_details(person: Person) -> None:
    token_id = str(person.make(label="ended")["id"])
    person.does("token", "revoke", token_id, "--yes", "--reason", "unused")
    assert person.does("token", "list", "--label", "ended", "-q") == ""
    (row,) = person.rows("token", "list", "--label", "ended", "--state", "revoked")
    assert (row["state"], row["revoked_by"], row["revoked_reason"]) == ("revoked", "admin", "unused")
    assert person.rows("token", "view", token_id, "--details") == [row]
    assert person.fails(2, "token", "view", token_id) == f"tokenry: There is no token {token_id}.\n"


def test_token_is_disabled_and_enabled(person: Person) -> None:
    made = person.make(label="off and on")
    token_id = str(made["id"])
    assert person.does("token", "disable", token_id) == f"Token {token_id} is disabled.\n"
    assert not person.is_valid(made["token"])
    (row,) = person.rows("token", "list", "--label", "off and on", "--state", "disabled")
    assert (row["state"], row["disabled_by"]) == ("disabled", "admin")
    assert person.does("token", "enable", token_id) == f"Token {token_id} is enabled.\n"
    assert person.is_valid(made["token"])


def test_update_of_nothing_is_wrong_use(person: Person) -> None:
    assert "--label" in person.fails(2, "token", "update", "1")


# --- rotate ----------------------------------------------------------------------------------------------------------


def test_rotation_prints_the_new_secret_and_keeps_the_old_one_for_its_grace(person: Person) -> None:
    made = person.make(label="rotated")
    new = person.does("token", "rotate", str(made["id"]), "-q").strip()
    assert person.is_valid(new)
    assert person.is_valid(made["token"])


def test_rotation_for_a_leaked_token_ends_the_old_secret_at_once(person: Person) -> None:
    made = person.make(label="leaked")
    new = person.does("token", "rotate", str(made["id"]), "--now", "--grace", "0h", "-q").strip()
    assert person.is_valid(new)
    assert not person.is_valid(made["token"])


# --- revoke ----------------------------------------------------------------------------------------------------------


def test_revocation_goes_on_after_one_that_fails_and_reports_each(person: Person) -> None:
    first, last = person.make(label="gone"), person.make(label="gone")
    done = person.run("token", "revoke", str(first["id"]), "987654321", str(last["id"]), "--yes")
    assert done.returncode == 2
    assert done.stdout == f"Token {first['id']} is revoked.\nToken {last['id']} is revoked.\n"
    assert done.stderr == "tokenry: Token 987654321: Not found\n"
    assert not person.is_valid(first["token"])
    assert not person.is_valid(last["token"])


def test_quiet_revocation_prints_the_ids_of_what_is_revoked(person: Person) -> None:
    made = person.make(label="quietly")
    done = person.run("token", "revoke", "987654321", str(made["id"]), "--yes", "-q")
    assert (done.returncode, done.stdout) == (2, f"{made['id']}\n")
    assert done.stderr == "tokenry: Token 987654321: Not found\n"


def test_revocation_needs_a_yes_where_nobody_can_be_asked(person: Person) -> None:
    made = person.make(label="kept")
    assert "--yes" in person.fails(2, "token", "revoke", str(made["id"]))
    assert person.is_valid(made["token"])


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\x03", 130)])
def test_revocation_shows_and_asks_on_a_terminal(person: Person, answer: str, status: int) -> None:
    made = person.make(label="asked about")
    seen = person.sees("token", "revoke", str(made["id"]), answers=[("Revoke this token?", answer)])
    assert seen.status == status
    assert "asked about" in seen.screen
    assert person.is_valid(made["token"]) is (status != 0)


def test_ids_come_from_standard_input(person: Person) -> None:
    made = [person.make(label="piped") for _ in range(2)]
    ids = person.does("token", "list", "--label", "piped", "-q")
    assert person.does("token", "revoke", "-", "--yes", given=ids).count("is revoked") == 2
    assert not any(person.is_valid(each["token"]) for each in made)


@pytest.mark.long
def test_pipe_that_revokes_what_it_is_told_misses_none(person: Person) -> None:
    made = [person.make(label="piped")["id"] for _ in range(700)]
    lister = f"{TOKENRY} token list --label piped --order-by created --order desc -q"
    line = f"{lister} | xargs -n 50 {TOKENRY} token revoke --yes"
    variables = environment(**person.variables)
    done = subprocess.run(["/bin/sh", "-c", line], env=variables, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stderr, done.stdout.count(b"is revoked")) == (0, b"", len(made))
    assert person.does("token", "list", "--label", "piped", "-q") == ""


@pytest.mark.parametrize("word", ["abc", "-5", "1.5", "٣"])
def test_id_that_is_none_revokes_nothing(person: Person, word: str) -> None:
    made = person.make(label="untouched")
    person.fails(2, "token", "revoke", str(made["id"]), word, "--yes")
    assert person.is_valid(made["token"])


def test_token_that_revokes_itself_is_not_logged_in_for_the_rest(person: Person) -> None:
    acting, other = person.make(label="acting"), person.make(label="other")
    person.variables["TOKENRY_TOKEN"] = acting["token"]
    done = person.run("token", "revoke", str(acting["id"]), str(other["id"]), "--yes")
    assert done.returncode == 4
    assert done.stdout == f"Token {acting['id']} is revoked.\n"
    assert "Invalid Token" in done.stderr
