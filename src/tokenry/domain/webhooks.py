"""Webhooks: programs that are told what the audit records, by signed messages (standardwebhooks.com, version 1.0.0)."""

import hmac
import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from tokenry.addresses import find_authority_problem
from tokenry.domain.actions import ACTIONS, unknown_action
from tokenry.domain.audit import Entry
from tokenry.domain.errors import Fault
from tokenry.moments import write_moment

URL_LENGTH_MAX = 1024
WEBHOOKS_MAX = 20
"""Of an account; and of the whole installation as many more."""
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
GRACE = timedelta(days=1)
GRACE_MAX = timedelta(days=7)
RETRIED_FOR = timedelta(days=3)
"""How long a message is tried, from the event on."""
KEPT_FOR = timedelta(days=30)
"""How long one that was never taken is kept, to be sent by hand."""
BACKOFF_SECONDS = 5
BACKOFF_FACTOR = 4
BACKOFF_SECONDS_MAX = 3600
PAUSE_SECONDS_MAX = 300
WAITING_MAX = 100_000
"""Messages that may wait for a webhook, about: it is looked at each time that something was sent there, or tried."""

_URL = re.compile(r"(https?)://([^/?#]*+)(?:[/?][!-~]*+)?", re.ASCII)


class Disabling(StrEnum):
    """Why a webhook was disabled by nobody."""

    GONE = "gone"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program that is told of some `actions`, or of all if there are none. `disabled_for` is there if nobody did it.

    One without an account is the operator's, and is told of the whole installation. Until `previous_until` the secret
    before this one signs as well. Until `resting_until` it is sent nothing but what somebody sends again by hand, since
    it failed or was slow.
    """

    id: int
    account_id: int | None
    url: str
    actions: frozenset[str]
    created: datetime
    disabled: datetime | None = None
    previous_until: datetime | None = None
    disabled_for: Disabling | None = None
    resting_until: datetime | None = None

    def differences(self, before: "Webhook") -> dict[str, dict[str, object]]:
        """What was changed of it, from and to, as JSON; of an address the origin alone."""
        pairs: dict[str, tuple[Any, Any, Callable[[Any], object]]] = {
            "url": (before.url, self.url, origin_of),
            "events": (before.actions, self.actions, sorted),
            "disabled": (before.disabled, self.disabled, bool),
        }
        return {name: {"from": show(old), "to": show(new)} for name, (old, new, show) in pairs.items() if old != new}


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """Wanted settings; None leaves one as it is. `faults` are those found while reading the request."""

    url: str | None = None
    actions: frozenset[str] | None = None
    disabled: bool | None = None
    faults: tuple[Fault, ...] = ()

    def check(self) -> list[Fault]:
        """Say everything that is wrong with it."""
        faults = list(self.faults)
        problem = None if self.url is None else _find_problem(self.url)
        if problem is not None:
            faults.append(Fault(problem, "url"))
        actions = self.actions or frozenset()
        if len(actions) > len(ACTIONS):
            faults.append(Fault(f"Must be at most {len(ACTIONS)} events", "events"))
        else:
            faults += [unknown_action(action, "events") for action in sorted(actions - ACTIONS)]
        return faults

    def applied_to(self, webhook: Webhook, now: datetime) -> Webhook:
        """The webhook as it is to be."""
        if self.disabled is not None and self.disabled != (webhook.disabled is not None):
            webhook = replace(webhook, disabled=now if self.disabled else None, disabled_for=None)
        url, actions = self.url or webhook.url, webhook.actions if self.actions is None else self.actions
        return replace(webhook, url=url, actions=actions)


class SigningKey:
    """What messages are signed with, and receivers check them by. Only `reveal()` gives it away."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make one."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    @property
    def raw(self) -> bytes:
        """What is sealed."""
        return self._key

    def reveal(self) -> str:
        """Write it as libraries of receivers take it."""
        return f"{SECRET_PREFIX}{b64encode(self._key).decode('ascii')}"

    def sign(self, message: bytes) -> str:
        """A signature, of version 1."""
        return f"v1,{b64encode(hmac.digest(self._key, message, 'sha256')).decode('ascii')}"

    def __repr__(self) -> str:
        return "<SigningKey>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a SigningKey is never serialised")


class State(StrEnum):
    """What has become of a message."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a webhook, of one event, which happened when it was `created`.

    `due` is when it is tried next, if the webhook does not rest; `status` and `error` are of the last try.
    """

    id: int
    webhook_id: int
    event_id: int
    action: str
    subject: str
    created: datetime
    due: datetime
    state: State
    attempts: int
    status: int | None
    error: str | None

    @property
    def message_id(self) -> str:
        """By which a receiver knows a message that comes again."""
        return f"msg_{self.id}"


def write_body(entry: Entry, account: str | None) -> bytes:
    """What is told of an event: the same each time, since what the audit has never changes.

    `account` is the euuid of the account that it concerns, if there is one.
    """
    data = {
        "id": entry.id,
        "account": account,
        "actor": entry.actor,
        "token_id": entry.actor_token_id,
        "address": entry.address,
        "subject": entry.subject,
        "details": entry.details,
    }
    return json.dumps({"type": entry.action, "timestamp": f"{write_moment(entry.at)}Z", "data": data}).encode("ascii")


def sign(message_id: str, body: bytes, keys: Sequence[SigningKey], now: datetime) -> list[tuple[str, str]]:
    """The headers of a message: its id, the time, and a signature by each of the keys."""
    seconds = int(now.timestamp())
    signed = f"{message_id}.{seconds}.".encode("ascii") + body
    return [
        ("Content-Type", "application/json"),
        ("webhook-id", message_id),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", " ".join(key.sign(signed) for key in keys)),
    ]


def backoff(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many attempts that failed; `chance`, from 0 to 1, takes up to a half of it."""
    seconds = min(BACKOFF_SECONDS * BACKOFF_FACTOR ** min(attempts - 1, 10), BACKOFF_SECONDS_MAX)
    return timedelta(seconds=int(seconds * (1 - chance / 2)) + 1)


def pause(failures: int) -> timedelta:
    """How long a webhook is left alone after so many failures one after the other, whatever else it is to be told."""
    return timedelta(seconds=min(BACKOFF_SECONDS * 2 ** min(failures - 1, 10), PAUSE_SECONDS_MAX))


def origin_of(url: str) -> str:
    """An address without what may be a secret in it: its scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_plain(url: str) -> bool:
    """Whether an address is one of http, which goes only where the operator allows it."""
    return urlsplit(url).scheme == "http"


def _find_problem(url: str) -> str | None:
    parts = _URL.fullmatch(url) if len(url) <= URL_LENGTH_MAX else None
    if parts is None:
        return f"Must be an address such as https://app.example/hooks, of at most {URL_LENGTH_MAX} ASCII characters"
    if "#" in url:
        return "Must not have a fragment"
    if "@" in parts[2]:
        return "Must not have a user or a password"
    problem = find_authority_problem(parts[2])
    return None if problem is None else f"Must be a valid address: {problem}"
