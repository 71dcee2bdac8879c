"""What a verifier answers: who is calling, or a refusal that is ready to be sent. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tokenry.domain.errors import Fault, Refusal, Unavailable
from tokenry.domain.scopes import NOTHING, Scopes, stored_scopes


class Identity(NamedTuple):
    """Who is calling, and through which token. `expires` is None for a token that does not expire."""

    user: str
    user_id: int
    account_id: int
    token_id: int
    scopes: str
    expires: datetime | None

    def may(self, scopes: str) -> bool:
        """Whether the token's scopes cover these, such as `linodes:read_only`. Raises ValueError for no scope."""
        return stored_scopes(self.scopes).covers(Scopes.parse(scopes))


@dataclass(frozen=True, slots=True)
class Refused:
    """A no: the answer that the client gets. It holds nothing of the token."""

    status: int
    body: bytes
    challenge: str | None = None
    """The WWW-Authenticate header, where there is one (RFC 6750 section 3)."""

    @classmethod
    def because(cls, status: int, *faults: Fault, challenge: str | None = None) -> "Refused":
        """A refusal in the error envelope of the service."""
        errors = [{"reason": fault.reason} | ({"field": fault.field} if fault.field else {}) for fault in faults]
        return cls(status, json.dumps({"errors": errors}).encode("ascii"), challenge)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the answer."""
        headers = [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("Content-Length", str(len(self.body))),
        ]
        return headers if self.challenge is None else [*headers, ("WWW-Authenticate", self.challenge)]


Answer = Identity | Refused

UNAVAILABLE = Refused.because(503, *Unavailable().faults)
DOUBLED = Refused.because(400, Fault("Must be sent only once", "Authorization"))


class Unreadable(Refusal):
    """There is no decision; the text says why and quotes nothing that came from outside."""


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read an answer of `/verify`; `headers` are found in any case. Raises Unreadable for anything but a yes or a no.

    A page that some proxy puts in place of the service has none of the marks of either.
    """
    if status == 200:
        return _read_identity(headers)
    if status not in (401, 403):
        raise Unreadable(Fault(f"status {status}"))
    challenge = headers.get("www-authenticate", "")
    if (
        not challenge.startswith("Bearer ")
        or headers.get("content-type") != "application/json"
        or not _is_envelope(body)
    ):
        raise Unreadable(Fault(f"status {status} that is not the service's own"))
    return Refused(status, body, challenge)


def _read_identity(headers: Mapping[str, str]) -> Identity:
    try:
        expires = headers["x-auth-expires"]
        return Identity(
            user=_read_user(headers["x-auth-user"]),
            user_id=_read_number(headers["x-auth-user-id"]),
            account_id=_read_number(headers["x-auth-account-id"]),
            token_id=_read_number(headers["x-auth-token-id"]),
            scopes=_read_scopes(headers["x-auth-scopes"]),
            expires=datetime.fromtimestamp(_read_number(expires), UTC) if expires else None,
        )
    except (LookupError, ValueError, OverflowError, OSError):
        raise Unreadable(Fault("status 200 without the headers that say who is calling")) from None


def _read_user(text: str) -> str:
    if not text or "," in text:  # a header that came twice is joined by a comma
        raise ValueError
    return text


def _read_scopes(text: str) -> str:
    if stored_scopes(text) == NOTHING:
        raise ValueError
    return text


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _is_envelope(body: bytes) -> bool:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("errors"), list) and bool(found["errors"])
