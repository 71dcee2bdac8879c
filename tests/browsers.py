"""A real browser for tests: Chromium, driven by Playwright; a way in with it, and whether a page is for everybody."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, sync_playwright

from tests.conftest import missing
from tests.node import MODULES, need_modules
from tests.passwords import PASSWORD
from tests.servers import Server, tokenry

NARROW: ViewportSize = {"width": 320, "height": 640}
"""Below which nobody need be able to read a page (WCAG 2.2, 1.4.10)."""
TABS_MAX = 80
_IS_BEHIND_LINKS = """wanted => document.activeElement === document.body
    && wanted.closest("main") !== null && document.querySelector(".skip") !== null"""
_RUN_AXE = """rules => axe.run({resultTypes: ["violations"], ...(rules.length && {runOnly: rules})})
    .then(results => results.violations)"""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Chromium with further arguments for the length of a block; the test is skipped, or fails, where there is none.

    Until then this thread can run no event loop of its own, and no second one.
    """
    program = shutil.which("chromium")
    if program is None:
        missing("Chromium (the Debian package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Page) -> list[str]:
    """What axe-core has to say against a page as it is, with the elements concerned; in dark, of its colours alone."""
    need_modules()
    found = []
    if page.evaluate("typeof axe === 'undefined'"):
        axe = (MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
        page.evaluate(axe)
        page.add_init_script(axe)  # for where it goes from here
    schemes: dict[Literal["light", "dark"], Sequence[str]] = {"light": (), "dark": ("color-contrast",)}
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # else colours are on their way
        violations: list[dict[str, Any]] = page.evaluate(_RUN_AXE, rules)
        found += [f"{scheme}: {each['id']}: {node['html']}" for each in violations for node in each["nodes"]]
    return found


def assert_for_everybody(page: Page, where: str) -> None:
    """Fail unless axe-core finds nothing, and nobody has to scroll sideways with a narrow window."""
    found = axe_violations(page)
    assert found == [], f"{where}: {found}"
    page.set_viewport_size(NARROW)
    assert fits(page), where


def fits(page: Page) -> bool:
    """Whether nobody has to scroll a page sideways."""
    found: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return found


@contextmanager
def keeping_to_itself(page: Page, origin: str) -> Iterator[None]:
    """Fail unless a page, to the end of the block, has nothing said on its console and asks nobody but this origin.

    That an answer is an error is said there of each, by the browser.
    """
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if not message.text.startswith("Failed to load resource: the server responded with a status of"):
            told.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(f"{origin}/") else told.append(asked.url))
    yield
    assert told == []


def by_keyboard(page: Page, wanted: Locator) -> None:
    """Get to an element with the Tab key alone, past what all pages begin with, and see where one is."""
    if wanted.evaluate(_IS_BEHIND_LINKS):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineWidth") == "3px"
            return
    raise AssertionError(f"{wanted} cannot be reached")


def new_link(service: Server, public_url: str | None = None) -> str:
    """A link by which the administrator of a service chooses a password."""
    where = ("--data-dir", str(service.data_dir), "--public-url", public_url or service.url)
    return tokenry("admin", "user", "link", "admin", *where).stdout.strip()


def fill_in_new_password(page: Page) -> None:
    """Choose it, on the page that the link leads to."""
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
