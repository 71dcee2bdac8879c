"""What people see who are signed in, and where something is wrong, in a real browser: for everybody, and by itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import NARROW, assert_for_everybody, by_keyboard, keeping_to_itself
from tests.factors import SET_UP
from tests.making import OPERATOR
from tests.oauth_making import REDIRECT_URI, add_client
from tests.pages.parts import APPLICATIONS, OVERVIEW
from tests.passwords import CHEAP_VARIABLES
from tests.servers import Server, free_port, serving
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import CLIENT_LABEL_LENGTH_MAX, Client
from tokenry.domain.device_codes import DeviceCode
from tokenry.domain.oauth import DEVICE_CODE_LIFETIME_SECONDS
from tokenry.domain.scopes import Scopes
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.wiring import open_installation

LIMIT = 20
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with limits, and with a provider that does not answer."""
    folder = tmp_path_factory.mktemp("pages")
    file = folder / "providers.toml"
    file.write_text(f'[acme]\nlabel = "Acme"\nissuer = "http://127.0.0.1:{free_port()}"\nclient_id = "tokenry"\n')
    flags = ("--rate-limit-sign-in", str(LIMIT), "--providers-file", str(file))
    with serving(folder / "data", *flags, variables=CHEAP_VARIABLES) as server:
        yield server


@pytest.fixture(scope="module")
def television(beside: Installation) -> Client:
    """A client without a browser, whose name has no place to be broken."""
    return add_client(beside.database, label="Television" * (CLIENT_LABEL_LENGTH_MAX // 10), grant_types=DEVICE)


@contextmanager
def signed_in(browser: Browser, service: Server, beside: Installation, *, scripts: bool = True) -> Iterator[Page]:
    """A page of the administrator's, on a phone, that says nothing on its console and asks nobody else."""
    with beside.transactions.change(OPERATOR) as change:
        secret = beside.sessions.begin_session(change, 1, method="oidc:acme", address="2001:db8::1:2:3:4", agent=AGENT)
    with browser.new_context(java_script_enabled=scripts, viewport=NARROW) as context:
        context.add_cookies([{"name": "tokenry", "value": secret.reveal(), "url": service.url}])
        page = context.new_page()
        with keeping_to_itself(page, service.url):
            yield page


def begin(beside: Installation, client: Client, scopes: str = "linodes:read_write domains:read_only") -> DeviceCode:
    return beside.device_codes.begin(Origin("client:tv", address="192.0.2.7"), client, Scopes.parse(scopes), ())


def type_code(page: Page, service: Server, code: str) -> None:
    page.goto(f"{service.url}/device")
    page.get_by_label("The code that the device shows").fill(code)
    page.get_by_role("button", name="Go on").click()


def test_device_is_let_in_by_the_keyboard_alone_and_seen_among_the_applications(
    browser: Browser, service: Server, beside: Installation, television: Client
) -> None:
    code = begin(beside, television)
    with signed_in(browser, service, beside) as page:
        page.goto(f"{service.url}/device")
        assert_for_everybody(page, "/device")
        by_keyboard(page, page.get_by_label("The code that the device shows"))
        page.keyboard.type(f"{code.user_code[:4]}-{code.user_code[4:]}".lower())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("on a device in?")
        assert_for_everybody(page, "the question")
        by_keyboard(page, page.get_by_role("button", name="Agree"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Your device is let in: go on there.")
        beside.device_codes.exchange(OPERATOR, television, code.secret.reveal())
        page.goto(f"{service.url}{APPLICATIONS}")
        assert_for_everybody(page, "the applications")
        by_keyboard(page, page.get_by_role("button", name=f"End its access: {television.label}"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("That application is not let in any more.")


def test_device_is_turned_away_without_scripts(
    browser: Browser, service: Server, beside: Installation, television: Client
) -> None:
    with signed_in(browser, service, beside, scripts=False) as page:
        type_code(page, service, begin(beside, television).user_code)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("status")).to_have_text("That device is turned away.")


def test_code_that_does_not_wait_and_a_device_that_asks_for_everything(
    browser: Browser, service: Server, beside: Installation, television: Client
) -> None:
    past = open_installation(Settings(data_dir=service.data_dir), lambda: time.time() - DEVICE_CODE_LIFETIME_SECONDS)
    expired = begin(past, television).user_code
    past.database.close()
    with signed_in(browser, service, beside) as page:
        for code in ("BCDF-GHJK", expired, "W" * 200):
            type_code(page, service, code)
            expect(page.get_by_role("alert")).to_contain_text("No device waits with this code.")
            expect(page.get_by_label("The code that the device shows")).to_have_attribute("aria-invalid", "true")
        assert_for_everybody(page, "a code that does not wait")
        type_code(page, service, begin(beside, television, "*").user_code)
        expect(page.get_by_text("Everything that you may do")).to_be_visible()
        assert_for_everybody(page, "a device that asks for everything")
        for _ in range(2 * LIMIT):  # the minute may end meanwhile
            answer = page.goto(f"{service.url}/device?user_code=BBBB-BBBB")
            if answer is not None and answer.status == 429:
                break
        expect(page.get_by_role("alert")).to_contain_text("There were too many attempts.")
        assert_for_everybody(page, "too many guesses")


def test_pages_that_say_no_are_for_everybody(browser: Browser, service: Server, beside: Installation) -> None:
    with signed_in(browser, service, beside) as page:
        for path, status, words in (
            ("/sign-in/with/nobody", 404, "There is no such page"),
            (f"/?{'a&' * 1001}", 400, "This cannot be understood"),
            ("/sign-in/with/acme?again", 503, "Signing in with Acme did not work"),
            ("/oauth/authorize", 400, "This application cannot be let in"),
            (f"/oauth/authorize?client_id=x&redirect_uri={REDIRECT_URI}", 400, "This application cannot be let in"),
        ):
            answer = page.goto(service.url + path)
            assert answer is not None
            assert answer.status == status
            expect(page.get_by_role("heading", level=1)).to_have_text(words)
            assert_for_everybody(page, path)
        page.goto(service.url)
        page.context.clear_cookies()
        by_keyboard(page, page.get_by_role("button", name="Sign out").first)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("This is not allowed")
        assert_for_everybody(page, "a form of long ago")


def test_overviews_and_what_asks_anew_are_for_everybody(
    browser: Browser, service: Server, beside: Installation
) -> None:
    with signed_in(browser, service, beside) as page:
        for path in (OVERVIEW, f"/sign-in/again?next={SET_UP}"):
            page.goto(service.url + path)
            assert_for_everybody(page, path)
        page.goto(f"{service.url}/sign-in/again?next={SET_UP}")
        expect(page.get_by_label("Password")).to_have_count(0)
        by_keyboard(page, page.get_by_role("link", name="Sign in again with Acme"))
        page.goto(service.url)
        by_keyboard(page, page.get_by_role("link", name="Sign-in"))
        page.keyboard.press("Enter")
        by_keyboard(page, page.get_by_role("link", name="Set up one-time passwords"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Set up one-time passwords")
