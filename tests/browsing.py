"""What tests in a real browser do: come in by a link, and look whether a page is for everybody."""

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.servers import Server, tokenry

AXE = Path(__file__).parent / "clients" / "node" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse 7 staple"
NARROW: ViewportSize = {"width": 320, "height": 640}
CHEAP: Sequence[str] = (
    *("--password-memory", "64"),
    *("--password-rounds", "1"),
    *("--password-lanes", "1"),
    *("--rate-limit-sign-in", "0"),
)
"""Flags with which signing in takes no time."""


def new_link(service: Server, public_url: str | None = None) -> str:
    where = ("--data-dir", str(service.data_dir), "--public-url", public_url or service.url)
    return tokenry("admin", "user", "link", "admin", *where).stdout.strip()


def fill_in_new_password(page: Page) -> None:
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()


def assert_accessible(page: Page, where: str) -> None:
    """Axe finds nothing, and nothing has to be scrolled sideways. Its script is the browser's, not the page's."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run()).violations.map(each => [each.id, each.nodes.map(n => n.html)])"
    )
    assert found == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where
