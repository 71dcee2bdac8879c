"""Tokens that live and end while every worker is asked for them all the time; what was done and said is kept."""

import itertools
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from subprocess import CompletedProcess
from typing import Any

from tests.histories import ANSWERS, Act, Operation
from tests.servers import Server, tokenry
from tests.workers import connection_of_each, reuse

READERS = 4
ANSWERS_EACH = 8
"""So often each token is asked for between two of its changes: by all readers together, of every worker."""
PAUSE_SECONDS = 0.001
"""Between two rounds of a reader, so that others have a turn."""
SECONDS_MAX = 60
TOKENS = "/v4/profile/tokens"


@dataclass
class Token:
    """A token under observation, and its history."""

    text: str = field(repr=False)
    id: int
    history: list[Operation] = field(default_factory=list)

    def answers_since(self, moment: float) -> int:
        """How many of the last answers are to questions that were asked after a moment."""
        last = self.history[-4 * ANSWERS_EACH :]
        return sum(operation.start > moment and operation.act in ANSWERS for operation in last)


class Observation:
    """Readers that ask all workers, in turn, for all tokens that are watched."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tokens: list[Token] = []
        self.unexpected: Counter[int] = Counter()
        self._watched: list[Token] = []
        self._stop = threading.Event()
        self._answered = threading.Condition()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the readers read for the length of a block."""
        lines = [[Line(connection) for connection in connection_of_each(self.server)] for _ in range(READERS)]
        with ThreadPoolExecutor(READERS) as pool:
            readers = [pool.submit(self._read, each) for each in lines]
            try:
                yield
            finally:
                self._stop.set()
                for reader in readers:
                    reader.result()

    def watch(self, text: str, id: int, created: Operation) -> Token:
        """Ask for this token too, from now on."""
        token = Token(text, id, [created])
        self.tokens.append(token)
        self._watched = [*self._watched, token]
        return token

    def unwatch(self, *tokens: Token) -> None:
        """Ask for these no longer."""
        self._watched = [token for token in self._watched if token not in tokens]

    def wait(self, *tokens: Token) -> None:
        """Wait until these have been asked for, and answered, some more times."""
        now = time.monotonic()
        with self._answered:
            enough = self._answered.wait_for(
                lambda: all(token.answers_since(now) >= ANSWERS_EACH for token in tokens), SECONDS_MAX
            )
        assert enough, "the readers do not come round"

    def _read(self, lines: Sequence["Line"]) -> None:
        for line in itertools.cycle(lines):
            if self._stop.wait(PAUSE_SECONDS):
                break
            for token in self._watched:
                start = time.monotonic()
                status = line.verify(token.text)
                end = time.monotonic()
                if status not in {200, 401}:
                    self.unexpected[status] += 1
                    continue
                with self._answered:
                    token.history.append(Operation(Act.ACCEPTED if status == 200 else Act.REFUSED, start, end))
                    self._answered.notify_all()
        for line in lines:
            line.close()


class Line:
    """A kept connection to one worker, for verifications alone and with less work than a client's."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        assert isinstance(connection.sock, socket.socket)
        self._socket = connection.sock

    def verify(self, text: str) -> int:
        """The status of the answer."""
        self._socket.sendall(f"GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {text}\r\n\r\n".encode("ascii"))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        return int(head[9:12])

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(4096)
        assert data, "the service hung up"
        return data


class Owner:
    """Somebody who makes tokens and ends them, through one worker after the other."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._token = observation.server.token
        self._connections = connection_of_each(observation.server)

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.close()

    def live(self, ending: Callable[["Owner", Token], Sequence[Token]]) -> None:
        """Make a token, end it, and have it asked for throughout."""
        made, during = self.timed(Act.CREATE, "POST", TOKENS, {"scopes": "account:read_write"})
        token = self._observation.watch(made["token"], made["id"], during)
        self._observation.wait(token)
        ended = [token, *ending(self, token)]
        self._observation.wait(*ended)
        self._observation.unwatch(*ended)

    def delete(self, token: Token) -> Sequence[Token]:
        """By somebody else."""
        token.history.append(self.timed(Act.REVOKE, "DELETE", f"{TOKENS}/{token.id}")[1])
        return ()

    def delete_itself(self, token: Token) -> Sequence[Token]:
        """By itself."""
        token.history.append(self.timed(Act.REVOKE, "DELETE", f"{TOKENS}/{token.id}", by=token.text)[1])
        return ()

    def revoke_with_others(self, token: Token) -> Sequence[Token]:
        """As one of several."""
        others = [self.timed(Act.CREATE, "POST", TOKENS, {}) for _ in range(3)]
        watched = [self._observation.watch(made["token"], made["id"], during) for made, during in others]
        self._observation.wait(*watched)
        ids = [each.id for each in (token, *watched)]
        _, during = self.timed(Act.REVOKE, "POST", "/v4/account/tokens/revoke", {"ids": ids})
        for each in (token, *watched):
            each.history.append(during)
        return watched

    def rotate_away(self, token: Token) -> Sequence[Token]:
        """By another secret, without any grace."""
        body = {"grace": 0, "activate": "now"}
        made, during = self.timed(Act.REVOKE, "POST", f"{TOKENS}/{token.id}/rotate", body)
        token.history.append(during)
        next_one = self._observation.watch(made["token"], made["id"], Operation(Act.CREATE, during.start, during.end))
        self._observation.wait(next_one)
        self.delete(next_one)
        return [next_one]

    def keep_elsewhere(self, token: Token) -> Sequence[Token]:
        """Bound to other networks, let back in, and deleted."""
        for act, networks in ((Act.FORBID, ["192.0.2.0/24"]), (Act.ALLOW, [])):
            path = f"{TOKENS}/{token.id}/details"
            token.history.append(self.timed(act, "PUT", path, {"networks": networks}, switch="networks")[1])
            self._observation.wait(token)
        return self.delete(token)

    def make_user(self, username: str) -> None:
        """Make a user of the same account, who has no tokens yet."""
        self.timed(Act.CREATE, "POST", "/v4/account/users", {"username": username, "email": f"{username}@example.org"})

    def timed(
        self, act: Act, method: str, path: str, body: object = None, *, by: str = "", switch: str = ""
    ) -> tuple[Any, Operation]:
        """Do something by a request; what it answers, and when it was."""
        start = time.monotonic()
        status, answer = reuse(self._next_worker(), method, path, by or self._token, body)
        end = time.monotonic()
        assert status == 200, answer
        return answer, Operation(act, start, end, switch)

    def _next_worker(self) -> HTTPConnection:
        first = self._connections.pop(0)
        self._connections.append(first)
        return first


ENDINGS = (
    Owner.delete,
    Owner.rotate_away,
    Owner.keep_elsewhere,
    Owner.revoke_with_others,
    Owner.delete_itself,
)


class Operator:
    """Somebody who ends tokens by commands, each a process of its own."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._place = ("--data-dir", str(observation.server.data_dir))

    def live(self, owner: Owner) -> None:
        """Revoke one token; make another of a user's, and disable the user."""
        owner.live(self._revoke)
        owner.make_user("eve")
        printed, during = self._timed(Act.CREATE, "token", "create", "--user", "eve", "--expires", "1h")
        made = re.match(r"tokenry: Token (\d+) ", printed.stderr)
        assert made is not None
        token = self._observation.watch(printed.stdout.strip(), int(made[1]), during)
        self._observation.wait(token)
        token.history.append(self._timed(Act.FORBID, "user", "disable", "eve", switch="user")[1])
        self._observation.wait(token)
        self._observation.unwatch(token)

    def _revoke(self, _owner: Owner, token: Token) -> Sequence[Token]:
        token.history.append(self._timed(Act.REVOKE, "token", "revoke", str(token.id))[1])
        return ()

    def _timed(self, act: Act, *command: str, switch: str = "") -> tuple[CompletedProcess[str], Operation]:
        start = time.monotonic()
        done = tokenry("admin", *command, *self._place)
        end = time.monotonic()
        assert done.returncode == 0, done.stderr
        return done, Operation(act, start, end, switch)


def count_meanwhile(token: Token) -> int:
    """How many answers were under way while the token was changed."""
    reads = [each for each in token.history if each.act in ANSWERS]
    changes = [each for each in token.history if each.act not in ANSWERS and each.act is not Act.CREATE]
    return sum(read.start < change.end and change.start < read.end for read in reads for change in changes)
