"""What tests of second factors do: set one up, and show what an app would."""

import json
import re
from html import unescape
from typing import Any

import httpx2
from pyotp import TOTP

from tests.conftest import App
from tests.devices import Device
from tests.pages.parts import PUBLIC_URL, Visitor, hidden, visitor
from tests.passwords import PASSWORD
from tokenry.service.installation import Installation
from tokenry.storage import audit

_KEY = re.compile(r"Key: <code>([A-Z2-7 ]+)</code>")
_CODES = re.compile(r"<li><code>([0-9a-z-]+)</code></li>")
_OPTIONS = re.compile(r'data-options="([^"]*)"')
SET_UP = "/sign-in/security/one-time-passwords"
PASSKEYS = "/sign-in/security/passkeys"
SECOND = "/sign-in/second"


def read_key(page: str) -> str:
    found = _KEY.search(page)
    assert found, page
    return found[1].replace(" ", "")


def read_codes(page: str) -> list[str]:
    return _CODES.findall(page)


def read_options(page: str) -> str:
    """What the page asks a browser for a passkey by."""
    found = _OPTIONS.search(page)
    assert found, page
    return unescape(found[1])


def code_of(app: App, key: str, steps: int = 0) -> str:
    """What an app shows now, or so many steps later."""
    return TOTP(key).at(int(app.clock.seconds) + 30 * steps)


def set_up(app: App, ada: Visitor) -> tuple[str, list[str]]:
    """Set up one-time passwords as who is signed in; the key, and the recovery codes."""
    page = ada.get(SET_UP).text
    key = read_key(page)
    answer = ada.post(SET_UP, {**hidden(page), "code": code_of(app, key)})
    assert answer.status_code in {200, 303}, answer.text
    app.clock.seconds += 30
    return key, read_codes(answer.text)


def new_device() -> Device:
    return Device(PUBLIC_URL, "tokens.example.com", count=0)


def answer_with(ada: Visitor, path: str, answer: str, page: str, **form: str) -> httpx2.Response:
    """Send the passkey form of a page with what a browser answers."""
    form_of_passkey = page[page.index("data-options") :]
    return ada.post(path, {**hidden(form_of_passkey), "answer": answer, **form})


def register(ada: Visitor, device: Device, label: str = "phone") -> httpx2.Response:
    page = ada.get(PASSKEYS).text
    return answer_with(ada, PASSKEYS, device.make(read_options(page)), page, label=label)


def use_passkey(ada: Visitor, device: Device, at: str = "/sign-in/passkey") -> httpx2.Response:
    page = ada.get(at).text
    return answer_with(ada, "/sign-in/passkey", device.sign(read_options(page)), page)


def begin(app: App, ada: Visitor | None = None, *, next: str = "/") -> Visitor:
    """Get the password right, and no further."""
    ada = ada or visitor(app)
    answer = ada.submit("/sign-in", at=f"/sign-in?next={next}", name="admin", password=PASSWORD)
    assert answer.headers["location"].startswith(SECOND), answer.text
    return ada


def events_of(do: Installation, subject: str) -> list[tuple[str, dict[str, object]]]:
    """What was recorded of something, the oldest first."""
    with do.database.read() as connection:
        found = audit.list_events(connection, limit=100, subject=subject)
    return [(event.action, dict(event.details)) for event in reversed(found)]


def asked(page: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(read_options(page))
    return options
