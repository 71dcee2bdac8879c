"""`tokenry user …`, and `tokenry token … --user`, by a product's backend."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Person
from tests.cli.shells import complete, require, shell
from tests.servers import Server, service_account

COLUMNS = ["external_id", "username", "email", "disabled", "created", "metadata"]


@pytest.fixture(scope="module")
def backend_token(server: Server) -> str:
    scopes = "tokenry_users:read_write tokenry_tokens:read_write account:read_write"
    return service_account(
        server, "backend-of-commands", ceiling="linodes:read_write account:read_write", scopes=scopes
    )


@pytest.fixture
def backend(person: Person, backend_token: str) -> Person:
    """Who has the service account's token in the environment."""
    return replace(person, variables={**person.variables, "TOKENRY_TOKEN": backend_token})


@pytest.fixture
def name() -> str:
    """What a product calls a user, in words that shells, addresses and tables have to leave alone."""
    return f"auth0|a/b $(touch made) 'ü'?#%2F-{uuid4().hex}"


def test_user_is_made_changed_listed_and_deleted(backend: Person, name: str) -> None:
    (made,) = backend.rows("user", "put", name, "--email", "alice@example.com", "--metadata", '{"plan": "pro"}')
    assert list(made) == COLUMNS
    assert (made["external_id"], made["email"], made["disabled"]) == (name, "alice@example.com", False)
    assert made["metadata"] == {"plan": "pro"}
    username = f"alice-{uuid4().hex}"
    assert backend.rows("user", "put", name, "--username", username) == [{**made, "username": username}]
    assert backend.rows("user", "disable", name) == [{**made, "username": username, "disabled": True}]
    assert backend.does("user", "view", name, "--field", "disabled") == "yes\n"
    assert json.loads(backend.does("user", "enable", name, "--jsonl"))["disabled"] is False
    assert backend.does("user", "list", "--search", name, "-q") == f"{name}\n"
    assert backend.rows("user", "list", "--search", name, "--email", "bob@example.com") == []
    assert backend.does("user", "delete", name, "--yes").startswith(f"User {name} is deleted")
    assert backend.fails(2, "user", "view", name) == f"tokenry: There is no user {name}.\n"


def test_list_of_users_is_sorted_and_cut(backend: Person) -> None:
    mark = uuid4().hex
    for letter in "bac":
        backend.does("user", "put", f"{letter}-{mark}", "-q")
    words = ("user", "list", "--search", mark, "--order-by", "external_id", "--order", "desc", "--limit", "2")
    assert [row["external_id"] for row in backend.rows(*words)] == [f"c-{mark}", f"b-{mark}"]


def test_user_is_deleted_only_after_a_yes(backend: Person, name: str) -> None:
    backend.does("user", "put", name)
    for words in (("delete", name), ("revoke-all", name)):
        assert "--yes is needed" in backend.fails(2, "user", *words)
        assert backend.sees("user", *words, answers=[("[y/N]", "n\n")]).status == 1
    assert backend.rows("user", "view", name)
    seen = backend.sees("user", "delete", name, answers=[("[y/N]", "y\n")])
    assert seen.status == 0
    assert backend.rows("user", "list", "--search", name) == []


def test_every_command_for_tokens_has_those_of_a_user(backend: Person, name: str) -> None:
    his = ("--user", name)
    new = ("token", "create", "--expires", "90d", "--scopes", "linodes:read_only", *his)
    assert backend.fails(2, *new) == f"tokenry: There is no user {name}: --create-user makes one.\n"
    (made,) = backend.rows(*new, "--label", "first", "--create-user")
    assert backend.is_valid(made["token"])
    number = str(made["id"])
    assert [row["id"] for row in backend.rows("token", "list", *his)] == [made["id"]]
    assert backend.rows("token", "list", *his, "--details")[0]["created_by"] == "backend-of-commands"
    assert backend.does("token", "view", number, *his, "--field", "label") == "first\n"
    assert backend.rows("token", "update", number, *his, "--label", "b", "--description", "c")[0]["description"] == "c"
    rotated = backend.does("token", "rotate", number, *his, "--now", "--grace", "0h", "-q").strip()
    assert (backend.is_valid(made["token"]), backend.is_valid(rotated)) == (False, True)
    assert backend.does("token", "disable", number, *his) == f"Token {number} is disabled.\n"
    assert not backend.is_valid(rotated)
    assert backend.does("token", "enable", number, *his) == f"Token {number} is enabled.\n"
    assert backend.is_valid(rotated)
    assert backend.rows("token", "audit", *his) == []
    assert backend.rows("token", "list", "--search", "first") == []
    assert backend.fails(2, "token", "view", number) == f"tokenry: There is no token {number}.\n"
    assert backend.does("token", "revoke", number, *his, "--yes") == f"Token {number} is revoked.\n"
    assert not backend.is_valid(rotated)
    assert (
        backend.fails(2, "token", "audit", "--user", f"{name}-unknown")
        == f"tokenry: There is no user {name}-unknown.\n"
    )


def test_page_token_is_printed_once(backend: Person, name: str) -> None:
    backend.does("user", "put", name, "-q")
    assert backend.does("user", "page-token", name, "-q").startswith("pgt_")
    (made,) = backend.rows("user", "page-token", name)
    assert list(made) == ["token", "expiry"]
    assert backend.fails(2, "user", "page-token", f"not-{name}") == f"tokenry: There is no user not-{name}.\n"


def test_all_tokens_of_a_user_are_revoked(backend: Person, name: str) -> None:
    new = ("token", "create", "--expires", "90d", "--scopes", "*", "--user", name, "--create-user", "-q")
    secrets = [backend.does(*new).strip() for _ in range(2)]
    assert backend.does("user", "revoke-all", name, "--yes") == f"2 tokens of user {name} revoked.\n"
    assert not any(map(backend.is_valid, secrets))


def test_rotation_with_a_command_is_of_the_users_token(backend: Person, name: str) -> None:
    his = ("--user", name)
    new = ("token", "create", "--expires", "90d", "--scopes", "linodes:read_only", *his, "--create-user")
    (old,) = backend.rows(*new)
    stored = backend.home / "stored"
    words = ("token", "rotate", str(old["id"]), "--exec", f"cat > {stored}")
    assert backend.fails(2, *words).endswith("does not exist, or is not yours.\n")
    said = backend.fails(1, *words[:-1], "cat > /dev/null; exit 1", *his)
    assert f"tokenry token revoke {old['id'] + 1} --user {shlex.quote(name)}" in said
    backend.fails(2, *words)  # a run for somebody else does not finish it
    (made,) = backend.rows(*words, *his)
    assert backend.is_valid(stored.read_text())
    assert [row["id"] for row in backend.rows("token", "list", *his)] == [made["id"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("token", "create", "--expires", "1d", "--scopes", "*", "--create-user"), "--create-user: it needs --user"),
        (("token", "list", "--user", ".."), "--user: use printable text"),
        (("user", "view", ""), "EXTERNAL_ID: use printable text"),
        (("user", "put", "a\nb"), "EXTERNAL_ID: use printable text"),
        (("user", "put"), "EXTERNAL_ID is missing"),
    ],
)
def test_wrong_use_is_told(backend: Person, words: tuple[str, ...], said: str) -> None:
    assert backend.fails(2, *words).startswith(f"tokenry: {said}")


def test_line_for_curl_has_the_user_in_its_address(backend: Person) -> None:
    assert "/v4/tokenry/users/a%2Fb%3F/tokens" in backend.does("token", "list", "--user", "a/b?", "--curl")


# --- completion ------------------------------------------------------------------------------------------------------


def test_users_and_ids_of_their_tokens_are_completed(backend: Person, name: str) -> None:
    new = ("token", "create", "--expires", "90d", "--scopes", "*", "--user", name, "--create-user", "--json")
    (made,) = json.loads(backend.does(*new))
    assert complete(backend, "user", "view", name[:-1]) == [name]
    assert complete(backend, "token", "list", "--user", name[:-1]) == [name]
    assert complete(backend, "token", "view", "--user", name, "") == [str(made["id"])]
    assert complete(backend, "user", "di") == ["disable"]


@pytest.mark.parametrize("number", [1, 2])
def test_shell_runs_nothing_of_a_name_that_it_completes(backend: Person, number: int) -> None:
    """Alone it is put in, and of several what they have in common."""
    require("bash")
    mark = uuid4().hex
    for each in range(number):
        backend.does("user", "put", f"u{mark}$(touch ran){each}")
    with shell("bash", backend) as screen:
        screen.type(f"tokenry user view u{mark}\t")
        screen.wait_for("touch")
        screen.type("0\n" if number > 1 else "\n")
        screen.wait_for("disabled")
    assert not (backend.home / "ran").exists()


def test_metadata_is_given_as_json_or_in_a_file(backend: Person, name: str, tmp_path: Path) -> None:
    kept, file = {"plan": "pro", "of": {"token": "ü"}}, tmp_path / "kept.json"
    file.write_text(json.dumps(kept), "utf-8")
    words = ("--user", name, "--create-user", "--scopes", "linodes:read_only", "--expires", "1d")
    (made,) = backend.rows("token", "create", *words, "--metadata", f"@{file}")
    token = (str(made["id"]), "--user", name)
    assert backend.rows("token", "view", *token, "--details")[0]["metadata"] == kept
    assert backend.rows("token", "update", *token, "--metadata", "{}")[0]["metadata"] == {}
    assert "use a JSON object" in backend.fails(2, "user", "put", name, "--metadata", "[]")
    assert f"{tmp_path}/no cannot be read" in backend.fails(1, "user", "put", name, "--metadata", f"@{tmp_path}/no")
    assert "it needs --user" in backend.fails(2, "token", "create", *words[3:], "--metadata", "{}")
