"""Pages in German, as whoever has a German browser sees them."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from playwright.sync_api import Browser, expect

from tests.browsers import NARROW, assert_for_everybody, fits, new_link
from tests.conftest import App
from tests.pages.console.administering import admin_pages, make_firm
from tests.pages.parts import Visitor, pages, visitor
from tests.passwords import PASSWORD
from tests.servers import Server
from tests.translating import noting_missing
from tokenry.service.installation import Installation

GERMAN = {"accept-language": "de-DE,de;q=0.9,en;q=0.5"}
_LINK = re.compile(r'<a [^>]*href="(/[^"#?]*)"')
"""To a page of ours, however it is sorted and narrowed."""


@pytest.fixture
def missing() -> Iterator[set[str]]:
    """Texts that pages ask for and that German does not have."""
    with noting_missing("de") as texts:
        yield texts


def walk(somebody: Visitor, *starts: str) -> Iterator[tuple[str, str]]:
    """Pages in German, and those that their links lead to."""
    waiting, seen = list(starts), set[str]()
    while waiting:
        path = waiting.pop()
        answer = somebody.get(path, **GERMAN)
        seen.add(path)
        if answer.status_code != 303 and answer.headers["content-type"].startswith("text/html"):
            yield path, answer.text
            waiting += {unescape(link) for link in _LINK.findall(answer.text)} - seen - {*waiting, "/docs"}


def test_pages_of_the_console_are_german_from_end_to_end(
    site: App, do: Installation, admin: Visitor, missing: set[str]
) -> None:
    firm = make_firm(do)
    starts = [firm.path_of(route) for route in admin_pages(site)]
    starts += [route.path for route in pages(site) if "{" not in route.path]
    seen = dict(walk(admin, *starts))
    assert {"/console", "/console/settings", "/sign-in/security", "/console/admin/tokens"} <= seen.keys()
    for path, page in seen.items():
        assert ('<html lang="de">' in page, '<span lang="en">' in page) == (True, False), path
    assert missing == set()


def test_pages_of_nobody_are_german_from_end_to_end(site: App, missing: set[str]) -> None:
    seen = dict(walk(visitor(site), "/sign-in", "/sign-in/passkey", "/link/x", "/oauth/authorize", "/sign-in/with/x"))
    for path, page in seen.items():
        assert ('<html lang="de">' in page, '<span lang="en">' in page) == (True, False), path
    assert missing == set()


def test_refusals_and_faults_are_german(site: App, do: Installation, admin: Visitor) -> None:
    nobody = visitor(site)
    page = nobody.post("/sign-in", {"name": "", "password": ""}, **GERMAN).text
    assert "<h1>Das ist nicht erlaubt</h1>" in page
    assert "Laden Sie die Seite neu" in page
    form = {"form_token": _form_token(nobody.get("/sign-in", **GERMAN).text), "name": "", "password": ""}
    page = nobody.post("/sign-in", form, **GERMAN).text
    assert "<title>Fehler: Anmelden" in page
    assert '<a href="#name">Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein.</a>' in page
    form = {"form_token": _form_token(admin.get("/password").text), "password": "short", "again": "short"}
    page = admin.post("/password", form, **GERMAN).text
    assert "Benutzen Sie mindestens 12 Zeichen; mehrere Wörter sind gut." in page


def _form_token(page: str) -> str:
    return str(re.findall(r'name="form_token" value="([^"]*)"', page)[-1])


def test_way_in_is_german_and_for_everybody(browser: Browser, service: Server) -> None:
    with browser.new_context(viewport=NARROW, locale="de-DE") as context:
        page = context.new_page()
        page.goto(new_link(service))
        expect(page).to_have_title("Passwort wählen – tokenry")  # noqa: RUF001 - as it stands there
        page.get_by_label("Neues Passwort").fill(PASSWORD)
        page.get_by_label("Dasselbe Passwort noch einmal").fill(PASSWORD)
        page.get_by_role("button", name="Passwort setzen und anmelden").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
        assert fits(page)
        page.get_by_role("button", name="Abmelden").click()
        expect(page.get_by_role("status")).to_have_text("Sie sind abgemeldet.")
        page.get_by_label("Benutzername oder E-Mail-Adresse").fill("admin")
        page.get_by_label("Passwort").fill("falsch")
        page.get_by_role("button", name="Anmelden", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Der Name oder das Passwort ist falsch.")
        assert_for_everybody(page, "/sign-in")
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden", exact=True).click()
        page.goto(f"{service.url}/console/sessions")
        expect(page.get_by_role("main")).to_contain_text("Chrome unter Linux")
        assert fits(page)
