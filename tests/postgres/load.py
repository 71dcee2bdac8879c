"""Tokens that are made, asked for all the time and revoked while the database fails; what was answered is kept."""

import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, NamedTuple

from tests.histories import Act, Operation, find_contradiction
from tests.servers import Server
from tests.threads import at_work
from tests.workers import reuse

TOKENS = "/v4/profile/tokens"
REQUESTS: dict[str, tuple[str, object]] = {"create": ("POST", {}), "revoke": ("DELETE", None), "verify": ("GET", None)}
OWNERS = 3
READERS = 3
PAUSE_SECONDS = 0.02
WATCHED_SECONDS = 0.5
"""So long a token is asked for before it is revoked, and afterwards."""
ANSWER_SECONDS_MAX = 20


@dataclass
class Watched:
    """A token and its history."""

    text: str = field(repr=False)
    id: int
    history: list[Operation]


class Verified(NamedTuple):
    """A verification: when it was asked for, when it was answered, and with which status."""

    asked: float
    answered: float
    status: int


class Load:
    """Owners and readers of tokens, who take any answer."""

    def __init__(self, server: Server) -> None:
        now = time.monotonic()
        self.tokens = [Watched(server.token, 1, [Operation(Act.CREATE, now, now)])]
        """All of them; the first one is asked for all the time."""
        self.answers: Counter[tuple[str, int]] = Counter()
        self.slowest: dict[str, float] = {}
        """Of each kind of request the longest time to an answer, in seconds."""
        self.verified: list[Verified] = []
        self._server = server
        self._watched = [*self.tokens]
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let them work for the length of a block."""
        with at_work([self._own] * OWNERS + [self._read] * READERS, 2 * ANSWER_SECONDS_MAX):
            yield

    def contradictions(self) -> list[Operation]:
        """What nothing explains: the first of each token."""
        return list(filter(None, (find_contradiction(token.history) for token in self.tokens)))

    def first_valid_after(self, moment: float) -> float:
        """How many seconds after a moment the first token was called valid that had been asked for since."""
        return min(each.answered for each in self.between(moment) if each.status == 200) - moment

    def count_valid_after(self, moment: float) -> int:
        """How often a token was called valid that had been asked for since."""
        return sum(each.status == 200 for each in self.between(moment))

    def between(self, start: float, end: float = math.inf) -> list[Verified]:
        """The verifications that were asked for and answered between two moments."""
        return [each for each in self.verified if start < each.asked and each.answered < end]

    def _own(self, stop: threading.Event) -> None:
        with self._line() as line:
            while not stop.is_set():
                started = time.monotonic()
                status, made = self._ask(line, "create", TOKENS, self._server.token)
                if status != 200:
                    stop.wait(PAUSE_SECONDS)
                    continue
                token = Watched(made["token"], made["id"], [Operation(Act.CREATE, started, time.monotonic())])
                self.tokens.append(token)
                self._watched = [*self._watched, token]
                stop.wait(WATCHED_SECONDS)
                started = time.monotonic()
                status, _ = self._ask(line, "revoke", f"{TOKENS}/{token.id}", self._server.token)
                with self._lock:
                    done = Operation(Act.REVOKE, started, time.monotonic()) if status == 200 else None
                    token.history.append(done or Operation(Act.REVOKE, started))  # or perhaps not at all
                stop.wait(WATCHED_SECONDS)
                self._watched = [each for each in self._watched if each is not token]

    def _read(self, stop: threading.Event) -> None:
        with self._line() as line:
            for number in itertools.count():
                if stop.wait(PAUSE_SECONDS):
                    return
                watched = self._watched
                token = watched[number % len(watched)]
                started = time.monotonic()
                status, _ = self._ask(line, "verify", "/verify", token.text)
                ended = time.monotonic()
                self.verified.append(Verified(started, ended, status))
                if status in {200, 401}:
                    act = Act.ACCEPTED if status == 200 else Act.REFUSED
                    with self._lock:
                        token.history.append(Operation(act, started, ended))

    def _ask(self, line: HTTPConnection, what: str, path: str, token: str) -> tuple[int, Any]:
        started = time.monotonic()
        method, body = REQUESTS[what]
        status, answer = reuse(line, method, path, token, body)
        self.answers[what, status] += 1
        self.slowest[what] = max(self.slowest.get(what, 0), time.monotonic() - started)
        return status, answer

    def _line(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self._server.port, timeout=ANSWER_SECONDS_MAX))
