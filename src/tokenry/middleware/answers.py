"""What a verifier answers: who is calling, or a refusal that is ready to be sent. No I/O."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenry.domain.errors import Fault, Refusal, Unavailable
from tokenry.domain.identity import Identity, read_headers


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in JSON that is ready to be sent, in place of the application's."""

    status: int
    body: bytes
    challenge: str | None = None
    """The WWW-Authenticate header, where there is one (RFC 6750 section 3, RFC 9449 section 7.1)."""
    left: Sequence[tuple[str, str]] = ()
    """The headers that say what is left of a token's limit, and when to ask again."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the answer."""
        headers = [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("Content-Length", str(len(self.body))),
        ]
        headers += self.left
        return headers if self.challenge is None else [*headers, ("WWW-Authenticate", self.challenge)]


class Refused(Reply):
    """A no: the answer that the client gets. It holds nothing of the token."""

    __slots__ = ()

    @classmethod
    def because(cls, status: int, *faults: Fault, challenge: str | None = None) -> "Refused":
        """A refusal in the error envelope of the service."""
        errors = [{"reason": fault.reason} | ({"field": fault.field} if fault.field else {}) for fault in faults]
        return cls(status, json.dumps({"errors": errors}).encode("ascii"), challenge)


Answer = Identity | Refused
LEFT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")
"""What the service says of a limit."""
_NUMBER = re.compile(r"[0-9]{1,12}")

UNAVAILABLE = Refused.because(503, *Unavailable().faults)
DOUBLED = Refused.because(400, Fault("Must be sent only once", "Authorization"))
DOUBLED_PROOF = Refused.because(400, Fault("Must be sent only once", "DPoP"))


class Unreadable(Refusal):
    """There is no decision; the text says why and quotes nothing that came from outside."""


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read an answer of `/verify`; `headers` are found in any case. Raises Unreadable for anything but a yes or a no.

    A page that some proxy puts in place of the service has none of the marks of either.
    """
    if status == 200:
        try:
            return read_headers(headers)
        except (LookupError, ValueError, TypeError, OverflowError, OSError, RecursionError):
            raise Unreadable(Fault("status 200 without the headers that say who is calling")) from None
    if status not in (401, 403, 429):
        raise Unreadable(Fault(f"status {status}"))
    challenge = headers.get("www-authenticate", "")
    left = [(name, value) for name in LEFT if _NUMBER.fullmatch(value := headers.get(name.lower(), ""))]
    marked = len(left) == len(LEFT) if status == 429 else challenge.startswith(("Bearer ", "DPoP "))
    if not marked or headers.get("content-type") != "application/json" or not _is_envelope(body):
        raise Unreadable(Fault(f"status {status} that is not the service's own"))
    return Refused(status, body, left=left) if status == 429 else Refused(status, body, challenge)


def _is_envelope(body: bytes) -> bool:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("errors"), list) and bool(found["errors"])
