"""The administration in a real browser: for everybody, by itself, and from an invitation to a token that is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import NARROW, assert_for_everybody, by_keyboard, fill_in_new_password, keeping_to_itself
from tests.conftest import Clock, make_app
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN, Firm, admin_pages, make_firm
from tests.passwords import CHEAP_VARIABLES
from tests.servers import Server, serving
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.wiring import open_installation


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that is a firm's."""
    with serving(tmp_path_factory.mktemp("admin") / "data", variables=CHEAP_VARIABLES) as server:
        yield server


@pytest.fixture(scope="module")
def do(service: Server) -> Iterator[Installation]:
    """The use cases of the service, as a command of the operator's has them."""
    installation = open_installation(Settings(data_dir=service.data_dir))
    yield installation
    installation.database.close()


@pytest.fixture(scope="module")
def house(do: Installation) -> Firm:
    """One thing of each kind."""
    return make_firm(do)


@pytest.fixture(scope="module")
def paths(house: Firm, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The paths of all pages, by the route table."""
    app = make_app(tmp_path_factory.mktemp("table") / "data", Clock(), public_url="https://tokens.example.com")
    found = [house.path_of(route) for route in admin_pages(app) if not route.path.endswith(".csv")]
    chosen = f"{ADMIN}/tokens/chosen"
    return [f"{path}?do=revoke&id={house.token.id}" if path == chosen else path for path in found]


@contextmanager
def administering(browser: Browser, service: Server, do: Installation, *, scripts: bool = True) -> Iterator[Page]:
    """A page of the administrator's, on a phone, that says nothing on its console and asks nobody else."""
    with do.transactions.change(OPERATOR) as change:
        secret = do.sessions.begin_session(change, 1, method="password", address="192.0.2.7", agent="Firefox")
    with browser.new_context(java_script_enabled=scripts, viewport=NARROW) as context:
        context.add_cookies([{"name": "tokenry", "value": secret.reveal(), "url": service.url}])
        page = context.new_page()
        with keeping_to_itself(page, service.url):
            yield page


def test_every_page_is_for_everybody(
    browser: Browser, service: Server, do: Installation, house: Firm, paths: list[str]
) -> None:
    with administering(browser, service, do) as page:
        for path in paths:
            answer = page.goto(service.url + path)
            assert (path, answer and answer.status) == (path, 200)
            assert_for_everybody(page, path)


def test_faults_and_what_is_shown_once_are_for_everybody(
    browser: Browser, service: Server, do: Installation, house: Firm
) -> None:
    with administering(browser, service, do) as page:
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


def test_invited_user_signs_in_and_an_administrator_revokes_the_token_without_scripts(
    browser: Browser, service: Server, do: Installation
) -> None:
    with administering(browser, service, do, scripts=False) as page:
        page.goto(f"{service.url}{ADMIN}/users")
        page.get_by_role("link", name="Invite a user").click()
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Email address").fill("grace@example.org")
        page.get_by_role("button", name="Make the user and a link").click()
        link = page.get_by_label("Link").input_value()
        with browser.new_context(java_script_enabled=False) as context:
            grace = context.new_page()
            grace.goto(link)
            fill_in_new_password(grace)
            grace.goto(f"{service.url}/console")
            expect(grace.get_by_role("heading", level=1)).to_have_text("Tokens")
            expect(grace.get_by_role("link", name="Administration")).to_have_count(0)
            grace.get_by_role("link", name="Create a token").click()
            grace.get_by_label("Label").fill("nightly")
            grace.get_by_label("Compute instances: Read only").check()
            grace.get_by_role("button", name="Go on").click()
            grace.get_by_role("button", name="Create the token").click()
            bearer = {"Authorization": f"Bearer {grace.locator('#new-secret').input_value()}"}
        assert httpx2.get(f"{service.url}/verify", headers=bearer).status_code == 200
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="nightly").click()
        page.get_by_role("link", name="Revoke", exact=True).click()
        page.get_by_label("Why").select_option("It leaked")
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("status")).to_have_text("Revoked: nobody can use them any more.")
        assert httpx2.get(f"{service.url}/verify", headers=bearer).status_code == 401


def test_user_is_disabled_by_the_keyboard_alone(
    browser: Browser, service: Server, do: Installation, house: Firm
) -> None:
    with administering(browser, service, do) as page:
        page.goto(f"{service.url}{ADMIN}/users/ada")
        by_keyboard(page, page.get_by_role("link", name="Disable"))
        page.keyboard.press("Enter")
        by_keyboard(page, page.get_by_role("button", name="Disable"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("The user is disabled")
