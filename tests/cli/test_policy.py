"""`tokenry policy …` against a running service. What is changed there concerns proxy users, of whom there are none."""

import json

from tests.cli.conftest import Person


def test_policy_is_shown_previewed_and_set(person: Person) -> None:
    (before,) = person.rows("policy", "show")
    assert before["max_lifetime"] is None
    wanted = ("--max-lifetime", "1d", "--scopes", "proxy=linodes:read_only", "--second-factor", "administrators")
    effects = {(row["effect"], row["who"]): row["number"] for row in person.rows("policy", "preview", *wanted)}
    assert effects[("scopes changes", "proxy")] == 0
    assert effects[("lacks a second factor", "admin")] == 1
    assert effects[("expires sooner", "all accounts")] >= 1
    assert person.rows("policy", "tokens", "--max-lifetime", "1d")
    (changed,) = person.rows("policy", "set", "--requests-per-minute", "proxy=600")
    assert changed["requests_per_minute"]["proxy"] == 600
    assert person.rows("policy", "set", "--requests-per-minute", "proxy=none") == [before]


def test_tokens_are_not_shortened_without_a_yes(person: Person) -> None:
    wanted = ("--max-lifetime", "1d", "--scopes", "proxy=linodes:read_only domains:read_only", "--no-expiry-required")
    said = person.fails(2, "policy", "set", *wanted, "--shorten-existing")
    assert "sooner than they do now" in said
    assert "`tokenry policy preview --max-lifetime 1d --no-expiry-required --scopes 'proxy=linodes:read_only" in said
    assert "--yes" in said
    assert person.rows("policy", "show")[0]["max_lifetime"] is None


def test_tokens_stay_as_they_are_unless_they_are_to_be_shortened(person: Person) -> None:
    done = person.run("policy", "set", "--max-lifetime", "36h", "--json")
    ((rules,), said) = json.loads(done.stdout), done.stderr
    assert (rules["max_lifetime"], rules["shortening"]) == ("36h", None)
    assert "Existing tokens stay as they are: --shorten-existing" in said
    person.does("policy", "set", "--max-lifetime", "none")


def test_fault_of_the_service_names_the_option(person: Person) -> None:
    said = person.fails(2, "policy", "set", "--no-expiry-required", "--shorten-existing", "--yes")
    assert "--shorten-existing: Must have a maximum lifetime to shorten tokens to" in said


def test_wrong_use_is_a_usage_error(person: Person) -> None:
    for arguments in ((), ("--max-tokens", "0"), ("--requests-per-minute", "root=1"), ("--scopes", "user")):
        person.fails(2, "policy", "set", *arguments)
