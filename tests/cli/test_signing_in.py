"""What `tokenry login` does before and without a browser, and what it says of services that cannot sign people in."""

import socket
import sys
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminals import on_a_terminal
from tests.client.hostile import Pieces, http, saying
from tests.servers import tokenry
from tokenry.cli import signing_in
from tokenry.cli.signing_in import CLIENT_ID, Wanted, has_browser
from tokenry.client import Policy
from tokenry.service.command_line import COMMAND_LINE_ID

NOTHING = {"SSH_CONNECTION": "", "SSH_TTY": "", "BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
UNLIMITED = Policy(
    max_lifetime=None, expiry_required=False, scopes=("*",), max_tokens=None, tokens=0, requests_per_minute=None
)


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """The variables of somebody who is not logged in."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}


def test_command_line_and_service_speak_of_one_client() -> None:
    assert CLIENT_ID == COMMAND_LINE_ID


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"BROWSER": "/bin/true"}, True),
        ({"BROWSER": "/bin/true", "SSH_CONNECTION": "x"}, False),
        ({"BROWSER": "/bin/true", "SSH_TTY": "x"}, False),
        ({"BROWSER": "' %s"}, False),
    ],
    ids=str,
)
def test_browser_is_one_where_the_person_is(variables: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    program = "from tokenry.cli.signing_in import has_browser; print(has_browser())"
    done = tokenry("-c", program, variables={**NOTHING, **variables}, program=[sys.executable])
    assert done.stdout == f"{expected}\n", done.stderr


def test_browser_is_not_looked_for_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NOTHING.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "get", lambda: pytest.fail("it is looked for"))
    assert not has_browser()


@pytest.mark.parametrize(
    ("scopes", "asked"),
    [
        (None, "*"),
        ("*", "*"),
        ("linodes:read_only", "linodes:read_only account:read_write"),
        ("linodes:read_only,domains:read_only", "linodes:read_only domains:read_only account:read_write"),
        ("account:read_write linodes:read_only", "account:read_write linodes:read_only"),
    ],
)
def test_what_is_asked_for_can_make_the_token(scopes: str | None, asked: str) -> None:
    assert Wanted(scopes=scopes, expires=None).asked == asked


@pytest.mark.parametrize(
    ("limit", "least", "most"),
    [
        (None, timedelta(days=89), timedelta(days=90)),
        (timedelta(days=365), timedelta(days=89), timedelta(days=90)),
        (timedelta(days=1), timedelta(hours=23), timedelta(hours=23, minutes=56)),
        (timedelta(seconds=60), timedelta(seconds=30), timedelta(seconds=55)),
    ],
)
def test_token_lives_as_long_as_the_policy_allows(limit: timedelta | None, least: timedelta, most: timedelta) -> None:
    policy = Policy(
        max_lifetime=limit, expiry_required=True, scopes=("*",), max_tokens=None, tokens=0, requests_per_minute=None
    )
    expiry = Wanted(scopes=None, expires=None).find_expiry(policy)
    assert expiry is not None
    assert least < expiry - datetime.now(UTC) <= most


def test_expiry_that_is_given_stays() -> None:
    assert Wanted(scopes=None, expires="never").find_expiry(UNLIMITED) is None
    assert Wanted(scopes=None, expires="2030-01-01").find_expiry(UNLIMITED) == datetime(2030, 1, 1, tzinfo=UTC)


def metadata(url: str, **more: object) -> Pieces:
    endpoints = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "device_authorization_endpoint")
    told: dict[str, Any] = {"issuer": url, "code_challenge_methods_supported": ["S256"]}
    return http(200, {**told, **{name: f"{url}/{name}" for name in endpoints}, **more})


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (http(404, {"errors": [{"reason": "Not found"}]}), 1, "cannot sign people in: it has no OAuth."),
        (http(503, {"error": "temporarily_unavailable", "error_description": "set public_url"}), 4, "set public_url"),
        (http(200, {"issuer": "https://evil.example\x1b[2J"}), 1, "is https://evil.example\ufffd[2J the service's"),
        (http(200, b"<html>"), 1, "not a JSON object"),
        (http(302, b"", "Location: https://evil.example/"), 1, "was redirected to https://evil.example/"),
    ],
    ids=["older", "no address", "another", "page", "elsewhere"],
)
def test_service_that_signs_nobody_in_is_told_of_with_the_other_way(
    home: Mapping[str, str], said: Pieces, status: int, words: str
) -> None:
    with saying(said) as server:
        done = tokenry("login", server.url, "--device", variables=home)
        assert len(server.requests) == 1
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert f"Log in with a token: `tokenry login {server.url} --with-token`." in done.stderr


def test_nobody_signs_in_where_others_can_read_it(home: Mapping[str, str]) -> None:
    done = tokenry("login", "http://tokenry.invalid", "--device", variables=home)
    assert done.returncode == 1
    assert "People can sign in at https:// addresses" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "--with-token"), "exclude each other"),
        (("--with-token", "--scopes", "*"), "with a token none is made"),
        (("--expires", "1d"), "with a token none is made"),
        (("--device", "--expires", "soon"), "--expires: use a span"),
    ],
    ids=str,
)
def test_options_that_do_not_go_together_are_refused(
    home: Mapping[str, str], options: tuple[str, ...], words: str
) -> None:
    done = tokenry("login", "http://127.0.0.1:1", *options, variables=home)
    assert done.returncode == 2
    assert words in done.stderr


def test_ctrl_c_ends_the_wait_for_a_browser(home: Mapping[str, str]) -> None:
    pieces: list[bytes] = []
    with saying(pieces) as server:
        pieces += metadata(server.url)
        typed = [("Ctrl-C ends this.", "\x03")]
        seen = on_a_terminal("login", server.url, answers=typed, variables={**NOTHING, **home, "BROWSER": "/bin/true"})
    assert (seen.status, "Traceback" in seen.screen) == (130, False)


def test_code_takes_the_place_of_a_browser_that_could_not_come_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_port(*_: object, **__: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "create_server", no_port)
    monkeypatch.setattr(signing_in, "_ask_device", lambda _, scopes: f"device {scopes}")
    assert signing_in._ask_browser(None, "*") == "device *"  # type: ignore[arg-type, comparison-overlap]
    assert "No port of this machine is free" in capsys.readouterr().err
