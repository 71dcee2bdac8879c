"""`tokenry login` by a browser and by a device code, against a running service."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from select import select
from socket import gethostname
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.cli.conftest import NO_KEYRING
from tests.cli.conftest import Person as User
from tests.cli.parts import KEYRING, started
from tests.cli.terminals import Seen, on_a_terminal
from tests.clients.parts import USERNAME, Person, read_query
from tests.issuing import bearer
from tests.pages.conftest import browser
from tests.passwords import PASSWORD
from tests.servers import Server, tokenry
from tokenry.cli.loopback import DONE

__all__ = ["browser"]
SECONDS_MAX = 30
LABEL = f"tokenry on {gethostname()}"
GIVEN_BACK = ("client:746f6b656e7279636c69", "token.revoke")
HAND_OVER = '#!/bin/sh\nprintf "%s\\n" "$1" >"$HOME/asked"\n'
"""What stands for a browser: it says which address it was given."""


@dataclass
class Desk:
    """A terminal, and a browser to which it hands addresses."""

    user: User

    def begin(self, *arguments: str, standard_output: int | None = None, **variables: str) -> tuple[Future[Seen], str]:
        """Log in, as far as to the browser: what will have been seen, and the address that was opened."""
        command = partial(on_a_terminal, "login", self.user.server.url, *arguments, standard_output=standard_output)
        asked = self.user.home / "asked"
        os.mkfifo(asked)
        pipe = os.open(asked, os.O_RDWR | os.O_NONBLOCK)
        pool = ThreadPoolExecutor(1)
        seen = pool.submit(command, variables={**self.user.variables, **variables})
        pool.shutdown(wait=False)
        ready, _, _ = select([pipe], [], [], SECONDS_MAX)
        address = os.read(pipe, 65536).decode().strip() if ready else ""
        os.close(pipe)
        asked.unlink()
        assert address, seen.result(SECONDS_MAX)
        return seen, address

    def tokens(self, state: str = "active") -> list[dict[str, Any]]:
        """The tokens that logging in has made."""
        answer = httpx2.get(
            f"{self.user.server.url}/v4/profile/tokens/details",
            params={"state": state},
            headers={**bearer(self.user.server.token), "X-Filter": json.dumps({"label": LABEL})},
        )
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows


@pytest.fixture
def desk(oauth_service: Server, tmp_path: Path) -> Iterator[Desk]:
    home = tmp_path / "home"
    home.mkdir()
    script = home / "browser"
    script.write_text(HAND_OVER)
    script.chmod(0o700)
    variables = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "PYTHON_KEYRING_BACKEND": NO_KEYRING}
    desk = Desk(User(oauth_service, home, {**variables, "BROWSER": str(script), "SSH_CONNECTION": "", "SSH_TTY": ""}))
    yield desk
    for row in desk.tokens():
        httpx2.delete(
            f"{oauth_service.url}/v4/profile/tokens/{row['id']}", headers=bearer(oauth_service.token)
        ).raise_for_status()


@pytest.fixture
def policy(oauth_service: Server) -> Iterator[Callable[..., None]]:
    """A function that sets the policy; what it sets is taken back."""

    def change(*options: str) -> None:
        done = tokenry("admin", "policy", "set", *options, "--data-dir", str(oauth_service.data_dir))
        assert done.returncode == 0, done.stderr

    yield change
    change("--max-lifetime", "none", "--max-tokens", "none")


def kept_token(user: User, name: str = "default") -> str:
    contexts = json.loads((user.home / ".config" / "tokenry" / "contexts.json").read_text())["contexts"]
    token: str = contexts[name]["token"]
    return token


def last_event(service: Server) -> tuple[str, str]:
    """Who did the last thing there, and what that was."""
    listed = tokenry("admin", "audit", "list", "--limit", "1", "--data-dir", str(service.data_dir))
    assert listed.returncode == 0, listed.stderr
    _, _, actor, _, _, action, *_ = listed.stdout.splitlines()[1].split("\t")
    return actor, action


def sign_in_secrets(screen: str) -> list[str]:
    """Texts that open something, in what was on a screen."""
    return re.findall(r"\b(?:pat_|toat|tbat|ort_|oac_|odc_)\w+", screen)


def test_browser_brings_a_token_that_is_kept_and_shown(desk: Desk, person: Person) -> None:
    before = time.time()
    seen, address = desk.begin()
    query = read_query(address)
    assert (query["scope"], query["code_challenge_method"]) == ("*", "S256")
    page = httpx2.get(person.agree(address))
    assert page.status_code == 200
    assert DONE in page.text
    done = seen.result(SECONDS_MAX)
    assert done.status == 0, done.screen
    assert f"You are admin at {desk.user.server.url}, in the context default." in done.screen
    assert address in done.screen
    assert sign_in_secrets(done.screen) == []
    (row,) = desk.tokens()
    assert row["scopes"] == "*"
    lifetime = datetime.fromisoformat(f"{row['expiry']}+00:00").timestamp() - before
    assert timedelta(days=90) - timedelta(minutes=1) < timedelta(seconds=lifetime) < timedelta(days=90, minutes=1)
    assert kept_token(desk.user)[:16] == row["token"]
    assert desk.user.rows("whoami")[0]["token_from"] == "context default"


def test_token_that_signed_in_is_given_back(desk: Desk, person: Person) -> None:
    seen, address = desk.begin("--scopes", "linodes:read_only", "--expires", "2d")
    assert read_query(address)["scope"] == "linodes:read_only account:read_write"
    httpx2.get(person.agree(address))
    assert seen.result(SECONDS_MAX).status == 0
    (row,) = desk.tokens()
    assert row["scopes"] == "linodes:read_only"
    assert last_event(desk.user.server) == GIVEN_BACK


def test_keyring_keeps_it_where_there_is_one(desk: Desk, person: Person, tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(KEYRING)
    seen, address = desk.begin(PYTHONPATH=str(tmp_path), PYTHON_KEYRING_BACKEND="kept.Keyring")
    httpx2.get(person.agree(address))
    assert "The token is in the keyring." in seen.result(SECONDS_MAX).screen
    kept = json.loads((desk.user.home / "keyring.json").read_text())["tokenry/default"]
    assert desk.user.is_valid(kept)
    assert kept not in (desk.user.home / ".config" / "tokenry" / "contexts.json").read_text()


def test_user_who_refuses_is_not_logged_in(desk: Desk, person: Person) -> None:
    seen, address = desk.begin()
    sent = person.submit(person.visit(address), decision="cancel")
    assert DONE in httpx2.get(sent.headers["location"]).text
    done = seen.result(SECONDS_MAX)
    assert done.status == 4
    assert (
        f"The user refused. (access_denied). Log in with a token: `tokenry login {desk.user.server.url}" in done.screen
    )
    assert desk.tokens() == []


def test_answer_of_another_attempt_or_another_server_is_none(desk: Desk, person: Person) -> None:
    """A wrong state changes nothing; the right one with another issuer ends it, and the code is sent nowhere."""
    seen, address = desk.begin()
    sent = httpx2.URL(person.agree(address))
    assert httpx2.get(sent.copy_set_param("state", "x")).status_code == 400
    assert httpx2.get(sent.copy_set_param("iss", "https://evil.example")).status_code == 200
    done = seen.result(SECONDS_MAX)
    assert done.status == 1
    assert f"{desk.user.server.url} was asked, and https://evil.example has answered" in done.screen
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(sent)
    assert desk.tokens() == []


def test_policy_that_is_stricter_is_kept_to(desk: Desk, person: Person, policy: Callable[..., None]) -> None:
    policy("--max-lifetime", "1d")
    seen, address = desk.begin()
    httpx2.get(person.agree(address))
    assert seen.result(SECONDS_MAX).status == 0
    (row,) = desk.tokens()
    assert (
        datetime.fromisoformat(f"{row['expiry']}+00:00").timestamp() < time.time() + timedelta(days=1).total_seconds()
    )
    seen, address = desk.begin("--expires", "2d")
    httpx2.get(person.agree(address))
    done = seen.result(SECONDS_MAX)
    assert done.status == 2
    assert "--expires: Must be no later than" in done.screen
    assert last_event(desk.user.server) == GIVEN_BACK


def test_user_who_can_make_no_token_gives_back_what_signed_in(
    desk: Desk, person: Person, policy: Callable[..., None]
) -> None:
    policy("--max-tokens", "1")
    seen, address = desk.begin()
    httpx2.get(person.agree(address))
    assert seen.result(SECONDS_MAX).status == 2
    assert last_event(desk.user.server) == GIVEN_BACK


def test_login_that_cannot_be_kept_leaves_no_token(desk: Desk, person: Person) -> None:
    seen, address = desk.begin()
    (desk.user.home / ".config").write_text("")
    httpx2.get(person.agree(address))
    done = seen.result(SECONDS_MAX)
    assert done.status == 1
    assert f"({LABEL}), whose secret nobody has, is revoked." in done.screen
    assert desk.tokens() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_the_wait(desk: Desk, number: signal.Signals) -> None:
    with started("login", desk.user.server.url, "--device", variables=desk.user.variables) as (process, said):
        while "type the code" not in said.readline():
            pass
        process.send_signal(number)
        assert process.wait(SECONDS_MAX) == 128 + number
        assert "Traceback" not in said.read()


def test_device_code_brings_a_token_without_a_browser(desk: Desk, person: Person) -> None:
    variables = {**desk.user.variables, "SSH_CONNECTION": "203.0.113.9 1 203.0.113.8 22"}
    with started("login", desk.user.server.url, "--device", variables=variables) as (process, said):
        lines = [said.readline()]
        while "type the code" not in lines[-1]:
            lines.append(said.readline())
        code = re.search(r"[A-Z]{4}-[A-Z]{4}", lines[-1])
        assert code is not None
        assert f"    {desk.user.server.url}/device\n" in lines
        page = person.visit(f"{desk.user.server.url}/device?user_code={code[0]}")
        assert "tokenry command line" in page.text
        assert person.submit(page, decision="agree").status_code == 200
        assert process.wait(SECONDS_MAX) == 0, said.read()
        assert said.read() == ""
    (row,) = desk.tokens()
    assert desk.user.is_valid(kept_token(desk.user))
    assert row["token"] == kept_token(desk.user)[:16]


def test_output_that_is_closed_loses_no_login(desk: Desk, person: Person) -> None:
    """The token is kept, and no secret was to be shown: only the word of it is lost."""
    reading, writing = os.pipe()
    os.close(reading)
    seen, address = desk.begin(standard_output=writing)
    httpx2.get(person.agree(address))
    done = seen.result(SECONDS_MAX)
    os.close(writing)
    assert (done.status, "Traceback" in done.screen) == (1, False)
    assert desk.user.is_valid(kept_token(desk.user))


def test_service_that_ended_the_command_line_says_so(desk: Desk, oauth_service: Server) -> None:
    client = ("admin", "client")
    place = ("--data-dir", str(oauth_service.data_dir))
    assert tokenry(*client, "disable", "746f6b656e7279636c69", *place).returncode == 0
    try:
        said = desk.user.fails(4, "login", oauth_service.url, "--device")
    finally:
        assert tokenry(*client, "enable", "746f6b656e7279636c69", *place).returncode == 0
    assert "invalid_client" in said
    assert "--with-token" in said


def test_real_browser_signs_in_and_agrees(desk: Desk, person: Person, browser: Browser) -> None:
    seen, address = desk.begin("--context", "chromium")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Username or email address").fill(USERNAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Agree").click()
        expect(page.get_by_text(DONE)).to_be_visible()
        assert "code" not in page.content()
    done = seen.result(SECONDS_MAX)
    assert done.status == 0, done.screen
    assert desk.user.is_valid(kept_token(desk.user, "chromium"))
