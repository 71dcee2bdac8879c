"""What people come to the console for, from end to end: each way once without scripts, by keyboard, and on a phone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pyotp import TOTP

from tests.browsers import NARROW, by_keyboard, fits, keeping_to_itself, new_link
from tests.making import OPERATOR
from tests.pages.console.administering import ADMIN
from tests.pages.console.parts import make_token, use
from tests.passwords import PASSWORD
from tests.servers import Server
from tokenry.domain.details import NOT_ENDED
from tokenry.domain.filters import Filter
from tokenry.domain.paging import PageRequest
from tokenry.domain.tokens import NewToken, Token
from tokenry.domain.usage import day_of
from tokenry.service.installation import Installation
from tokenry.storage.watching import WouldBe, add_would_be_refusals


class Way(Enum):
    """How somebody gets about."""

    NO_SCRIPTS = "without scripts"
    KEYBOARD = "by keyboard alone"
    PHONE = "at 320 pixels"


@dataclass
class Person:
    """Somebody with a browser, who gets about in one way."""

    page: Page
    way: Way

    def press(self, name: str) -> None:
        """Press a button."""
        self._go(self.page.get_by_role("button", name=name, exact=True).first)

    def follow(self, name: str) -> None:
        """Follow a link."""
        self._go(self.page.get_by_role("link", name=name, exact=True).first)

    def fill(self, label: str, text: str) -> None:
        """Fill in a field."""
        field = self.page.get_by_label(label, exact=True)
        if self.way is not Way.KEYBOARD:
            field.fill(text)
            return
        by_keyboard(self.page, field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def select(self, label: str, option: str) -> None:
        """Choose from a list, of which a keyboard finds what begins with what is typed."""
        field = self.page.get_by_label(label, exact=True)
        if self.way is not Way.KEYBOARD:
            field.select_option(option)
            return
        by_keyboard(self.page, field)
        self.page.keyboard.type(option)
        expect(field.locator("option:checked")).to_have_text(option)

    def choose(self, label: str) -> None:
        """Choose one of several, of which a keyboard reaches the one that is chosen, and from there the others."""
        wanted = self.page.get_by_label(label, exact=True)
        if self.way is not Way.KEYBOARD:
            wanted.check()
            return
        name = wanted.get_attribute("name")
        by_keyboard(self.page, self.page.locator(f'input[name="{name}"]:checked'))
        while not wanted.is_checked():
            self.page.keyboard.press("ArrowDown")

    def is_at(self, heading: str) -> None:
        """See which page this is, all of it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        if self.way is Way.PHONE:
            assert fits(self.page), heading

    def is_told(self, words: str) -> None:
        """See what came of something."""
        expect(self.page.get_by_role("status")).to_contain_text(words)

    def _go(self, wanted: Locator) -> None:
        if self.way is not Way.KEYBOARD:
            wanted.click()
            return
        by_keyboard(self.page, wanted)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


@pytest.fixture(params=list(Way), ids=lambda way: way.value)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@contextmanager
def somebody(browser: Browser, service: Server, way: Way, do: Installation | None = None) -> Iterator[Person]:
    """Somebody whose pages say nothing on their console and ask nobody else; the administrator, where `do` is given."""
    with browser.new_context(
        java_script_enabled=way is not Way.NO_SCRIPTS, viewport=NARROW if way is Way.PHONE else None
    ) as context:
        if do is not None:
            with do.transactions.change(OPERATOR) as change:
                secret = do.sessions.begin_session(change, 1, method="password", address="192.0.2.7", agent="Firefox")
            context.add_cookies([{"name": "tokenry", "value": secret.reveal(), "url": service.url}])
        page = context.new_page()
        with keeping_to_itself(page, service.url):
            yield Person(page, way)


def sign_in(person: Person, name: str) -> None:
    person.fill("Username or email address", name)
    person.fill("Password", PASSWORD)
    person.press("Sign in")


def choose_password(person: Person) -> None:
    person.fill("New password", PASSWORD)
    person.fill("The same password again", PASSWORD)
    person.press("Set password and sign in")


def opens(service: Server, secret: str, scope: str = "linodes:read_only") -> bool:
    """Whether a token opens something that needs a scope."""
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx2.get(f"{service.url}/verify?scope={scope}", headers=headers).status_code == 200


def newest(do: Installation) -> Token:
    """The token of the administrator's that was made last."""
    return do.details.list_details(1, PageRequest(), Filter(descending=True), NOT_ENDED).rows[0].token


def test_token_from_the_link_to_its_refusal(browser: Browser, service: Server, beside: Installation, way: Way) -> None:
    label = f"made {way.value}"
    with somebody(browser, service, way) as admin:
        admin.page.goto(new_link(service))
        admin.is_at("Choose a password")
        choose_password(admin)
        admin.press("Sign out")
        admin.is_told("You are signed out.")
        sign_in(admin, "admin")
        admin.is_at("Tokens")
        admin.follow("Create a token")
        admin.press("Go on")
        admin.is_at("Create a token")
        admin.follow("Length must be 1-100 characters")
        expect(admin.page.get_by_label("Label")).to_be_focused()
        admin.fill("Label", label)
        admin.choose("Compute instances: Read only")
        admin.press("Go on")
        admin.press("Create the token")
        admin.is_at("Your new token")
        secret = admin.page.get_by_label(label).input_value()
        assert opens(service, secret)
        use(beside, newest(beside))
        admin.follow("Revoke it")
        admin.fill("Type its label to revoke it", label)
        admin.press("Revoke it")
        admin.is_told("The token is revoked")
        assert not opens(service, secret)


def test_list_is_narrowed_and_sorted(browser: Browser, service: Server, beside: Installation, way: Way) -> None:
    for label, days in (("later", 20), ("soon", 10), ("far", 300)):
        make_token(beside, f"{label} {way.value}", days=days)
    with somebody(browser, service, way, beside) as admin:
        admin.page.goto(f"{service.url}/console")
        admin.fill("Search", way.value.upper())
        admin.select("Show", "Expiring within 30 days")
        admin.press("Apply")
        admin.follow("Expires")
        admin.is_at("Tokens")
        shown = admin.page.locator('td a[href^="/console/tokens/"]').filter(has_text=way.value)
        expect(shown).to_have_text([f"soon {way.value}", f"later {way.value}"])
        admin.page.reload()
        expect(shown).to_have_count(2)


def test_invited_user_has_a_second_factor_until_disabled(
    browser: Browser, service: Server, beside: Installation, way: Way
) -> None:
    name = f"guest-{way.name.lower().replace('_', '-')}"
    with somebody(browser, service, way, beside) as admin, somebody(browser, service, way) as guest:
        admin.page.goto(f"{service.url}{ADMIN}/users")
        admin.follow("Invite a user")
        admin.fill("Name", name)
        admin.fill("Email address", f"{name}@example.org")
        admin.press("Make the user and a link")
        guest.page.goto(admin.page.get_by_label("Link").input_value())
        choose_password(guest)
        guest.follow("Sign-in")
        guest.follow("Set up one-time passwords")
        totp = TOTP(guest.page.locator("code").inner_text().replace(" ", ""))
        guest.fill("Code that the app shows now", totp.at(time.time()))
        guest.press("Set up")
        guest.is_at("Keep your recovery codes")
        guest.follow("I have kept them")
        guest.press("Sign out")
        sign_in(guest, name)
        guest.is_at("One more step")
        guest.fill("Code", totp.at(time.time() + 30))
        guest.press("Sign in")
        guest.is_at("Tokens")
        expect(guest.page.get_by_role("link", name="Administration")).to_have_count(0)
        admin.page.goto(f"{service.url}{ADMIN}/users/{name}")
        admin.follow("Disable")
        admin.press("Disable")
        admin.is_told("The user is disabled")
        guest.page.reload()
        guest.is_at("Sign in")


def test_token_is_watched_kept_to_fewer_scopes_and_revoked(
    browser: Browser, service: Server, beside: Installation, way: Way
) -> None:
    wide, made = beside.tokens.create_token_for(
        OPERATOR, "admin", NewToken(label=f"wide {way.value}", scopes="linodes:read_write")
    )
    secret = made.reveal()
    with somebody(browser, service, way, beside) as admin:
        admin.page.goto(f"{service.url}{ADMIN}/tokens/{wide.id}")
        admin.follow("What it needs")
        admin.choose("Compute instances: Read only")
        admin.press("Watch it")
        admin.is_told("The token is watched")
        now = int(time.time())
        with beside.transactions.change(OPERATOR) as change:
            refusal = WouldBe(wide.id, day_of(now), "linodes:read_write", 1, now, "192.0.2.7")
            add_would_be_refusals(change.connection, [refusal])
        admin.page.reload()
        expect(admin.page.get_by_text("This would have been refused:")).to_be_visible()
        admin.is_at(f"What wide {way.value} needs")
        admin.press("Keep it to these, for good")
        admin.is_at(f"wide {way.value}")
        assert (opens(service, secret), opens(service, secret, "linodes:read_write")) == (True, False)
        admin.follow("Revoke")
        admin.select("Why", "It leaked")
        admin.press("Revoke")
        admin.is_told("Revoked: nobody can use them any more.")
        assert not opens(service, secret)
