"""Logging in and out, and where a token is kept meanwhile."""

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.servers import tokenry

KEYRING = """
import json, os, pathlib
import keyring.backend

FILE = pathlib.Path(os.environ["HOME"]) / "keyring.json"

class Keyring(keyring.backend.KeyringBackend):
    priority = 1

    def _read(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps(self._read() | {f"{service}/{username}": password}))

    def delete_password(self, service, username):
        kept = self._read()
        del kept[f"{service}/{username}"]
        FILE.write_text(json.dumps(kept))
"""
"""A keyring for the library `keyring` to find; the system's own needs somebody to be logged in to a desktop."""


@pytest.fixture
def keyring(stranger: Person, tmp_path: Path) -> Path:
    """The file of a keyring that the stranger has."""
    (tmp_path / "kept.py").write_text(KEYRING)
    stranger.variables |= {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "kept.Keyring"}
    return stranger.home / "keyring.json"


def login(person: Person, *arguments: str) -> str:
    return person.does("login", person.server.url, *arguments, given=f"{person.server.token}\n")


def contexts_file(person: Person) -> Path:
    return person.home / ".config" / "tokenry" / "contexts.json"


def test_login_is_remembered_in_a_file_for_its_owner_alone(stranger: Person) -> None:
    said = login(stranger)
    file = contexts_file(stranger)
    assert said == f"You are admin at {stranger.server.url}, in the context default. The token is in {file}.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]
    (row,) = stranger.rows("whoami")
    assert (row["user"], row["scopes"], row["url"], row["context"], row["token_from"]) == (
        "admin",
        "*",
        stranger.server.url,
        "default",
        "context default",
    )


def test_token_is_in_the_keyring_where_there_is_one_and_in_no_file(stranger: Person, keyring: Path) -> None:
    assert login(stranger).endswith("The token is in the keyring.\n")
    assert json.loads(keyring.read_text()) == {"tokenry/default": stranger.server.token}
    assert stranger.server.token not in contexts_file(stranger).read_text()
    assert stranger.rows("whoami")[0]["token_from"] == "the keyring"


def test_keyring_is_left_alone_when_that_is_asked_for(stranger: Person, keyring: Path) -> None:
    login(stranger, "--no-keyring")
    assert not keyring.exists()
    assert stranger.rows("whoami")[0]["token_from"] == "context default"


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_keyring_that_keeps_nothing_is_none(stranger: Person, backend: str) -> None:
    stranger.variables["PYTHON_KEYRING_BACKEND"] = backend
    login(stranger)
    assert stranger.does("token", "list", "--limit", "1", "-q") == "1\n"


def test_token_that_left_the_keyring_is_missed_and_named(stranger: Person, keyring: Path) -> None:
    login(stranger)
    keyring.unlink()
    assert stranger.fails(4, "token", "list") == (
        "tokenry: The token of default is not in the keyring any more: log in again.\n"
    )


def test_keyring_that_cannot_be_reached_is_named(stranger: Person, keyring: Path) -> None:
    login(stranger)
    assert "The keyring does not give the token of default away" in stranger.fails(
        1, "token", "list", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"
    )


def test_token_is_typed_unseen_on_a_terminal(stranger: Person) -> None:
    seen = stranger.sees("login", stranger.server.url, answers=[("Token: ", f"{stranger.server.token}\n")])
    assert seen.status == 0
    assert stranger.server.token[:16] not in seen.screen
    assert stranger.does("whoami", "-q") == "admin\n"


@pytest.mark.parametrize(
    ("given", "words"), [("pat_wrong\n", "Invalid Token"), ("", "No token"), ("a b\n", "No token")]
)
def test_token_that_does_not_work_is_not_remembered(stranger: Person, given: str, words: str) -> None:
    assert words in stranger.fails(4, "login", stranger.server.url, given=given)
    assert not contexts_file(stranger).exists()


def test_token_in_place_of_an_address_is_not_repeated(stranger: Person) -> None:
    said = stranger.fails(2, "login", stranger.server.token)
    assert stranger.server.token[:8] not in said


def test_address_without_encryption_is_pointed_out(stranger: Person) -> None:
    said = stranger.run("login", "http://tokenry.invalid", given="pat_x\n").stderr
    assert said.startswith("tokenry: Everybody on the way to tokenry.invalid can read the token: use https.\n")


def test_several_logins_are_listed_and_chosen_among(stranger: Person) -> None:
    login(stranger, "--context", "one")
    login(stranger, "--context", "two")
    rows = stranger.rows("context", "list")
    assert [(row["context"], row["in_use"]) for row in rows] == [("one", False), ("two", True)]
    stranger.does("context", "use", "one")
    assert stranger.rows("whoami")[0]["context"] == "one"
    assert stranger.rows("whoami", "--context", "two")[0]["context"] == "two"
    assert "There is no context 'three'; there are one, two." in stranger.fails(1, "context", "use", "three")


def test_logout_forgets_the_token_and_leaves_it_valid(stranger: Person) -> None:
    login(stranger)
    stranger.does("logout")
    assert stranger.server.token not in contexts_file(stranger).read_text()
    assert stranger.rows("context", "list") == []
    assert stranger.fails(4, "logout") == "tokenry: You are not logged in.\n"
    assert stranger.is_valid(stranger.server.token)


def test_logout_takes_the_token_out_of_the_keyring(stranger: Person, keyring: Path) -> None:
    login(stranger)
    stranger.does("logout", "--context", "default")
    assert json.loads(keyring.read_text()) == {}


def test_file_that_others_can_read_is_refused(stranger: Person) -> None:
    login(stranger)
    file = contexts_file(stranger)
    file.chmod(0o644)
    said = stranger.fails(1, "token", "list")
    assert f"chmod 600 {file}" in said
    assert stranger.server.token not in said


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"current": "a", "contexts": {"a": {}}}', '{"current": "a", "contexts": []}', "[" * 99999],
    ids=range(6),
)
def test_damaged_file_is_named_and_not_shown(stranger: Person, text: str) -> None:
    login(stranger)
    file = contexts_file(stranger)
    file.write_text(text)
    assert stranger.fails(1, "token", "list") == (
        f"tokenry: {file} is damaged: remove it and run `tokenry login` again.\n"
    )


def test_folder_that_cannot_be_written_is_named(stranger: Person) -> None:
    (stranger.home / "file").write_text("")
    stranger.variables["TOKENRY_CONFIG_DIR"] = str(stranger.home / "file")
    said = stranger.fails(1, "login", stranger.server.url, given=f"{stranger.server.token}\n")
    assert "TOKENRY_CONFIG_DIR" in said


def test_keyring_is_an_extra(stranger: Person, keyring: Path) -> None:
    """Without the library the file serves; a login that is in the keyring says how to get it."""
    login(stranger)
    broken = (sys.executable, "-c", "import sys; sys.modules['keyring'] = None; from tokenry.cli import main; main()")
    done = tokenry("token", "list", variables=stranger.variables, program=broken)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'tokenry[keyring]'" in done.stderr
