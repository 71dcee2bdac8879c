"""Requests to a service whose database fails: each with its status, and how long its answer took."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from tests.servers import Server
from tests.workers import reuse

TOKENS = "/v4/profile/tokens"
CLIENT_SECONDS_MAX = 30
NOT_PRIMARY = "the server is in recovery or read-only: it is not the primary, or takes no changes"


@dataclass(frozen=True)
class Answered:
    """One answer."""

    status: int
    seconds: float
    body: Any


class Service:
    """A service, as its clients see it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> Answered:
        """One request on a connection of its own."""
        with closing(HTTPConnection("127.0.0.1", self._server.port, timeout=CLIENT_SECONDS_MAX)) as line:
            started = time.monotonic()
            status, answer = reuse(line, method, path, token or self._server.token, body)
            return Answered(status, time.monotonic() - started, answer)

    def make(self) -> dict[str, Any]:
        """Make a token."""
        made = self.ask("POST", TOKENS, {})
        assert made.status == 200, made
        token: dict[str, Any] = made.body
        return token

    def verify(self, token: str = "") -> Answered:
        """Ask whether a token is valid; the first one, if none is named."""
        return self.ask("GET", "/verify", token=token)

    def revoke(self, made: dict[str, Any]) -> Answered:
        """Revoke a token."""
        return self.ask("DELETE", f"{TOKENS}/{made['id']}")

    def works(self) -> bool:
        """Whether everything is answered as it should be."""
        answers = [self.verify(), self.ask("POST", TOKENS, {}), self.ask("GET", TOKENS), self.ask("GET", "/readyz")]
        return [answer.status for answer in answers] == [200] * 4


@contextmanager
def at_once(requests: Sequence[Callable[[], Answered]]) -> Iterator[list[Future[Answered]]]:
    """Send all of them; the answers are waited for when the block ends."""
    with ThreadPoolExecutor(len(requests)) as pool:
        yield [pool.submit(request) for request in requests]
