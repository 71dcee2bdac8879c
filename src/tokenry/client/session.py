"""How a call is carried out, without doing any of it: a generator that says what to send and how long to wait."""

import inspect
import json
import logging
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tokenry.addresses import read_base_url
from tokenry.client.answers import read_expiry, read_redirect, read_refusal
from tokenry.client.calls import Call
from tokenry.client.errors import ConnectionFailed, NotFound, NoToken
from tokenry.client.retries import Retries
from tokenry.client.secrets import Secret, hide
from tokenry.client.times import check_seconds
from tokenry.client.transport import Answer, Request

T = TypeVar("T")
Hidden = Secret | Callable[[], str | Secret]
Bearer = str | Hidden
"""A token's text, or a function that is asked for it before each request."""

TIMEOUT_SECONDS = 10.0
SOON = timedelta(days=7)

log = logging.getLogger("tokenry.client")


class TokenExpiresSoon(UserWarning):
    """The token in use expires within seven days."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and say what came back: an Answer, or the ConnectionFailed that was raised."""

    request: Request
    timeout: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait this many seconds."""

    seconds: float


Outcome = Answer | ConnectionFailed
Exchange = Generator[Send | Wait, Outcome | None, T]


class Session:
    """Where a client sends, as whom, and how patiently. Raises ValueError for an address or a token that is none.

    `timeout` is in seconds, for each attempt as a whole. `now` is the clock.
    """

    def __init__(
        self,
        base_url: str,
        token: Hidden | None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._token = token
        self._base_url = read_base_url(base_url)
        self._timeout = check_seconds(timeout, "timeout")
        self._retries = Retries() if retries is None else retries
        self._warned = False
        self.now = now
        if isinstance(token, Secret):
            self._check(token)

    def exchange(self, call: Call[T]) -> Exchange[T]:
        """Carry out a call. Returns what it reads, or raises a TokenryError."""
        bearer = self._current() if call.bearer is None else self._check(call.bearer)
        request = self._request(call, bearer)
        attempt, unanswered = 1, False
        while True:
            outcome = yield Send(request, self._timeout)
            assert outcome is not None
            log.debug("%s: %s", call.request, outcome.status if isinstance(outcome, Answer) else outcome)
            wait = self._retries.wait_seconds(attempt, outcome, self.now()) if call.repeatable else None
            if wait is None:
                break
            log.info("%s: attempt %d failed, the next one in %.1f s", call.request, attempt, wait)
            attempt, unanswered = attempt + 1, unanswered or (isinstance(outcome, ConnectionFailed) and outcome.sent)
            yield Wait(wait)
        if isinstance(outcome, ConnectionFailed):
            outcome.sent |= unanswered
            raise outcome.with_traceback(None)
        return self._read(call, bearer, outcome, unanswered=unanswered)

    def _request(self, call: Call[T], bearer: Secret) -> Request:
        headers = [("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "tokenry-client")]
        body = None
        if call.body is not None:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(call.body, default=Secret.reveal).encode("ascii")
        return Request(call.method, f"{self._base_url}{call.target}", bearer, (*headers, *call.headers), body)

    def _current(self) -> Secret:
        if self._token is None:
            raise NoToken
        return self._token if isinstance(self._token, Secret) else self._check(hide(self._token()))

    def _check(self, secret: Secret) -> Secret:
        if not secret.is_sendable:
            raise ValueError("A token is visible ASCII characters without a space; this is not one")
        if secret.stands_in(self._base_url):  # messages name the address
            raise ValueError("The address contains the token: leave it out")
        return secret

    def _read(self, call: Call[T], bearer: Secret, answer: Answer, *, unanswered: bool) -> T:
        if call.bearer is None:
            self._warn(read_expiry(answer))
        named = f"{call.method} {self._base_url}{call.path}"
        if answer.status in call.statuses:
            value = call.read(named, answer)
            for preview, expiry in call.shown(value):
                if preview == bearer.preview:
                    self._warn(expiry)
            return value
        if 300 <= answer.status < 400:
            raise read_redirect(named, answer, bearer)
        refusal = read_refusal(named, answer, bearer, self.now())
        if isinstance(refusal, NotFound) and call.method == "DELETE" and unanswered:
            return call.read(named, Answer(200, body=b"{}"))  # the attempt without an answer did it
        raise refusal

    def _warn(self, expiry: datetime | None) -> None:
        """Warn, once, if the token in use expires soon; not of one that a function replaces in time."""
        if expiry is None or self._warned or callable(self._token) or expiry - self.now() > SOON:
            return
        self._warned = True
        text = f"The token in use expires at {expiry:%Y-%m-%d %H:%M} UTC"
        warnings.warn(text, TokenExpiresSoon, stacklevel=_outside())


def _outside() -> int:
    """How far up the stack, for a warning, the caller of this package is."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        frame, depth = frame.f_back, depth + 1
    return depth
