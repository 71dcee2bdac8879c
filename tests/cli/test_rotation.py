"""`tokenry token rotate ID --exec COMMAND`, whatever becomes of the command and of the run.

At any moment the secret that the consumer has stored is valid. In the end it is that of the only token of its kind.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from uuid import uuid4

import httpx2
import pytest

from tests.cli.conftest import Person
from tests.cli.dying import PROGRAM
from tests.cli.foreign import foreign_service
from tests.cli.parts import KEYRING, started
from tests.forking import Forked
from tests.servers import tokenry

KILLED = -signal.SIGKILL
SECONDS_MAX = 20
EFFECTS = 12
"""Of a rotation that is not interrupted, if the token has networks, or is the one of the login."""


@dataclass
class Consumer:
    """What uses a token: its secret is in a file, into which a command puts the next one."""

    person: Person
    token: dict[str, Any]
    file: Path
    variables: dict[str, str]

    @property
    def stores(self) -> str:
        """The command that does it."""
        return f"cat > {self.file}.new && mv {self.file}.new {self.file}"

    @property
    def secret(self) -> str:
        return self.file.read_text()

    @property
    def journals(self) -> list[Path]:
        return list((self.person.home / ".local" / "state" / "tokenry" / "rotations").iterdir())

    def words(self, command: str | None = None, *more: str) -> list[str]:
        words = ["token", "rotate", str(self.token["id"]), "--exec", self.stores if command is None else command]
        return [*words, *more]

    def rotate(self, command: str | None = None, *more: str) -> subprocess.CompletedProcess[str]:
        """Rotate; afterwards, whatever happened, what is stored is valid."""
        done = tokenry(*self.words(command, *more), variables=self.variables)
        assert self.person.is_valid(self.secret)
        return done

    def dies(self, effects: int, command: str | None = None) -> int:
        """Rotate in a process that dies after so many effects; its exit status."""
        variables = {**self.variables, "DIES_AT": str(effects)}
        done = tokenry(*self.words(command), variables=variables, program=PROGRAM)
        assert self.person.is_valid(self.secret)
        return done.returncode

    def family(self) -> list[dict[str, Any]]:
        """The live tokens of its label, with details."""
        answer = httpx2.get(
            f"{self.person.server.url}/v4/profile/tokens/details",
            headers={
                "Authorization": f"Bearer {self.person.server.token}",
                "X-Filter": f'{{"label": "{self.token["label"]}"}}',
            },
        )
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows

    def holds_the_only_one(self) -> bool:
        """Whether all is as it should be in the end."""
        (one,) = self.family()
        assert self.person.is_valid(self.secret)
        return bool(self.secret.startswith(one["token"]) and one["id"] != self.token["id"] and self.journals == [])


@pytest.fixture
def consumer(person: Person, tmp_path: Path) -> Consumer:
    """One whose token may be used from this machine alone, rotated with another token."""
    label = f"consumer {uuid4()}"
    token = person.make(label=label, scopes="account:read_write", expiry="2030-01-01T00:00:00")
    bearer = {"Authorization": f"Bearer {person.server.token}"}
    details = {"networks": ["127.0.0.0/8"], "description": "of the consumer"}
    url = f"{person.server.url}/v4/profile/tokens/{token['id']}/details"
    assert httpx2.put(url, headers=bearer, json=details).status_code == 200
    file = tmp_path / "consumer"
    file.write_text(token["token"])
    variables = {**person.variables, "XDG_STATE_HOME": str(person.home / ".local" / "state")}
    return Consumer(person, token, file, variables)


@pytest.fixture
def itself(stranger: Person, tmp_path: Path) -> Consumer:
    """One whose token is also that of the login with which it is rotated."""
    token = stranger.make(label=f"itself {uuid4()}")
    stranger.does("login", stranger.server.url, "--context", "itself", given=token["token"])
    file = tmp_path / "consumer"
    file.write_text(token["token"])
    variables = {**stranger.variables, "XDG_STATE_HOME": str(stranger.home / ".local" / "state")}
    return Consumer(stranger, token, file, variables)


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_command_gets_a_new_tokens_bare_secret_and_the_old_one_is_revoked(consumer: Consumer) -> None:
    done = consumer.rotate(None, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert consumer.holds_the_only_one()
    (new,) = consumer.family()
    assert done.stdout == f"{new['id']}\n"
    assert not consumer.person.is_valid(consumer.token["token"])


def test_new_token_is_like_the_old_one(consumer: Consumer) -> None:
    (old,) = consumer.family()
    consumer.rotate()
    (new,) = consumer.family()
    same = ("label", "scopes", "expiry", "description", "networks")
    assert [new[key] for key in same] == [old[key] for key in same]
    assert new["networks"] == ["127.0.0.0/8"]


def test_new_token_expires_when_it_is_said(consumer: Consumer) -> None:
    consumer.rotate(None, "--expires", "2031-01-01")
    assert [each["expiry"] for each in consumer.family()] == ["2031-01-01T00:00:00"]


def test_what_the_command_prints_is_not_output(consumer: Consumer) -> None:
    done = consumer.rotate(f"{consumer.stores} && echo stored", "--field", "label")
    assert (done.stdout, done.stderr) == (f"{consumer.token['label']}\n", "stored\n")


@pytest.mark.parametrize("command", ["exit 3", "no-such-program", "true", "kill -9 $$"])
def test_command_that_has_not_read_the_secret_changes_nothing(consumer: Consumer, command: str) -> None:
    done = consumer.rotate(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has not read all of the secret" in done.stderr
    assert [each["id"] for each in consumer.family()] == [consumer.token["id"]]
    assert consumer.journals == []


@pytest.mark.parametrize("ending", ["exit 3", "kill -9 $$"])
def test_command_that_failed_may_have_stored_the_secret(consumer: Consumer, ending: str) -> None:
    for _ in range(2):
        done = consumer.rotate(f"{consumer.stores}; {ending}")
        assert (done.returncode, done.stdout) == (1, "")
        assert consumer.person.is_valid(consumer.token["token"])
        assert f"token {consumer.token['id']} stay valid" in done.stderr
    assert len(consumer.family()) == 3
    assert consumer.rotate().returncode == 0
    assert consumer.holds_the_only_one()


def test_command_that_never_succeeds_fills_no_account(consumer: Consumer) -> None:
    for _ in range(5):
        consumer.rotate("cat > /dev/null; false")
    done = consumer.rotate()
    assert done.returncode == 1
    assert "revoke those that nothing uses" in done.stderr
    family = [each["id"] for each in consumer.family()]
    assert len(family) == 6
    consumer.person.does("token", "revoke", "--yes", str(family[-1]))
    assert consumer.rotate().returncode == 0
    assert consumer.holds_the_only_one()


def test_acting_token_of_fewer_scopes_makes_none_that_may_less(person: Person, consumer: Consumer) -> None:
    wide = person.make(label=consumer.token["label"])
    consumer.variables["TOKENRY_TOKEN"] = consumer.token["token"]
    consumer.token = wide
    done = consumer.rotate()
    assert done.returncode == 2
    assert "cannot make one with *" in done.stderr
    assert len(consumer.family()) == 2
    assert consumer.journals == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--now",), "cannot be combined"),
        (("--grace", "1d"), "cannot be combined"),
        (("--curl",), "cannot be combined"),
        (("--expires", "soon"), "such as 90d"),
    ],
)
def test_options_that_make_no_sense_are_refused(consumer: Consumer, more: tuple[str, ...], words: str) -> None:
    done = consumer.rotate(None, *more)
    assert done.returncode == 2
    assert words in done.stderr
    assert consumer.secret == consumer.token["token"]


def test_another_expiry_needs_a_command(person: Person) -> None:
    assert "it needs --exec" in person.fails(2, "token", "rotate", "1", "--expires", "90d")


def test_token_that_is_not_there_is_refused(consumer: Consumer) -> None:
    consumer.token["id"] = 987654321
    done = consumer.rotate()
    assert (done.returncode, done.stderr) == (2, "tokenry: Token 987654321 does not exist, or is not yours.\n")
    assert consumer.journals == []


# --- the token that acts ---------------------------------------------------------------------------------------------


def test_login_goes_on_with_the_new_token(itself: Consumer) -> None:
    done = itself.rotate()
    assert (done.returncode, done.stderr) == (0, "")
    assert itself.holds_the_only_one()
    assert itself.person.does("whoami", "--field", "context") == "itself\n"


def test_login_in_a_keyring_goes_on_too(stranger: Person, tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(KEYRING)
    stranger.variables |= {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "kept.Keyring"}
    token = stranger.make(label=f"kept {uuid4()}")
    stranger.does("login", stranger.server.url, given=token["token"])
    stored = tmp_path / "stored"
    assert stranger.does("token", "rotate", str(token["id"]), "--exec", f"cat > {stored}", "-q") != ""
    assert stored.read_text() in (stranger.home / "keyring.json").read_text()
    assert stranger.does("whoami", "--field", "token_from") == "the keyring\n"
    assert not stranger.is_valid(token["token"])


def test_token_of_the_environment_is_said_to_be_revoked(consumer: Consumer) -> None:
    consumer.variables["TOKENRY_TOKEN"] = consumer.token["token"]
    done = consumer.rotate()
    assert done.returncode == 0
    assert "of TOKENRY_TOKEN, with which this was done, is revoked" in done.stderr
    assert consumer.holds_the_only_one()


def test_file_that_the_command_writes_may_be_that_of_the_acting_token(consumer: Consumer) -> None:
    del consumer.variables["TOKENRY_TOKEN"]
    consumer.variables["TOKENRY_TOKEN_FILE"] = str(consumer.file)
    assert consumer.rotate(f"{consumer.stores}; false").returncode == 1
    done = consumer.rotate()
    assert (done.returncode, done.stderr) == (0, "")
    assert consumer.holds_the_only_one()


# --- deaths ----------------------------------------------------------------------------------------------------------


def test_run_of_the_tests_has_so_many_effects(consumer: Consumer) -> None:
    assert consumer.dies(EFFECTS + 1) == 0
    assert consumer.holds_the_only_one()


def test_run_of_the_tests_with_its_own_token_has_so_many_effects(itself: Consumer) -> None:
    assert itself.dies(EFFECTS + 1) == 0
    assert itself.holds_the_only_one()


@pytest.mark.long
@pytest.mark.parametrize("effects", range(EFFECTS))
def test_run_that_died_is_continued_by_the_next(consumer: Consumer, effects: int) -> None:
    assert consumer.dies(effects) == KILLED
    assert consumer.rotate().returncode == 0
    assert consumer.holds_the_only_one()


@pytest.mark.long
@pytest.mark.parametrize("effects", range(EFFECTS))
def test_run_with_its_own_token_that_died_is_continued_by_the_next(itself: Consumer, effects: int) -> None:
    assert itself.dies(effects) == KILLED
    assert itself.rotate().returncode == 0
    assert itself.holds_the_only_one()
    assert itself.person.does("whoami", "--field", "context") == "itself\n"


def test_run_that_died_at_its_end_has_done_everything(consumer: Consumer) -> None:
    assert consumer.dies(EFFECTS) == KILLED
    assert consumer.holds_the_only_one()
    done = consumer.rotate()
    assert (done.returncode, done.stdout) == (2, "")
    assert consumer.holds_the_only_one()


def test_request_that_is_refused_when_it_is_repeated_is_made_anew(consumer: Consumer) -> None:
    assert consumer.dies(3) == KILLED  # noted, and not sent
    (journal,) = (path for path in consumer.journals if path.suffix == ".json")
    noted = json.loads(journal.read_text())
    noted["wanted"]["expiry"] = "2020-01-01T00:00:00+00:00"
    journal.write_text(json.dumps(noted))
    done = consumer.rotate()
    assert done.returncode == 0
    assert "That request cannot be repeated" in done.stderr
    assert consumer.holds_the_only_one()


def test_delivered_token_that_was_revoked_since_is_told_of(consumer: Consumer) -> None:
    assert consumer.dies(8) == KILLED  # delivered, and nothing revoked
    new = str(consumer.family()[-1]["id"])
    consumer.file.write_text(consumer.person.server.token)
    consumer.person.does("token", "revoke", new, "--yes")
    done = consumer.rotate()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Token {new}, which the command has stored, has been revoked since" in done.stderr
    assert consumer.family() == []


@pytest.mark.long
@pytest.mark.parametrize(("first", "second"), random.Random(1).sample([*product(range(EFFECTS), repeat=2)], 8))
def test_run_that_died_twice_is_continued_too(itself: Consumer, first: int, second: int) -> None:
    assert itself.dies(first) == KILLED
    itself.dies(second)
    itself.rotate()
    assert itself.holds_the_only_one()


@pytest.mark.parametrize("command", ["kill -9 $PPID; {}", "{}; kill -9 $PPID"])
def test_command_that_outlives_its_caller_is_followed_by_another(consumer: Consumer, command: str) -> None:
    assert consumer.rotate(command.format(consumer.stores)).returncode == KILLED
    assert len(consumer.family()) == 2
    assert consumer.rotate().returncode == 0
    assert consumer.holds_the_only_one()


# --- beside each other -----------------------------------------------------------------------------------------------


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Going(NamedTuple):
    """A run that is under way, its standard error, and the folder through which it hears."""

    process: Forked
    said: TextIO
    folder: Path


@pytest.fixture
def going(consumer: Consumer, tmp_path: Path) -> Iterator[Going]:
    """A run whose command has read the secret, and stores it once the file `go` is there."""
    waits = f"while ! test -e {tmp_path}/go; do sleep 0.05; done"
    command = f"secret=$(cat); echo $$ > {tmp_path}/pid; mv {tmp_path}/pid {tmp_path}/reads; {waits}"
    words = consumer.words(f'{command}; printf %s "$secret" | ({consumer.stores}); touch {tmp_path}/stored')
    with started(*words, variables=consumer.variables) as (process, said):
        wait_for(tmp_path / "reads")
        yield Going(process, said, tmp_path)
        (tmp_path / "go").touch()
        if process.poll() is None:
            process.wait(SECONDS_MAX)


def test_two_runs_exclude_each_other(consumer: Consumer, going: Going) -> None:
    process, _, folder = going
    done = consumer.rotate()
    assert (done.returncode, done.stdout) == (1, "")
    assert "Another run is rotating this token" in done.stderr
    (folder / "go").touch()
    assert process.wait(SECONDS_MAX) == 0
    assert consumer.holds_the_only_one()


def test_command_of_a_killed_run_excludes_the_next_until_it_ends(consumer: Consumer, going: Going) -> None:
    process, _, folder = going
    process.kill()
    process.wait(SECONDS_MAX)
    assert consumer.rotate().returncode == 1
    (folder / "go").touch()
    wait_for(folder / "stored")
    deadline = time.monotonic() + SECONDS_MAX
    while consumer.rotate().returncode != 0:
        assert time.monotonic() < deadline
    assert consumer.holds_the_only_one()


def test_interrupted_run_ends_its_command(consumer: Consumer, going: Going) -> None:
    process, said, folder = going
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS_MAX) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "reads").read_text()), 0)
    assert "is not finished" in said.read()
    assert consumer.rotate().returncode == 0
    assert consumer.holds_the_only_one()


# --- secrecy ---------------------------------------------------------------------------------------------------------


def test_secret_is_in_no_process_list_environment_or_journal(consumer: Consumer, tmp_path: Path) -> None:
    folder, seen = consumer.person.home / ".local" / "state", tmp_path / "seen"
    looks = (
        f"cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' > {seen}; cp -r {folder} {seen}.d"
    )
    done = consumer.rotate(f"{consumer.stores}; {looks}")
    assert done.returncode == 0
    secret = consumer.secret[16:]
    (journal,) = (seen.with_name("seen.d") / "tokenry" / "rotations").glob("*.json")
    assert str(consumer.file) in seen.read_text(errors="replace")
    for text in (seen.read_text(errors="replace"), journal.read_text(), done.stdout, done.stderr):
        assert secret not in text


def test_journal_is_for_its_owner_alone(consumer: Consumer) -> None:
    consumer.rotate(f"{consumer.stores}; false")
    assert {path.stat().st_mode & 0o777 for path in consumer.journals} == {0o600}
    assert consumer.journals[0].parent.stat().st_mode & 0o777 == 0o700


def test_journal_is_in_a_folder_of_ones_own_choice(consumer: Consumer, tmp_path: Path) -> None:
    consumer.variables["TOKENRY_STATE_DIR"] = str(tmp_path / "state")
    consumer.rotate(f"{consumer.stores}; false")
    assert len(list((tmp_path / "state" / "rotations").glob("*.json"))) == 1
    consumer.variables["TOKENRY_STATE_DIR"] = str(consumer.file)
    done = consumer.rotate()
    assert done.returncode == 1
    assert "name a folder with TOKENRY_STATE_DIR" in done.stderr


def test_damaged_journal_is_not_guessed_at(consumer: Consumer) -> None:
    consumer.rotate(f"{consumer.stores}; false")
    (journal,) = (path for path in consumer.journals if path.suffix == ".json")
    journal.write_text("{}")
    done = consumer.rotate()
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert consumer.person.is_valid(consumer.token["token"])


def test_label_of_before_that_shows_nothing_is_not_given_to_the_new_token(consumer: Consumer) -> None:
    token_id = consumer.token["id"]
    with closing(sqlite3.connect(consumer.person.server.data_dir / "tokenry.db")) as database, database:
        database.execute("UPDATE tokens SET label = '\u200b' WHERE id = ?", (token_id,))
    done = consumer.rotate()
    label = f"token-{token_id}"
    assert done.returncode == 0
    assert done.stderr == (
        f"tokenry: The service no longer accepts the label of token {token_id}: the new one is called {label}.\n"
    )
    consumer.token["label"] = label
    assert consumer.holds_the_only_one()


# --- another service of the format -----------------------------------------------------------------------------------


def test_service_without_details_and_idempotency_keys_will_do(consumer: Consumer) -> None:
    with foreign_service(consumer.person.server.url) as url:
        consumer.variables["TOKENRY_URL"] = url
        done = consumer.rotate()
        assert (done.returncode, done.stderr) == (0, "")
    assert consumer.holds_the_only_one()


def test_there_a_token_whose_id_did_not_arrive_is_pointed_out(consumer: Consumer) -> None:
    with foreign_service(consumer.person.server.url) as url:
        consumer.variables["TOKENRY_URL"] = url
        assert consumer.dies(4) == KILLED  # made, and not in the journal
        lost = consumer.family()[-1]["id"]
        done = consumer.rotate(None, "-q")
    assert done.returncode == 0
    assert f"--label '{consumer.token['label']}'" in done.stderr
    assert [each["id"] for each in consumer.family()] == [lost, int(done.stdout)]
