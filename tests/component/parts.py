"""A page of a product with the component, from a server of its own, under a policy that lets it do nothing else."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

from tests.servers import Server
from tokenry.client import Client
from tokenry.component.script import read_script

SCOPES_TOML = """
[invoices]
levels = ["read_only", "read_write"]
description = "Invoices, and sending them"

[customers]
levels = ["read_only", "read_write"]
description = "Customers, with their addresses"
"""
CEILING = "invoices:read_write customers:read_only"
STYLE = (
    ":root { color-scheme: light dark } body { background: light-dark(#fff, #12161d); color: light-dark(#111, #eee) }"
)
"""Of the page alone."""
FAILED = "Failed to load resource: "
TABS_MAX = 30


class Product:
    """A product's pages: `/` and a user's name is the page with the component for that user."""

    service: Server
    origin: str
    backend: Client

    def __init__(self) -> None:
        self._numbers = count()

    def new_user(self) -> str:
        """Somebody who has no tokens yet."""
        name = f"user-{next(self._numbers)}"
        self.backend.users.put(name)
        return name

    def page_token(self, user: str) -> str:
        """What the backend gives the user's browser."""
        return self.backend.users.create_page_token(user).secret.reveal()

    def write_page(self, user: str) -> str:
        """Write the page."""
        element = f'<tokenry-tokens api="{self.service.url}" token="{self.page_token(user)}"></tokenry-tokens>'
        return (
            '<!doctype html><html lang="en"><title>Settings</title><meta name="viewport" content="width=device-width">'
            f"<style>{STYLE}</style>{read_script().write_element(self.service.url)}"
            f"<main><h1>Access tokens</h1>{element}</main></html>"
        )

    @property
    def policy(self) -> str:
        """What a browser may do in it: run scripts of the service, which write no HTML, and ask the service."""
        return (
            f"default-src 'none'; script-src {self.service.url}; connect-src {self.service.url}; base-uri 'none'; "
            f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
            "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        )


@contextmanager
def pages_of(product: Product) -> Iterator[str]:
    """Serve them on this machine for the length of a block; their origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = product.write_page(self.path.removeprefix("/")).encode() if self.path != "/favicon.ico" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", product.policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Shown:
    """The page, as its user has it open."""

    product: Product
    user: str
    page: Page

    def open(self) -> None:
        """Open it, or open it again."""
        self.page.goto(f"{self.product.origin}/{self.user}")
        self.button("New token").wait_for()

    def button(self, name: str) -> Locator:
        """A button that can be used."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    @property
    def status(self) -> Locator:
        """Where is said what was done."""
        return self.page.locator("tokenry-tokens").get_by_role("status").first

    def send(self) -> None:
        """Send the form of the dialog."""
        self.dialog.locator("button[type=submit], button:not([type])").click()

    def create(self, label: str, *scopes: str) -> str:
        """Create a token, and say that its secret is saved: the secret."""
        self.button("New token").click()
        self.dialog.get_by_label("Name").fill(label)
        for scope in scopes or ("invoices:read_only",):
            self.dialog.get_by_label(scope).check()
        self.send()
        secret = self.read_secret()
        self.button("I have saved it").click()
        return secret

    def read_secret(self) -> str:
        """What the dialog shows, once it does."""
        return self.dialog.locator(".secret").inner_text()

    def has_focus(self, wanted: Locator) -> bool:
        """Whether the focus is on an element within the component."""
        focused: bool = wanted.evaluate("element => element.getRootNode().activeElement === element")
        return focused

    def tab_to(self, wanted: Locator) -> None:
        """Get to an element with the Tab key alone, and see where one is."""
        for _ in range(TABS_MAX):
            if self.has_focus(wanted):
                assert wanted.evaluate("element => getComputedStyle(element).outlineWidth") == "3px"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} cannot be reached")


@contextmanager
def showing(browser: Browser, product: Product) -> Iterator[Shown]:
    """A page of a new user's, for the length of a block; fail if it says anything, or asks anybody else."""
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if not message.text.startswith(FAILED):  # which the browser says of each
            told.append(message.text)

    def ask(request: Request) -> None:
        if not request.url.startswith((f"{product.service.url}/", f"{product.origin}/")):
            told.append(request.url)

    permissions = ["clipboard-read", "clipboard-write"]
    with browser.new_context(permissions=permissions) as context:
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", ask)
        shown = Shown(product, product.new_user(), page)
        shown.open()
        yield shown
        assert told == []
