"""A real OpenID provider on loopback: npm's `oidc-provider`, and somebody's browser there."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from tests.node import NODE, PACKAGES, need_modules
from tests.servers import STOP_SECONDS_MAX, UNTIL_WE_END, environment, free_port

CLIENT_ID, CLIENT_SECRET = "tokenry", "the client's secret: & + % ="
STEPS_MAX = 12
_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass
class RealProvider:
    """A provider that runs, and knows its people by the names with which they sign in."""

    url: str
    process: subprocess.Popen[str]

    def rotate(self) -> None:
        """Sign with other keys, and publish no others."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "other keys\n"


@contextmanager
def real_provider(people: Mapping[str, Mapping[str, Any]], *callbacks: str) -> Iterator[RealProvider]:
    """Run one, with a client that people come back to by `callbacks`."""
    need_modules()
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": callbacks}
    described = json.dumps({"port": free_port(), "clients": [client], "people": people})
    with subprocess.Popen(
        [*UNTIL_WE_END, NODE, "provider.js", described],
        cwd=PACKAGES,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the provider did not start"
        try:
            yield RealProvider(url, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # which ends it; a signal would end the wheel's own program before it alone
            process.wait(STOP_SECONDS_MAX)


class Somebody:
    """Somebody's browser at the provider, which keeps its cookies there."""

    def __init__(self, login: str) -> None:
        self.login = login
        self._client = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0))

    def let_in(self, address: str) -> str:
        """Sign in and agree where an address leads to; the address that it leads back to, elsewhere."""
        host = urlsplit(address).netloc
        answer = self._client.get(address)
        for _ in range(STEPS_MAX):
            location = urljoin(str(answer.url), answer.headers.get("location", ""))
            if answer.is_redirect and urlsplit(location).netloc != host:
                return location
            answer = self._client.get(location) if answer.is_redirect else self._fill_in(answer)
        raise AssertionError(f"the provider leads nowhere: {answer.text}")

    def cancel(self, address: str) -> str:
        """Go where an address leads to, and do not sign in; the address that it leads back to."""
        answer = self._client.get(address, follow_redirects=True)
        aborted = self._client.get(urljoin(str(answer.url), f"{answer.url.path}/abort"))
        return str(self._client.get(aborted.headers["location"]).headers["location"])

    def _fill_in(self, answer: httpx2.Response) -> httpx2.Response:
        action = _ACTION.search(answer.text)
        assert action is not None, answer.text
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(answer.text)}
        form = {**hidden, "login": self.login, "password": "any"}
        return self._client.post(urljoin(str(answer.url), unescape(action[1])), data=form)
