"""Completion, in real shells."""

import pytest

from tests.cli.conftest import Person
from tests.cli.shells import START, complete, require, shell
from tokenry.cli.front import COMMANDS


@pytest.mark.parametrize("name", START)
def test_command_is_completed_and_run(person: Person, name: str) -> None:
    require(name)
    with shell(name, person) as screen:
        screen.type("tokenry whoa\t-q\n")
        screen.wait_for("admin")


@pytest.mark.parametrize("name", START)
def test_ids_are_listed_with_their_labels(newcomer: Person, name: str) -> None:
    require(name)
    made = [newcomer.make(label=f"label: {word}") for word in ("first", "second")]
    with shell(name, newcomer) as screen:
        screen.type("tokenry token view \t\t\t")  # one puts in what all begin with, one may ring, one lists
        screen.wait_for("label: first", "label: second", str(made[0]["id"]), str(made[1]["id"]))


@pytest.mark.parametrize("name", START)
def test_id_is_completed_without_its_label(person: Person, name: str) -> None:
    require(name)
    made = person.make(label="to be completed")
    with shell(name, person) as screen:
        screen.type(f"tokenry token revoke --yes {made['id']}\t\n")
        screen.wait_for(f"Token {made['id']} is revoked.")


# --- what a shell asks for -------------------------------------------------------------------------------------------


def test_first_word_is_any_command(person: Person) -> None:
    assert complete(person, "") == complete(person) == list(COMMANDS)
    assert complete(person, "lo") == ["login", "logout"]
    assert complete(person, "nothing") == []


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("token", "re"), ["revoke"]),
        (("token", "nothing", ""), []),
        (("nothing", ""), []),
        (("token", "list", "--order-"), ["--order-by"]),
        (("token", "list", "--order", ""), ["asc", "desc"]),
        (("token", "list", "--order", "=", "d"), ["desc"]),
        (("token", "list", "--json", ""), []),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("serve", "--log-level", "w"), ["warning"]),
        (("admin", "token", "l"), ["list"]),
        (("profile", "token-v"), ["token-view"]),
    ],
)
def test_words_options_and_choices(person: Person, words: tuple[str, ...], values: list[str]) -> None:
    assert complete(person, *words) == values


def test_ids_are_those_that_are_not_named_yet(person: Person) -> None:
    ids = [str(person.make(label="offered")["id"]) for _ in range(2)]
    offered = complete(person, "token", "revoke", "--yes", ids[0], "")
    assert ids[1] in offered
    assert ids[0] not in offered
    assert complete(person, "token", "view", ids[0], "") == []


def test_contexts_are_completed_with_their_addresses(stranger: Person) -> None:
    stranger.does("login", stranger.server.url, "--context", "work", given=stranger.server.token)
    assert stranger.does("__complete", "context", "use", "") == f"work\t{stranger.server.url}\n"
    assert complete(stranger, "token", "list", "--context", "w") == ["work"]
    assert complete(stranger, "token", "view", "--context", "work", "1") != []


def test_nothing_is_offered_and_nothing_said_where_nobody_answers(stranger: Person) -> None:
    assert complete(stranger, "token", "view", "") == []
    stranger.variables |= {"TOKENRY_TOKEN": "x", "TOKENRY_URL": "http://127.0.0.1:1"}
    assert complete(stranger, "token", "view", "") == []


def test_label_cannot_move_the_cursor_or_be_taken_for_another_candidate(person: Person) -> None:
    made = person.make(label="a\n12345\tb\x1b[2J")
    assert f"{made['id']}\ta�12345�b�[2J\n" in person.does("__complete", "token", "view", str(made["id"]))
