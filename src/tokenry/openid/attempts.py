"""A sign-in under way, between sending somebody to a provider and the way back: it travels in a sealed cookie.

So nothing is stored for people who never come back, and nobody else's answer fits. That it is used once the database
sees to (`service/identities.py`).
"""

import binascii
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

LIFETIME = timedelta(minutes=10)
TARGET_LENGTH_MAX = 2500
"""Of the path to go on to: browsers keep cookies of at most 4096 bytes."""
_SEAL_BYTES = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in at a provider, begun at a time, that is to go on to `target`.

    With `again` somebody who is signed in proves anew who it is. `state` and `nonce`, which go through other hands, and
    the `verifier` (RFC 7636), which the provider alone is told, all come from one secret, and none tells the others.
    """

    provider: str
    begun: datetime
    target: str
    again: bool = False
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def state(self) -> str:
        """What the answer has to bring back."""
        return self._derive("state")

    @property
    def nonce(self) -> str:
        """What the ID token has to have."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """What the code is exchanged with."""
        return self._derive("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's hash, by S256 (RFC 7636 section 4.2)."""
        return _encode(sha256(self.verifier.encode("ascii")).digest())

    @property
    def expiry(self) -> datetime:
        """Until when the answer may come."""
        return self.begun + LIFETIME

    @property
    def digest(self) -> bytes:
        """What tells it from others, for who notes that it was used."""
        return sha256(f"sign-in\0{self.state}".encode()).digest()

    def matches(self, state: str) -> bool:
        """Whether an answer is to this."""
        return hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode("ascii"))

    def _derive(self, label: str) -> str:
        return _encode(hmac.digest(self.secret.encode("utf-8"), label.encode("ascii"), "sha256"))


def seal(attempt: Attempt, mac: Callable[[bytes], bytes]) -> str:
    """The text of its cookie, which `mac` keeps anybody else from making."""
    content = json.dumps(
        [attempt.provider, int(attempt.begun.timestamp()), attempt.target, attempt.again, attempt.secret]
    )
    return _encode(mac(content.encode("ascii")) + content.encode("ascii"))


def unseal(text: str, mac: Callable[[bytes], bytes]) -> Attempt | None:
    """Read a cookie that was made here; None for any other text."""
    try:
        sealed = urlsafe_b64decode(text.encode("ascii") + b"==")
    except (ValueError, binascii.Error):
        return None
    content = sealed[_SEAL_BYTES:]
    if not hmac.compare_digest(sealed[:_SEAL_BYTES], mac(content)):
        return None
    provider, begun, target, again, secret = json.loads(content)
    return Attempt(provider, datetime.fromtimestamp(begun, UTC), target, again, secret)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")
