"""Second factors in a real browser: passkeys of Chromium's own device, and pages for everybody."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import NARROW, assert_for_everybody, fill_in_new_password, new_link
from tests.passwords import CHEAP_VARIABLES, PASSWORD
from tests.servers import Server, free_port, serving, tokenry

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Site:
    """The service by its name, since an address of digits has no passkeys."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url

    def reset(self) -> str:
        """Begin anew: the administrator has no factor. A link for the password."""
        where = ("--data-dir", str(self.server.data_dir))
        assert tokenry("admin", "user", "reset-factors", "admin", "--yes", *where).returncode == 0
        return new_link(self.server, self.url)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    url = f"http://localhost:{port}"
    flags = ("--port", str(port), "--public-url", url)
    with serving(tmp_path_factory.mktemp("factors") / "data", *flags, variables=CHEAP_VARIABLES) as server:
        yield Site(server, url)


@contextmanager
def device(page: Page) -> Iterator[None]:
    """A device of Chromium's own that has the user's finger, for one page."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield
    session.send("WebAuthn.removeVirtualAuthenticator", made)


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/sign-in")
    page.get_by_label("Username or email address").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def add_passkey(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/sign-in/security")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("this laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keep your recovery codes")
    assert page.locator(".codes li").count() == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("link", name="Rename or remove this laptop")).to_be_visible()


def test_passkey_is_registered_and_signs_in_alone_and_after_the_password(browser: Browser, site: Site) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        with device(page):
            page.goto(site.reset())
            fill_in_new_password(page)
            add_passkey(page, site)
            page.get_by_role("button", name="Sign out").click()
            page.get_by_role("link", name="Sign in with a passkey").click()
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
            page.get_by_role("button", name="Sign out").click()
            sign_in(page, site)
            expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
            page.goto(site.url)
            expect(page.get_by_role("heading", level=1)).to_have_text("Personal access tokens")
            sign_in(page, site)
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
        assert not [text for text in said if "Content Security Policy" in text]


def test_browser_that_has_no_passkey_says_so_and_leaves_other_ways(browser: Browser, site: Site) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        with device(page):
            page.goto(f"{site.url}/sign-in/passkey")
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("status")).to_have_text("Nothing came of it. Try again, or choose another way.")
            page.get_by_role("link", name="Use another way").click()
            assert page.url == f"{site.url}/sign-in"


def test_passkeys_without_scripts_are_said_to_need_them(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.reset())
        fill_in_new_password(page)
        page.goto(f"{site.url}/sign-in/security/passkeys")
        expect(page.get_by_text("Passkeys need scripts")).to_be_visible()
        expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()


def test_pages_of_factors_are_for_everybody(browser: Browser, site: Site) -> None:
    """In both schemes, at 320 pixels; with what is wrong shown, too."""
    with browser.new_context(viewport=NARROW) as context:
        page = context.new_page()
        with device(page):
            page.goto(site.reset())
            fill_in_new_password(page)
            add_passkey(page, site)
            href = page.get_by_role("link", name="Rename or remove this laptop").get_attribute("href")
            own = ("", "/one-time-passwords", "/one-time-passwords/remove", "/recovery-codes", "/passkeys")
            for path in (*(f"/sign-in/security{each}" for each in own), href, "/sign-in/passkey"):
                page.goto(f"{site.url}{path}")
                assert_for_everybody(page, str(path))
            page.goto(f"{site.url}/sign-in/security/recovery-codes")
            page.get_by_role("button", name="Make new recovery codes").click()
            assert_for_everybody(page, "recovery codes")
            context.clear_cookies()
            sign_in(page, site)
            page.get_by_label("Code").fill("x")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("alert")).to_contain_text("That code is wrong")
            assert_for_everybody(page, "second step with a fault")
