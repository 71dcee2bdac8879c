"""What tests of OAuth's clients share: somebody who agrees in a browser, and clients that are registered."""

import re
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.passwords import PASSWORD
from tests.servers import Server, tokenry

USERNAME = "admin"
_FORM = re.compile(r'<form method="post" action="([^"]*)"')
_TICKED = re.compile(r'<input type="checkbox" name="scope" value="([^"]*)" checked>')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@dataclass
class Person:
    """Somebody with a browser that keeps cookies, goes where it is sent within the service, and runs no script."""

    service: Server
    browser: httpx2.Client

    def visit(self, address: str) -> httpx2.Response:
        """Go to an address; the page that it leads to, or what sends the browser out of the service."""
        return self._go_on(self.browser.get(address))

    def submit(self, page: httpx2.Response, **filled_in: str) -> httpx2.Response:
        """Send the first form in the content of a page, with what is ticked there; where that leads."""
        first = page.text.partition("<main")[2].partition("</form>")[0]
        action = _FORM.search(first)
        assert action is not None, page.text
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(first)}
        form = {"scope": _TICKED.findall(first), **hidden, **filled_in}
        told = {"Origin": self.service.url, "Sec-Fetch-Site": "same-origin"}
        return self._go_on(self.browser.post(str(page.url.join(unescape(action[1]))), data=form, headers=told))

    def sign_in(self) -> None:
        """Sign in, by name and password."""
        page = self.visit(f"{self.service.url}/sign-in")
        assert self.submit(page, name=USERNAME, password=PASSWORD).status_code == 200

    def agree(self, address: str) -> str:
        """Let the application in that asks at this address; where the browser is sent back to."""
        page = self.visit(address)
        sent = page if page.is_redirect else self.submit(page, decision="agree")
        assert sent.is_redirect, sent.text
        return sent.headers["location"]

    def _go_on(self, answer: httpx2.Response) -> httpx2.Response:
        while answer.next_request is not None and str(answer.next_request.url).startswith(f"{self.service.url}/"):
            answer = self.browser.send(answer.next_request)
        return answer


class Registered(NamedTuple):
    """What a client was told when it was registered."""

    client_id: str
    secret: str | None


def register(service: Server, label: str, *options: str) -> Registered:
    """Register a client as the operator does."""
    made = tokenry("admin", "client", "create", "--label", label, *options, "--data-dir", str(service.data_dir))
    assert made.returncode == 0, made.stderr
    told = dict(line.split("\t") for line in made.stdout.splitlines())
    return Registered(told["client_id"], told.get("client_secret"))


def read_query(address: str) -> dict[str, str]:
    """The query of the address that a browser was sent back to."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
