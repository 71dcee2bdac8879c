"""The way in, in a real browser: by link, password and form, for everybody."""

from playwright.sync_api import Browser, expect

from tests.browsers import NARROW, assert_for_everybody, fill_in_new_password, new_link
from tests.passwords import PASSWORD
from tests.servers import Server


def test_link_leads_to_a_password_and_back_in(browser: Browser, service: Server) -> None:
    link = new_link(service)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(link)
        assert page.url == f"{service.url}/link"
        expect(page).to_have_title("Choose a password – tokenry")  # noqa: RUF001 - as it stands there
        fill_in_new_password(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
        page.get_by_role("button", name="Sign out").first.click()
        assert page.url == f"{service.url}/sign-in"
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.get_by_label("Username or email address").fill("admin")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
        expect(page.get_by_label("Username or email address")).to_have_value("admin")
        expect(page.get_by_label("Password")).to_have_value("")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        assert page.url == f"{service.url}/console"
        cookies = {each["name"]: each for each in context.cookies()}
        assert (cookies["tokenry"]["httpOnly"], cookies["tokenry"]["sameSite"]) == (True, "Lax")
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("This link leads nowhere any more")


def test_pages_are_for_everybody(browser: Browser, service: Server) -> None:
    """In both schemes, at 320 pixels; with what is wrong shown, too."""
    with browser.new_context(viewport=NARROW) as context:
        page = context.new_page()
        for path in ("/", "/sign-in", "/sign-out", "/link/x"):
            page.goto(service.url + path)
            assert_for_everybody(page, path)
        page.goto(new_link(service))
        assert_for_everybody(page, "/link")
        page.get_by_role("button", name="Set password and sign in").click()
        expect(page.get_by_label("New password")).to_have_attribute("aria-invalid", "true")
        page.get_by_role("link", name="Use at least 12 characters").click()
        expect(page.get_by_label("New password")).to_be_focused()
        assert_for_everybody(page, "/link with faults")
        fill_in_new_password(page)
        for path in ("/", "/sign-out", "/password", "/sign-in/again"):
            page.goto(service.url + path)
            assert_for_everybody(page, path)
