"""The administration in a real browser: for everybody, and by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import NARROW, assert_for_everybody, keeping_to_itself
from tests.conftest import Clock, make_app
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN, Firm, admin_pages, make_firm
from tests.servers import Server
from tokenry.service.installation import Installation


@pytest.fixture(scope="module")
def house(beside: Installation) -> Firm:
    """One thing of each kind."""
    return make_firm(beside)


@pytest.fixture(scope="module")
def paths(house: Firm, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The paths of all pages, by the route table."""
    app = make_app(tmp_path_factory.mktemp("table") / "data", Clock(), public_url="https://tokens.example.com")
    found = [house.path_of(route) for route in admin_pages(app) if not route.path.endswith(".csv")]
    chosen = f"{ADMIN}/tokens/chosen"
    return [f"{path}?do=revoke&id={house.token.id}" if path == chosen else path for path in found]


@contextmanager
def administering(browser: Browser, service: Server, beside: Installation) -> Iterator[Page]:
    """A page of the administrator's, on a phone, that says nothing on its console and asks nobody else."""
    with beside.transactions.change(OPERATOR) as change:
        secret = beside.sessions.begin_session(change, 1, method="password", address="192.0.2.7", agent="Firefox")
    with browser.new_context(viewport=NARROW) as context:
        context.add_cookies([{"name": "tokenry", "value": secret.reveal(), "url": service.url}])
        page = context.new_page()
        with keeping_to_itself(page, service.url):
            yield page


def test_every_page_is_for_everybody(
    browser: Browser, service: Server, beside: Installation, house: Firm, paths: list[str]
) -> None:
    with administering(browser, service, beside) as page:
        for path in paths:
            answer = page.goto(service.url + path)
            assert (path, answer and answer.status) == (path, 200)
            assert_for_everybody(page, path)


def test_faults_and_what_is_shown_once_are_for_everybody(
    browser: Browser, service: Server, beside: Installation, house: Firm
) -> None:
    with administering(browser, service, beside) as page:
        page.goto(f"{service.url}{ADMIN}/new-user")
        page.get_by_role("button", name="Make the user and a link").click()
        expect(page.get_by_role("alert")).to_be_focused()
        assert_for_everybody(page, "a form with faults")
        page.goto(f"{service.url}{ADMIN}/new-client")
        page.get_by_label("Name").fill("Mail")
        page.get_by_label("Where users come back to").fill("https://mail.example/")
        page.get_by_role("button", name="Register it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The secret of Mail")
        assert_for_everybody(page, "what is shown once")
        page.goto(f"{service.url}{ADMIN}/policy/change")
        page.get_by_label("Tokens live for at most").fill("1d")
        page.get_by_label("Shorten the tokens that there are, too").check()
        page.get_by_label("A second factor is needed by").select_option("Everybody")
        page.get_by_role("button", name="See what it would do").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Set this policy?")
        assert_for_everybody(page, "what a policy would do")
