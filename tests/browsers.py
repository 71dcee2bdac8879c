"""A real browser for tests: Debian's Chromium, driven by Playwright, and what axe-core finds in a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import missing
from tests.node import MODULES, need_modules

PHONE_WIDTH, PHONE_HEIGHT = 360, 740


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Chromium with further arguments for the length of a block; the test is skipped, or fails, where there is none.

    Until then this thread can run no event loop of its own, and no second one: a fixture of it is a module's at most.
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
    """What axe-core has to say against a page as it is, with the elements concerned: in light and in dark."""
    need_modules()
    found = []
    page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text("utf-8"))
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # else colours are on their way
        violations: list[dict[str, Any]] = page.evaluate("() => axe.run().then(results => results.violations)")
        found += [f"{scheme}: {each['id']}: {node['html']}" for each in violations for node in each["nodes"]]
    return found


def is_wider_than_a_phone(page: Page) -> bool:
    """Whether somebody with a phone would have to scroll to the side."""
    page.set_viewport_size({"width": PHONE_WIDTH, "height": PHONE_HEIGHT})
    wide: bool = page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth")
    return wide
