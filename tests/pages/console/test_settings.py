"""Settings of the console, and that it speaks to somebody as they say."""

from tests.conftest import App
from tests.pages.parts import Visitor, sign_in_as, visitor

SETTINGS = "/console/settings"
GERMAN, ENGLISH = {"accept-language": "de-DE,de;q=0.9"}, {"accept-language": "en"}


def test_times_are_shown_in_the_time_zone_of_the_user(admin: Visitor) -> None:
    assert "UTC</small>" in admin.get("/console/sessions").text
    answer = admin.submit(SETTINGS, timezone="Europe/Berlin", language="")
    assert (answer.status_code, answer.headers["location"]) == (303, SETTINGS)
    assert "Your settings are saved." in admin.get(SETTINGS).text
    page = admin.get("/console/sessions").text
    assert "UTC</small>" not in page
    assert "CET</small>" in page or "CEST</small>" in page


def test_time_zone_that_cannot_be_is_said_beside_its_field(admin: Visitor) -> None:
    answer = admin.submit(SETTINGS, timezone="../etc/passwd", language="")
    assert (answer.status_code, 'href="#timezone"' in answer.text) == (400, True)
    assert 'value="../etc/passwd"' in answer.text


def test_time_zone_that_this_system_does_not_know_is_shown_as_utc(admin: Visitor) -> None:
    assert admin.submit(SETTINGS, timezone="Mars/Olympus", language="").status_code == 303
    assert "UTC</small>" in admin.get("/console/sessions").text


def test_language_that_was_chosen_is_shown_before_that_of_the_browser(admin: Visitor) -> None:
    assert '<html lang="de">' in admin.get(SETTINGS, **GERMAN).text
    admin.submit(SETTINGS, timezone="UTC", language="de")
    page = admin.get(SETTINGS, **ENGLISH).text
    assert ('<html lang="de">' in page, "Ihre Einstellungen sind gespeichert." in page) == (True, True)
    assert '<option value="de" lang="de" selected>Deutsch</option>' in page
    admin.submit(SETTINGS, timezone="UTC", language="en")
    assert '<html lang="en">' in admin.get(SETTINGS, **GERMAN).text
    admin.submit(SETTINGS, timezone="UTC", language="")
    assert '<html lang="de">' in admin.get(SETTINGS, **GERMAN).text


def test_language_is_the_users_in_every_browser_and_the_browsers_before_signing_in(site: App, admin: Visitor) -> None:
    admin.submit(SETTINGS, timezone="UTC", language="de")
    elsewhere = visitor(site)
    assert '<html lang="en">' in elsewhere.get("/sign-in", **ENGLISH).text
    sign_in_as(site, elsewhere)
    elsewhere.client.cookies.set("__Host-tokenry-language", "en", domain="tokens.example.com", path="/")
    assert '<html lang="de">' in elsewhere.get("/console", **ENGLISH).text
    assert '<html lang="de">' in elsewhere.get("/console/tokens/999", **ENGLISH).text, "a refusal too"
    admin.submit("/sign-out", at="/console")
    assert '<html lang="de">' in admin.get("/sign-in", **ENGLISH).text


def test_language_that_there_is_not_is_said_beside_its_field(admin: Visitor) -> None:
    answer = admin.submit(SETTINGS, timezone="UTC", language="xx")
    assert (answer.status_code, 'href="#language"' in answer.text) == (400, True)
