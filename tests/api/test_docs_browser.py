"""`/docs` in a real browser: what is described can be sent, and a token that is typed stays in the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browsers import NARROW, assert_for_everybody, chromium, keeping_to_itself
from tests.servers import Server, serving

PHONE = 390


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as server:
        yield server


def open_form(page: Page, anchor: str) -> None:
    page.locator(f"#{anchor}").get_by_text("Try it").click()


def test_requests_are_sent_from_a_phone_and_the_token_stays_in_the_page(service: Server) -> None:
    asked: list[Request] = []
    with (
        chromium() as browser,
        browser.new_context(viewport={"width": PHONE, "height": 800}) as context,
        keeping_to_itself(page := context.new_page(), service.url),
    ):
        page.goto(f"{service.url}/docs")
        headings = page.locator("main > section > h2, main > details > summary").all_inner_texts()
        assert headings[:2] == ["Authentication", "Personal access tokens"]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks what it is given
        form = page.locator("#post-personal-access-token")
        open_form(page, "post-personal-access-token")
        form.get_by_role("button", name="Send").click()
        expect(form.get_by_role("status")).to_contain_text("401 Unauthorized")
        token = page.get_by_label("A token to try the API with")
        token.fill(service.token)
        assert token.evaluate("element => getComputedStyle(element).webkitTextSecurity") == "disc"
        form.get_by_label("Body").fill('{"label": "tried", "scopes": "*"}')
        form.get_by_role("button", name="Send").click()
        expect(form.get_by_role("status")).to_contain_text('"label": "tried"')

        version = form.get_by_label("apiVersion")
        for typed in ("", "/evil.example", "../.."):  # keeping_to_itself sees any other origin that is asked
            version.fill(typed)
            form.get_by_role("button", name="Send").click()
            expect(form.get_by_role("status")).to_contain_text("404")

        assert all(service.token not in request.url for request in asked)
        assert [request.all_headers().get("referer") for request in asked] == [None] * len(asked)
        kept = page.evaluate("[{...localStorage}, {...sessionStorage}, document.cookie, location.href, document.title]")
        assert kept[:3] == [{}, {}, ""]
        assert service.token not in str(kept)
        page.goto(f"{service.url}/healthz")
        page.go_back()
        expect(token).to_have_value("")


def test_neighbours_are_folded_and_a_link_unfolds_them(service: Server) -> None:
    with chromium() as browser, browser.new_context(viewport={"width": PHONE, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{service.url}/docs")
        profile = page.locator("#profile")
        expect(profile).to_be_hidden()
        page.goto(f"{service.url}/docs#profile")
        expect(profile).to_be_visible()
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.long
def test_page_is_for_everybody(service: Server) -> None:
    with chromium() as browser, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{service.url}/docs#profile")
        open_form(page, "post-personal-access-token")
        assert_for_everybody(page, "/docs")
