"""Tokens in a real browser: what scripts make of their pages, and that those are for everybody."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browsers import NARROW, assert_for_everybody, by_keyboard, keeping_to_itself
from tests.making import OPERATOR
from tests.node import node
from tests.pages.console.parts import make_token, use
from tests.servers import Server
from tokenry.domain.tokens import NewToken, Token
from tokenry.service.installation import Installation

RULES = """
{
  "extends": ["html-validate:recommended"],
  "rules": {
    "doctype-style": "off",
    "form-dup-name": "off",
    "long-title": "off",
    "no-implicit-button-type": "off",
    "no-trailing-whitespace": "off",
    "require-sri": "off"
  }
}
"""
"""Matters of taste are left out, fields that have several values, and what a policy by hashes sees to."""


@pytest.fixture(scope="module")
def token(beside: Installation) -> Token:
    """A token that is in use, and has been given another secret."""
    token = make_token(beside, "in use", "linodes:read_write domains:read_only")
    use(beside, token)
    return token


@contextmanager
def signed_in(browser: Browser, service: Server, beside: Installation, *, scripts: bool = True) -> Iterator[Page]:
    """A page of the administrator's that says nothing on its console and asks nobody else."""
    with beside.transactions.change(OPERATOR) as change:
        secret = beside.sessions.begin_session(change, 1, method="password", address=None, agent=None)
    with browser.new_context(java_script_enabled=scripts, viewport=NARROW, accept_downloads=True) as context:
        context.add_cookies([{"name": "tokenry", "value": secret.reveal(), "url": service.url}])
        page = context.new_page()
        with keeping_to_itself(page, service.url):
            yield page


def opens(service: Server, secret: str) -> bool:
    """Whether a token opens something with what was chosen for it."""
    asked = httpx2.get(f"{service.url}/verify?scope=linodes:read_only", headers={"Authorization": f"Bearer {secret}"})
    return asked.status_code == 200


def make_by_hand(page: Page, service: Server, label: str) -> str:
    """Make a token as people do; its secret."""
    page.goto(f"{service.url}/console")
    page.get_by_role("link", name="Create a token").click()
    page.get_by_label("Label").fill(label)
    page.get_by_label("Compute instances: Read only").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("See: Compute instances")).to_be_visible()
    page.get_by_role("button", name="Create the token").click()
    return page.locator("#new-secret").input_value()


def test_what_is_left_of_an_old_secret_is_counted_down(browser: Browser, service: Server, beside: Installation) -> None:
    rotated, old = beside.tokens.create_token_for(OPERATOR, "admin", NewToken(label="old", scopes="linodes:read_only"))
    with signed_in(browser, service, beside) as page:
        page.goto(f"{service.url}/console/tokens/{rotated.id}")
        by_keyboard(page, page.get_by_role("link", name="Give it another secret"))
        page.keyboard.press("Enter")
        by_keyboard(page, page.get_by_role("radio", name="when the new one is first used"))
        page.keyboard.press("ArrowDown")
        by_keyboard(page, page.get_by_role("button", name="Make the new secret"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("The new secret")
        assert opens(service, old.reveal())
        assert opens(service, page.locator("#new-secret").input_value())
        page.clock.install()
        by_keyboard(page, page.get_by_role("link", name="I have saved it"))
        page.keyboard.press("Enter")
        going = page.get_by_text("still opens. It ends: 23 hours 59 minutes")
        expect(going).to_be_visible()
        page.clock.fast_forward("23:00:00")
        expect(page.get_by_role("status")).to_contain_text("It ends: 59 minutes")
        page.clock.fast_forward("01:00:00")
        expect(page.get_by_role("status")).to_contain_text("opens nothing any more")
        expect(going).to_have_count(0)


def test_secret_is_copied_and_downloaded_and_shown_no_more(
    browser: Browser, service: Server, beside: Installation
) -> None:
    with signed_in(browser, service, beside) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service.url)
        secret = make_by_hand(page, service, "saved")
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == secret
        with page.expect_download() as downloading:
            page.get_by_role("button", name="Download").click()
        assert Path(downloading.value.path()).read_text() == f"{secret}\n"
        page.reload()
        expect(page.get_by_role("status")).to_contain_text("A secret is shown once")
        assert secret not in page.content()


def test_double_click_makes_one_token_and_shows_its_secret(
    browser: Browser, service: Server, beside: Installation
) -> None:
    with signed_in(browser, service, beside) as page:
        page.goto(f"{service.url}/console/tokens/new?label=twice&scopes=linodes:read_only")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Create the token").dblclick()
        expect(page.locator("#new-secret")).to_have_value(re.compile("^pat_"))
        page.goto(f"{service.url}/console?search=twice")
        expect(page.get_by_text("1 token", exact=True)).to_be_visible()


def test_choices_that_exclude_each_other_follow_each_other(
    browser: Browser, service: Server, beside: Installation
) -> None:
    with signed_in(browser, service, beside) as page:
        page.goto(f"{service.url}/console/tokens/new")
        page.get_by_label("All of these: Read and write").check()
        expect(page.get_by_label("Domains and their records: Read and write")).to_be_checked()
        page.get_by_label("Domains and their records: No access").check()
        expect(page.get_by_label("All of these: No access")).to_be_checked()
        expect(page.get_by_label("Compute instances: Read and write")).to_be_checked()
        page.get_by_label("Day", exact=True).fill("2999-01-01")
        expect(page.get_by_label("At the end of a day of your own:")).to_be_checked()
        page.get_by_label("30 days").check()
        expect(page.get_by_label("Day", exact=True)).to_have_value("")


def test_every_page_of_tokens_is_for_everybody_and_valid(
    browser: Browser, service: Server, beside: Installation, token: Token, tmp_path: Path
) -> None:
    (tmp_path / ".htmlvalidate.json").write_text(RULES)
    one = f"/console/tokens/{token.id}"
    paths = ["/console", "/console?search=nothing", "/console/tokens/new", one, f"{one}/revoke", f"{one}/rotate"]
    paths += ["/console/tokens/revoke-all", "/console/applications", "/console/sessions", "/console/settings"]

    def look(page: Page, name: str, answer: Response | None, status: int = 200) -> None:
        assert answer is not None
        assert answer.status == status
        (tmp_path / f"{name.strip('/').replace('/', '-').replace('?', '-')}.html").write_bytes(answer.body())
        assert_for_everybody(page, name)

    def click(page: Page, button: str) -> Response | None:
        with page.expect_navigation() as going:
            page.get_by_role("button", name=button).click()
        return going.value

    with signed_in(browser, service, beside) as page:
        for path in paths:
            look(page, path, page.goto(service.url + path))
        page.goto(f"{service.url}/console/tokens/new")
        look(page, "faults", click(page, "Go on"), status=400)
        expect(page).to_have_title(re.compile("^Error: Create a token"))
        expect(page.get_by_role("alert")).to_be_focused()
        page.goto(f"{service.url}/console/tokens/new?label=all&scopes=*&expires=never")
        look(page, "review", click(page, "Go on"))
        look(page, "secret", click(page, "Create the token"))
        page.goto(f"{service.url}/console")
        page.get_by_label("in use").check()
        look(page, "revoke-some", click(page, "Revoke those that are chosen"))
        page.goto(f"{service.url}{one}/rotate")
        page.context.clear_cookies()
        look(page, "kept", click(page, "Make the new secret"), status=403)
    found = node("html-validate", *(each.name for each in tmp_path.glob("*.html")), cwd=tmp_path)
    assert found.returncode == 0, found.stdout
