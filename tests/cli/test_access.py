"""Which token goes where, and what is said when none does."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.servers import Server, environment
from tokenry.cli.access import find_access
from tokenry.cli.configuration import Context, Contexts, write_contexts
from tokenry.client import Secret


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contexts:
    """Logins to `work`, which is in use, and `home`."""
    for name in ("URL", "TOKEN", "TOKEN_FILE", "CONTEXT"):
        monkeypatch.delenv(f"TOKENRY_{name}", raising=False)
    monkeypatch.setenv("TOKENRY_CONFIG_DIR", str(tmp_path))
    made = Contexts()
    for name in ("home", "work"):
        made = made.add(Context(name=name, url=f"https://{name}.test", user="ada", token=Secret(f"token-of-{name}")))
    write_contexts(made)
    return made


def found(context: str | None = None) -> tuple[str, str | None]:
    access = find_access(context)
    assert access.bearer is None or isinstance(access.bearer, Secret)
    return access.url, None if access.bearer is None else access.bearer.reveal()


def test_context_in_use_is_used(contexts: Contexts) -> None:
    assert found() == ("https://work.test", "token-of-work")


def test_context_that_is_named_wins_over_the_environment(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENRY_TOKEN", "from-outside")
    monkeypatch.setenv("TOKENRY_URL", "https://elsewhere.test")
    assert found("home") == ("https://home.test", "token-of-home")


def test_token_of_the_environment_never_goes_to_a_contexts_address(
    contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENRY_TOKEN", "from-outside")
    assert found() == ("http://127.0.0.1:8470", "from-outside")
    monkeypatch.setenv("TOKENRY_URL", "https://elsewhere.test/")
    assert found() == ("https://elsewhere.test", "from-outside")


def test_token_of_a_context_never_goes_to_the_environments_address(
    contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENRY_URL", "https://elsewhere.test")
    assert found() == ("https://elsewhere.test", None)
    monkeypatch.setenv("TOKENRY_URL", "https://home.test/")
    assert found() == ("https://home.test", "token-of-home")


def test_token_is_read_from_the_file_that_is_named(
    contexts: Contexts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("TOKENRY_TOKEN_FILE", str(tmp_path / "token"))
    assert found() == ("http://127.0.0.1:8470", "from-a-file")


# --- what is said ----------------------------------------------------------------------------------------------------


def test_without_a_token_one_is_told_to_log_in(stranger: Person) -> None:
    said = stranger.fails(4, "token", "list", TOKENRY_URL=stranger.server.url)
    assert said == f"tokenry: You are not logged in: run `tokenry login {stranger.server.url}`, or set TOKENRY_TOKEN.\n"
    assert stranger.fails(4, "profile", "tokens-list", TOKENRY_URL=stranger.server.url) == said


def test_token_that_is_not_known_is_named_by_where_it_is_from(person: Person) -> None:
    said = person.fails(4, "token", "list", TOKENRY_TOKEN="pat_unknown")
    assert said.startswith(f"tokenry: Invalid Token: the one from TOKENRY_TOKEN is unknown to {person.server.url}, ")


def test_scope_that_lacks_is_named(person: Person) -> None:
    token = person.make(scopes="linodes:read_only")["token"]
    said = person.fails(2, "token", "list", TOKENRY_TOKEN=token)
    assert "It needs account:read_only; the token, from TOKENRY_TOKEN, has linodes:read_only." in said


def test_service_that_does_not_answer_is_a_local_error(person: Person) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        said = person.fails(1, "token", "list", TOKENRY_URL=url)
    assert f"The connection to {url} failed (ConnectError): is the service running there?" in said


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TOKENRY_URL": "ftp://x"}, "TOKENRY_URL: The address ftp://x must be like http://127.0.0.1:8470"),
        ({"TOKENRY_TOKEN": "", "TOKENRY_TOKEN_FILE": "/nowhere"}, "The file of TOKENRY_TOKEN_FILE cannot be read"),
        ({"TOKENRY_CONTEXT": "nobody"}, "There is no context 'nobody'; there are none."),
        ({"TOKENRY_TOKEN": "two words"}, "TOKENRY_TOKEN holds no token"),
    ],
)
def test_what_is_wrong_with_a_setting_is_one_line(person: Person, variables: dict[str, str], words: str) -> None:
    said = person.fails(1, "token", "list", **variables)
    assert words in said
    assert said.count("\n") == 1


def test_token_that_expires_soon_is_pointed_out_where_it_disturbs_nobody(person: Person) -> None:
    token = person.does("token", "create", "--expires", "2d", "--scopes", "*", "-q").strip()
    done = person.run("token", "list", "--limit", "500", "-q", TOKENRY_TOKEN=token)
    assert done.returncode == 0
    assert done.stderr.startswith("tokenry: The token in use expires at 20")
    assert all(line.isdecimal() for line in done.stdout.split())


def test_curl_line_sends_what_the_command_would_have_sent(person: Person) -> None:
    asked = ("token", "create", "--expires", "2030-01-01", "--scopes", "linodes:read_only", "--label", "it's")
    line = person.does(*asked, "--curl")
    assert person.server.token[:16] not in line
    assert person.rows("token", "list", "--label", "it's") == []
    done = subprocess.run(
        ["bash", "-c", f"{line.strip()} --silent --fail"],
        env=environment(TOKENRY_TOKEN=person.server.token, PATH=os.environ["PATH"]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = person.rows("token", "list", "--label", "it's")
    assert (row["scopes"], row["expiry"]) == ("linodes:read_only", "2030-01-01T00:00:00Z")


def test_curl_line_needs_no_login(stranger: Person, server: Server) -> None:
    line = stranger.does("verify", "-", "--curl")
    assert (
        line
        == "printf 'Authorization: Bearer %s' \"$TOKENRY_TOKEN\" | curl --header @- --request GET http://127.0.0.1:8470/verify\n"
    )
