"""Standard streams that are full, closed or left: a line in place of a traceback, and no secret that nobody has."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.cli.parts import CREATIONS, undelivered
from tests.forking import run_fork, start_fork
from tests.servers import TOKENRY, environment
from tokenry.cli import tokens
from tokenry.cli.issuing import issuing, revoking
from tokenry.cli.running import CommandError
from tokenry.cli.streams import OutputError
from tokenry.client import Client
from tokenry.client.client import Tokens

FULL = "Standard output cannot be written (No space left on device)"
CLOSED = "Standard output cannot be written (it is closed)"
UNREAD = "Standard output cannot be written (nobody reads it)"


def settings(person: Person) -> dict[str, str]:
    return environment(**person.variables, TOKENRY_DATA_DIR=str(person.server.data_dir))


def redirected(
    person: Person, streams: Mapping[int, int | None], *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command some of whose standard streams are these descriptors; None is a closed one."""
    return run_fork([TOKENRY, *arguments], "", settings(person) | variables, 60, streams)


def redirected_by_a_shell(person: Person, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its standard streams redirected as in a shell."""
    return subprocess.run(
        ["bash", "-c", f'exec "$@" {redirection}', "bash", TOKENRY, *arguments],
        stdin=subprocess.DEVNULL,
        env=settings(person),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def full() -> Iterator[int]:
    """A file on a disk that is full."""
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe that its reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("creation", CREATIONS, ids=" ".join)
def test_token_is_revoked_when_its_secret_cannot_be_written(
    person: Person, full: int, creation: tuple[str, ...]
) -> None:
    before = undelivered(person, "revoked")
    done = redirected(person, {1: full}, *creation)
    assert undelivered(person, "active") == []
    assert len(undelivered(person, "revoked")) == len(before) + 1
    assert done.returncode == 1
    assert done.stderr.startswith(f"tokenry: {FULL}. Token ")
    assert done.stderr.endswith(" (undelivered), whose secret nobody has, is revoked.\n")


@pytest.mark.parametrize("creation", CREATIONS, ids=" ".join)
def test_no_token_is_made_when_standard_output_is_closed(person: Person, creation: tuple[str, ...]) -> None:
    before = undelivered(person, "all")
    done = redirected(person, {1: None}, *creation)
    assert (done.returncode, done.stderr) == (1, f"tokenry: {CLOSED}, so nothing was made.\n")
    assert undelivered(person, "all") == before


def test_no_token_is_made_when_the_reader_has_left(person: Person, unread: int) -> None:
    before = undelivered(person, "all")
    done = redirected(person, {1: unread}, *CREATIONS[0])
    assert (done.returncode, done.stderr) == (1, f"tokenry: {UNREAD}, so nothing was made.\n")
    assert undelivered(person, "all") == before


def test_token_that_cannot_be_revoked_either_is_named() -> None:
    def refuse(_: int) -> None:
        raise OSError("no answer\nat all")

    def fail_to_show() -> None:
        with issuing("unknown") as issue:
            issue.take_back = revoking(7, "c\x1bi", refuse)
            raise OutputError(errno.ENOSPC)

    with pytest.raises(CommandError) as told:
        fail_to_show()
    assert str(told.value) == (
        f"{FULL}. Token 7 (c�i), whose secret nobody has, is live, and could not be revoked (no answer): revoke it."
    )


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ((), "the old one still works: run this again."),
        (("--now",), "the old one stops working after the grace: run this again."),
        (("--now", "--grace", "0h"), "rotate it again, with another token, or revoke it."),
    ],
)
def test_rotation_that_cannot_be_shown_says_what_works(
    person: Person, full: int, options: tuple[str, ...], advice: str
) -> None:
    made = person.make(label="rotated in vain")
    done = redirected(person, {1: full}, "token", "rotate", str(made["id"]), "-q", *options)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"tokenry: {FULL}. Nobody has ")
    assert done.stderr.endswith(f"{advice}\n")
    assert person.is_valid(made["token"]) is ("old one" in advice)


def test_nothing_is_rotated_when_standard_output_is_closed(person: Person) -> None:
    made = person.make(label="not rotated")
    done = redirected_by_a_shell(person, ">&-", "token", "rotate", str(made["id"]), "--now", "--grace", "0h", "-q")
    assert (done.returncode, done.stderr) == (1, f"tokenry: {CLOSED}, so nothing was made.\n")
    assert person.is_valid(made["token"])


@pytest.mark.parametrize(
    "command",
    [
        ("token", "list"),
        ("profile", "tokens-list"),
        ("token", "list", "--curl"),
        ("token", "--help"),
        ("--version",),
        ("__complete", "to"),
        ("verify", "-", "--curl"),
        ("completion", "bash"),
        ("gateway", "nginx"),
        ("component",),
        ("admin", "user", "list"),
    ],
    ids=" ".join,
)
def test_output_that_cannot_be_written_is_a_line_and_a_failure(
    person: Person, full: int, command: tuple[str, ...]
) -> None:
    for output, told in ((full, FULL), (None, CLOSED)):
        done = redirected(person, {1: output}, *command)
        assert (done.returncode, done.stderr) == (1, f"tokenry: {told}.\n")


def test_reader_that_has_seen_enough_ends_a_list_quietly(person: Person, unread: int) -> None:
    done = redirected(person, {1: unread}, "token", "list")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("closed", [False, True])
def test_what_cannot_be_said_on_standard_error_gets_nowhere_else(person: Person, full: int, *, closed: bool) -> None:
    streams = {2: None if closed else full}
    refused = redirected(person, streams, "token", "view", "987654321")
    assert (refused.returncode, refused.stdout) == (2, "")
    made = redirected(person, streams, "admin", "token", "create", "--user", "admin", "--expires", "1d")
    assert made.returncode == 0
    assert person.is_valid(made.stdout.removesuffix("\n"))


@pytest.mark.parametrize("command", [("verify", "-"), ("login",), ("admin", "verify", "-")], ids=" ".join)
def test_standard_input_that_is_closed_is_empty(person: Person, command: tuple[str, ...]) -> None:
    done = (
        redirected_by_a_shell(person, "<&-", *command)
        if command == ("login",)
        else redirected(person, {0: None}, *command)
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") <= 1
    assert "Traceback" not in done.stderr


def test_all_tokens_are_revoked_though_it_cannot_be_said(person: Person, full: int) -> None:
    made = [person.make(label="silently") for _ in range(2)]
    done = redirected(person, {1: full}, "token", "revoke", *(str(each["id"]) for each in made), "--yes", "-q")
    assert (done.returncode, done.stderr) == (1, f"tokenry: {FULL}.\n")
    assert not any(person.is_valid(each["token"]) for each in made)


def test_revocations_go_on_when_a_line_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer holds some hundred lines; the one that it does not hold is in the midst of them."""

    def refuse(_: object) -> None:
        raise OutputError(errno.ENOSPC)

    def revoke(_: Tokens, token_id: int, _reason: str | None) -> bool:
        revoked.append(token_id)
        return True

    revoked: list[int] = []
    monkeypatch.setattr(tokens, "_revoke", revoke)
    monkeypatch.setattr("builtins.print", refuse)
    with pytest.raises(OutputError):
        tokens._revoke_all(Client().tokens, [1, 2, 3], "{}")
    assert revoked == [1, 2, 3]


def test_pipe_that_does_not_wait_loses_nothing() -> None:
    """One that another program has made so, and that is read more slowly than it is written."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    code = "from tokenry.cli.streams import open_streams; open_streams(); print('x' * 1_000_000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            assert len(pipe.read()) == 1_000_001
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "command",
    [
        ("token", "list", "--label", "ä你好"),
        ("profile", "tokens-list", "--label", "ä你好"),
        ("admin", "token", "list"),
    ],
    ids=" ".join,
)
def test_label_that_the_encoding_lacks_is_escaped(person: Person, command: tuple[str, ...], encoding: str) -> None:
    person.make(label="ä你好")
    done = redirected(person, {}, *command, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ä你好".encode(encoding, "backslashreplace").decode(encoding) in done.stdout


def test_bytes_that_are_no_text_are_refused_in_words(person: Person) -> None:
    told = person.fails(2, "token", "create", "--expires", "1d", "--scopes", "*", "--label", "\udcff")
    assert "--label: it is not valid UTF-8" in told
    told = person.fails(1, "admin", "user", "create", "\udcff", TOKENRY_DATA_DIR=str(person.server.data_dir))
    assert told.startswith("tokenry: username: ")


@pytest.mark.parametrize(
    "creation",
    [("token", "create", "--scopes", "*", "--expires", "1d"), ("profile", "token-create"), CREATIONS[3][:5]],
    ids=" ".join,
)
def test_label_is_utf8_whatever_the_locale_knows(person: Person, creation: tuple[str, ...]) -> None:
    place = {"TOKENRY_DATA_DIR": str(person.server.data_dir)}
    arguments = (*creation, *(("--expires", "1d") if creation[0] == "admin" else ()), "--label", "ä of no locale")
    done = person.run(*arguments, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", **place)
    assert done.returncode == 0, done.stderr
    assert person.rows("token", "list", "--label", "ä of no locale")


@pytest.mark.parametrize("command", [("verify", "-"), ("login",), ("token", "revoke", "-", "-y")], ids=" ".join)
def test_standard_input_that_does_not_wait_is_waited_for(person: Person, command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with Path(os.devnull).open("wb") as nothing:
        process = start_fork([TOKENRY, *command], (reading, nothing.fileno(), nothing.fileno()), settings(person))
        os.close(reading)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        made = person.make(label="given late")
        os.write(writing, (str(made["id"]) if command[0] == "token" else made["token"]).encode())
        os.close(writing)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    "command", [("verify", "-"), ("login",), ("token", "revoke", "-", "-y"), ("admin", "verify", "-")], ids=" ".join
)
def test_standard_input_that_cannot_be_read_is_a_line(person: Person, command: tuple[str, ...]) -> None:
    with Path(os.devnull).open("wb") as unreadable:
        done = redirected(person, {0: unreadable.fileno()}, *command)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("tokenry: Standard input cannot be read (")


def test_operator_whose_name_is_no_text_can_work(person: Person) -> None:
    done = redirected(person, {}, "admin", "account", "create", "of no name", LOGNAME="\udcff")
    assert (done.returncode, done.stderr) == (0, "")
