"""The front door: what somebody is shown, or a program told, that comes without a session."""

import json
from pathlib import Path

from tests.conftest import App, Clock, make_app
from tests.pages.parts import PUBLIC_URL, Visitor, visitor
from tokenry import __version__

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_browser_is_shown_what_this_is_and_where_to_go(ada: Visitor) -> None:
    answer = ada.get("/", Accept=BROWSER)
    assert (answer.status_code, answer.headers["vary"]) == (200, "Accept, Accept-Language, Cookie")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "set-cookie" not in answer.headers
    for wanted in ('href="/sign-in"', 'href="/docs"', 'href="/device"', f"tokenry login {PUBLIC_URL}"):
        assert wanted in answer.text
    assert ada.client.head("/", headers={"Accept": BROWSER}).headers["content-length"] == str(len(answer.content))


def test_programs_are_told_the_same_as_json(ada: Visitor) -> None:
    for accept in ("*/*", "application/json", "application/json, text/plain;q=0.5"):
        answer = ada.get("/", Accept=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        told = json.loads(answer.text)
        assert (told.pop("name"), told.pop("version")) == ("tokenry", __version__)
        for path in (told.pop("documentation"), told.pop("openapi"), f"{told.pop('api')}/profile"):
            assert ada.get(path).status_code in {200, 401}
        assert told == {}


def test_who_is_signed_in_is_led_on_whatever_is_accepted(admin: Visitor) -> None:
    for accept in (BROWSER, "*/*"):
        answer = admin.get("/", Accept=accept)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")


def test_nobody_is_sent_to_sign_in_where_nobody_can(tmp_path: Path, clock: Clock) -> None:
    app: App = make_app(tmp_path / "data", clock)
    with app.client:
        page = visitor(app).get("/", Accept=BROWSER)
    assert (page.status_code, "/sign-in" in page.text, "/docs" in page.text) == (200, False, True)
