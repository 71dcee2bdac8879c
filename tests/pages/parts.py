"""What tests of pages do: visit them as a browser does, and be signed in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

import httpx2
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.api.parts import routes
from tests.conftest import App
from tests.making import OPERATOR
from tests.passwords import hash_of_password
from tokenry.domain.accounts import Origin
from tokenry.domain.secrets import Secret
from tokenry.pages.page import Page
from tokenry.service.installation import Installation
from tokenry.service.passwords import put_password
from tokenry.storage.users import claim_user, find_user
from tokenry.wiring import open_installation

PUBLIC_URL = "https://tokens.example.com"
OVERVIEW = "/console/sessions"
"""Which says who is signed in."""
APPLICATIONS = "/console/applications"
_FIELD = re.compile(r'<input type="hidden" name="([\w.]+)" value="([^"]*)">')


@dataclass
class Visitor:
    """Somebody with a browser, whose redirects are followed by hand."""

    client: TestClient

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, form: Mapping[str, str | list[str]], **headers: str) -> httpx2.Response:
        """Send a form as it is given, with what browsers say of where it comes from."""
        told = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin", **headers}
        return self.client.post(path, data=dict(form), headers={name: value for name, value in told.items() if value})

    def submit(self, path: str, *, at: str | None = None, **form: str) -> httpx2.Response:
        """Get the page of a form, fill it in, and send it."""
        return self.post(path, {**fields_of(self.get(at or path).text), **form})

    def is_signed_in(self) -> bool:
        return "You are signed in as" in self.get(OVERVIEW).text


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    return {name: unescape(value) for name, value in _FIELD.findall(page)}


def fields_of(page: str, action: str = "") -> dict[str, str]:
    """What browsers send of the forms of a page, or of those that lead to `action`, whatever is chosen in them.

    That is what is typed or hidden, and lists.
    """
    reader = _FormReader(action)
    reader.feed(page)
    return reader.fields


class _FormReader(HTMLParser):
    """Reads what forms that are sent by POST begin with; of a list, its first choice or the one that is selected."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._posted = False
        self._name: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name = told.get("name", "")
        if tag == "form":
            self._posted = told.get("method") == "post" and self._action in {"", told["action"]}
        elif not self._posted or told.get("type") in {"checkbox", "radio"}:
            return
        elif tag == "input" and name:
            self.fields[name] = told["value"]
        elif tag in {"select", "textarea"}:
            self._name = name
            self.fields[name] = ""
        elif tag == "option" and self._name and (not self.fields[self._name] or "selected" in told):
            self.fields[self._name] = told["value"]

    def handle_data(self, data: str) -> None:
        if self._name and self.lasttag == "textarea":
            self.fields[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"select", "textarea"}:
            self._name = None
        elif tag == "form":
            self._posted = False


def visitor(app: App, address: str = "testclient") -> Visitor:
    client = TestClient(
        app.client.app,
        base_url=app.settings.public_url or PUBLIC_URL,
        raise_server_exceptions=False,
        follow_redirects=False,
        client=(address, 50000),
    )
    client.portal = app.client.portal  # else each request would start a thread and an event loop of its own
    return Visitor(client)


def pages(app: App) -> list[Route]:
    """The routes of all pages."""
    return [route for route in routes(app) if isinstance(route.app, Page)]


def sign_in_as(app: App, visitor: Visitor, username: str = "admin", *, cookie: str | None = None) -> str:
    """Begin a session beside the service; the text of its cookie, or of another, which the visitor then has."""
    if cookie is None:
        do = open_installation(app.settings, app.clock)
        with do.transactions.change(Origin("test")) as change:
            user = find_user(change.connection, username)
            assert user is not None
            cookie = do.sessions.begin_session(change, user.id, method="password", address=None, agent=None).reveal()
        do.database.close()
    visitor.client.cookies.set("__Host-tokenry", cookie, domain="tokens.example.com", path="/")
    return cookie


def choose_password(app: App, do: Installation, username: str, password: str) -> Visitor:
    """Give somebody a password, by a link; the browser in which that was done."""
    ada = visitor(app)
    answer = ada.get(f"/link/{do.links.make_link(OPERATOR, username).reveal()}")
    assert answer.headers["location"] == "/link"
    answer = ada.submit("/link", password=password, again=password)
    assert answer.status_code == 303, answer.text
    return ada


def give_password(app: App, do: Installation, username: str = "admin") -> Visitor:
    """Give somebody the password of tests, beside the service; a browser in which it has just been used."""
    with do.transactions.change(OPERATOR) as change:
        user = find_user(change.connection, username)
        assert user is not None
        claim_user(change.connection, user.id)
        put_password(change, user, hash_of_password(), by="link")
    who = do.passwords.find_signing_in(username, None)
    secret = do.passwords.sign_in(who, address="testclient", agent="testclient")
    assert isinstance(secret, Secret)
    ada = visitor(app)
    sign_in_as(app, ada, cookie=secret.reveal())
    return ada
