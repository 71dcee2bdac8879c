"""Logging in and out, and where a token is kept meanwhile."""

import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.cli.conftest import Person
from tests.cli.parts import KEYRING
from tests.client.hostile import HTML, http, saying
from tests.servers import free_port, tokenry
from tokenry.cli import access, configuration
from tokenry.cli.configuration import Context, Contexts, locked_contexts, read_contexts, write_contexts
from tokenry.cli.files import FILE_BYTES_MAX
from tokenry.cli.login import remember
from tokenry.cli.running import CommandError
from tokenry.client import Secret

LOGINS = 20


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
    assert said.splitlines() == [
        f"You are admin at {stranger.server.url}, in the context default. The token is in {file}.",
        f"In a browser your tokens are at {stranger.server.url}/console",
    ]
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
    assert "The token is in the keyring.\n" in login(stranger)
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
        "tokenry: The token of default is no longer in the keyring: log in again.\n"
    )


def test_keyring_that_cannot_be_reached_is_named(stranger: Person, keyring: Path) -> None:
    login(stranger)
    assert "The keyring did not hand out the token of default" in stranger.fails(
        1, "token", "list", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"
    )


def test_token_is_typed_unseen_on_a_terminal(stranger: Person) -> None:
    seen = stranger.sees(
        "login", stranger.server.url, "--with-token", answers=[("Token: ", f"{stranger.server.token}\n")]
    )
    assert seen.status == 0
    assert stranger.server.token[:16] not in seen.screen
    assert stranger.does("whoami", "-q") == "admin\n"


def test_nobody_is_asked_for_a_token_where_no_service_answers(stranger: Person) -> None:
    seen = stranger.sees("login", f"http://127.0.0.1:{free_port()}", "--with-token")
    assert (seen.status, "Token: " in seen.screen) == (1, False), seen.screen
    assert "failed (ConnectError): is the service running there?" in seen.screen


def test_token_goes_nowhere_before_a_service_of_this_kind_has_answered(stranger: Person) -> None:
    with saying(http(200, HTML, "Content-Type: text/html")) as other:
        said = stranger.fails(1, "login", other.url, given=stranger.server.token)
    assert f"Is {other.url} the right address?" in said
    assert [stranger.server.token in str(request) for request in other.requests] == [False]


@pytest.mark.parametrize("kind", ["fifo", "device", "large"])
def test_contexts_that_are_no_file_of_ours_are_refused_at_once(stranger: Person, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "contexts.json"
    if kind == "fifo":
        os.mkfifo(file, 0o600)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        file.write_bytes(b" " * (FILE_BYTES_MAX + 1))
        file.chmod(0o600)
    assert "is not a file of at most" in stranger.fails(1, "context", "list", TOKENRY_CONFIG_DIR=str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, and read it then")
def test_contexts_of_another_user_are_refused(stranger: Person, tmp_path: Path) -> None:
    file = tmp_path / "contexts.json"
    file.write_text('{"current": null, "contexts": {}}')
    file.chmod(0o600)
    os.chown(file, 4321, 4321)
    said = stranger.fails(1, "context", "list", TOKENRY_CONFIG_DIR=str(tmp_path))
    assert "belongs to another user (uid 4321)" in said


def test_contexts_behind_a_symbolic_link_stay_there(stranger: Person, tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "tokenry.json", tmp_path / "config" / "contexts.json"
    target.parent.mkdir()
    link.parent.mkdir()
    link.symlink_to(target)
    for _ in range(2):
        done = stranger.run(
            "login",
            stranger.server.url,
            "--no-keyring",
            given=stranger.server.token,
            TOKENRY_CONFIG_DIR=str(link.parent),
        )
        assert done.returncode == 0, done.stderr
        assert link.is_symlink()
        assert stranger.server.token in target.read_text("utf-8")


def test_token_typed_with_a_byte_order_mark_is_understood(stranger: Person) -> None:
    seen = stranger.sees(
        "login", stranger.server.url, "--with-token", answers=[("Token: ", f"\ufeff{stranger.server.token}\n")]
    )
    assert seen.status == 0, seen.screen


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
    assert said.startswith("tokenry: Anybody on the network to tokenry.invalid can read the token: use https.\n")


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


def test_logins_at_once_are_all_kept_with_their_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each opens the lock anew, so threads exclude each other as processes do."""
    monkeypatch.setenv("TOKENRY_CONFIG_DIR", str(tmp_path))
    names = [f"context-{number}" for number in range(LOGINS)]
    together = Barrier(LOGINS)

    def login(name: str) -> None:
        together.wait()
        remember(Context(name=name, url="http://[::1]", user="me"), Secret(f"token of {name}"), keyring=False)

    with ThreadPoolExecutor(LOGINS) as pool:
        list(pool.map(login, names))
    kept = json.loads((tmp_path / "contexts.json").read_text())["contexts"]
    assert {name: context["token"] for name, context in kept.items()} == {name: f"token of {name}" for name in names}
    assert [file.name for file in tmp_path.iterdir()] == ["contexts.json"]


def test_change_waits_for_another_one_and_not_for_ever(stranger: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENRY_CONFIG_DIR", str(stranger.home))
    monkeypatch.setattr(configuration, "LOCK_SECONDS_MAX", 0.1)
    with locked_contexts(), pytest.raises(CommandError) as told, locked_contexts():
        raise AssertionError
    assert "is being changed by another run" in str(told.value)


def test_login_that_cannot_be_written_leaves_nothing_in_the_keyring(stranger: Person, keyring: Path) -> None:
    broken = "from tokenry.cli import configuration, main; configuration.replace_file = lambda *_: open('/'); main()"
    program = (sys.executable, "-c", broken)
    done = tokenry(
        "login", stranger.server.url, given=stranger.server.token, variables=stranger.variables, program=program
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
    assert json.loads(keyring.read_text()) == {}


def test_login_to_the_file_takes_the_earlier_token_out_of_the_keyring(stranger: Person, keyring: Path) -> None:
    login(stranger)
    login(stranger, "--no-keyring")
    assert json.loads(keyring.read_text()) == {}
    assert stranger.does("whoami", "-q") == "admin\n"


def test_rotation_leaves_a_login_alone_that_was_made_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENRY_CONFIG_DIR", str(tmp_path))
    write_contexts(Contexts().add(Context(name="here", url="http://[::1]", user="me", token=Secret("old"))))

    def kept() -> str | None:
        token = read_contexts().get("here").token
        return None if token is None else token.reveal()

    access.store_token("here", Secret("new"), url="http://[::2]")
    assert kept() == "old"
    access.store_token("here", Secret("new"), url="http://[::1]")
    assert kept() == "new"


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "x" * 65, "a\x1b[2J"])
def test_name_of_a_context_is_letters_and_digits(stranger: Person, name: str) -> None:
    said = stranger.fails(2, "login", stranger.server.url, f"--context={name}", given=stranger.server.token)
    assert "letters, digits, dots, dashes and underscores" in said
    assert not contexts_file(stranger).exists()
    said += stranger.fails(1, "whoami", f"--context={name}")
    assert "tokenry: There is no context " in said
    assert "\x1b" not in said


def test_context_of_an_earlier_name_can_be_seen_and_forgotten(stranger: Person) -> None:
    file = contexts_file(stranger)
    file.parent.mkdir(parents=True)
    values = {"url": stranger.server.url, "user": "\x1b[2J", "token": "pat_x"}
    file.write_text(json.dumps({"current": "../x\x07", "contexts": {"../x\x07": values}}))
    file.chmod(0o600)
    assert "../x�\t" in stranger.does("context", "list")
    assert stranger.does("__complete", "token", "list", "--context", "") == ""
    assert "\x1b" not in stranger.does("logout", "--context", "../x\x07")
    assert json.loads(file.read_text())["contexts"] == {}


def test_variable_names_the_context_of_login_and_logout_too(stranger: Person) -> None:
    login(stranger)
    stranger.variables["TOKENRY_CONTEXT"] = "other"
    assert "in the context other" in login(stranger)
    stranger.does("logout")
    stranger.variables["TOKENRY_CONTEXT"] = ""  # is none
    assert [row["context"] for row in stranger.rows("context", "list")] == ["default"]


def test_file_that_others_can_read_is_refused(stranger: Person) -> None:
    login(stranger)
    file = contexts_file(stranger)
    file.chmod(0o644)
    said = stranger.fails(1, "token", "list")
    assert f"chmod 600 {file}" in said
    assert stranger.server.token not in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": "a", "contexts": {"a": {}}}',
        '{"current": "a", "contexts": []}',
        '{"current": [], "contexts": {}}',
        '{"current": "a", "contexts": {"a": {"url": 1, "user": "u", "token": null}}}',
        "[" * 99999,
    ],
    ids=range(8),
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
