"""The products of `examples/`, in a real browser: a user signs in, and has a token from its first day to its last."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import assert_for_everybody
from tests.component.parts import SCOPES_TOML
from tests.node import NODE
from tests.servers import (
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    environment,
    free_port,
    is_open,
    service_account,
    serving,
    wait_until,
)
from tokenry.client import Client

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMANDS = {
    "fastapi": [sys.executable, "-m", "uvicorn", "fastapi_product:app", "--port"],
    "node": [NODE, "node/product.mjs"],
}


@dataclass
class Example:
    """A product that runs, and what its backend has to do with tokenry."""

    origin: str
    token: str
    backend: Client

    def ask(self, token: str) -> httpx2.Response:
        """Call its API."""
        return httpx2.get(f"{self.origin}/api/invoices", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module", params=COMMANDS)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("example")
    scopes_file, log_file, port = folder / "scopes.toml", folder / "log", free_port()
    scopes_file.write_text(SCOPES_TOML)
    origin = f"http://127.0.0.1:{port}"
    with serving(folder / "data", "--scopes-file", str(scopes_file), "--allowed-origins", origin) as service:
        token = service_account(service, "backend", ceiling="invoices:read_write", scopes_file=scopes_file)
        variables = environment(TOKENRY_URL=service.url, TOKENRY_TOKEN=token, ORIGIN=origin)
        with log_file.open("w") as log:
            command = [*COMMANDS[request.param], str(port)]
            process = subprocess.Popen(
                command,
                cwd=EXAMPLES,
                env=variables,
                stdout=log,
                stderr=log,
                start_new_session=True,  # node is a child of the program of that name
            )
        try:
            wait_until(lambda: is_open(port) or process.poll() is not None, START_SECONDS_MAX)
            assert process.poll() is None, log_file.read_text()
            with Client(service.url, token) as backend:
                yield Example(origin, token, backend)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_SECONDS_MAX)
    assert "pat_" not in log_file.read_text()
    assert "pgt_" not in log_file.read_text()


@pytest.fixture
def page(browser: Browser, example: Example) -> Iterator[Page]:
    """The settings of somebody who has signed in."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(example.origin)
        sign_in(page, "difference engine")
        expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        yield page


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def submit(page: Page) -> None:
    page.get_by_role("dialog").locator("button:not([type])").click()


def save(page: Page) -> str:
    """Take the secret that is shown, and say so."""
    page.get_by_role("button", name="I have saved it").wait_for()
    secret = page.locator(".secret").inner_text()
    press(page, "I have saved it")
    return secret


def create(page: Page, label: str) -> str:
    press(page, "New token")
    page.get_by_role("dialog").get_by_label("Name").fill(label)
    page.get_by_label("invoices:read_only").check()
    submit(page)
    return save(page)


def test_user_creates_uses_replaces_and_revokes_a_token(page: Page, example: Example) -> None:
    secret = create(page, "reports")
    assert (example.ask(secret).status_code, example.ask(secret).json()) == (200, [{"number": 7, "total": "99.00"}])

    press(page, "Replace secret: reports")
    page.get_by_label("The old secret stops working").select_option("At once")
    submit(page)
    replaced = save(page)
    assert (example.ask(secret).status_code, example.ask(replaced).status_code) == (401, 200)

    press(page, "Replace secret: reports")
    submit(page)
    latest = save(page)
    assert (example.ask(replaced).status_code, example.ask(latest).status_code) == (200, 200), "the grace is a day"

    press(page, "Revoke: reports")
    submit(page)
    expect(page.get_by_role("status").first).to_have_text("reports is revoked.")
    assert (example.ask(replaced).status_code, example.ask(latest).status_code) == (401, 401)

    press(page, "Sign out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto(f"{example.origin}/settings")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_page_that_was_open_for_long_goes_on(page: Page, example: Example) -> None:
    example.backend.users.tokens("u-1815").revoke_all()  # which ends the page token
    assert example.ask(create(page, "later")).status_code == 200


def test_pages_are_for_everybody(page: Page, example: Example) -> None:
    page.get_by_role("button", name="New token").wait_for()
    assert_for_everybody(page, "the settings")
    press(page, "Sign out")
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert_for_everybody(page, "the sign-in")


def test_page_has_no_secret_but_the_page_token(page: Page, example: Example) -> None:
    answer = page.goto(f"{example.origin}/settings")
    assert answer is not None
    assert len(re.findall("pgt_", answer.text())) == 1
    assert example.token not in answer.text()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert page.evaluate("document.cookie") == ""


def test_form_of_another_site_is_refused(page: Page, example: Example) -> None:
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    with httpx2.Client(base_url=example.origin, cookies=cookies) as client:
        for path in ("/sign-in", "/sign-out", "/settings/page-token"):
            for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
                assert client.post(path, headers=headers).status_code == 403
        own = client.post("/settings/page-token", headers={"Origin": example.origin})
    assert own.text.startswith("pgt_")


def test_api_takes_no_session_and_no_page_token(page: Page, example: Example) -> None:
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    assert httpx2.get(f"{example.origin}/api/invoices", cookies=cookies).status_code == 401
    token = page.locator("tokenry-tokens").get_attribute("token")
    assert token is not None
    assert example.ask(token).status_code == 401
