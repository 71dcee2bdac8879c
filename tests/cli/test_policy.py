"""`tokenry policy …` against a running service. What is changed there concerns proxy users, of whom there are none."""

from tests.cli.conftest import Person


def test_policy_is_shown_previewed_and_set(person: Person) -> None:
    (before,) = person.rows("policy", "show")
    assert before["max_lifetime_seconds"] is None
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
    said = person.fails(2, "policy", "set", "--max-lifetime", "1d")
    assert "sooner than they do now" in said
    assert "--yes" in said
    assert person.rows("policy", "show")[0]["max_lifetime_seconds"] is None


def test_wrong_use_is_a_usage_error(person: Person) -> None:
    for arguments in ((), ("--max-tokens", "0"), ("--requests-per-minute", "root=1"), ("--scopes", "user")):
        person.fails(2, "policy", "set", *arguments)
