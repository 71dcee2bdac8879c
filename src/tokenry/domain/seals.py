"""Sealing: keeping a text where others can read it, and nobody but this installation can understand or change it.

AES-256-GCM, with a key for each purpose, derived from the peppers (HKDF, RFC 5869), which are outside the database.
What was sealed for one purpose, or bound to one user or browser, is opened for no other.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from tokenry.domain.secrets import Peppers

_NONCE_BYTES = 12
_KEY_BYTES = 32
TICKET_LENGTH_MAX = 4096


class Seal:
    """Seals for one purpose. Of what it seals the first byte says by which generation of peppers."""

    def __init__(self, peppers: Peppers, purpose: str, draw: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._peppers = peppers
        self._purpose = purpose.encode("ascii")
        self._draw = draw

    def close(self, content: bytes, bound_to: str) -> bytes:
        """Seal something."""
        generation, nonce = self._peppers.generation, self._draw(_NONCE_BYTES)
        sealed: bytes = self._cipher(generation).encrypt(nonce, content, bound_to.encode("utf-8"))
        return bytes([generation]) + nonce + sealed

    def open(self, sealed: bytes, bound_to: str) -> bytes | None:
        """What was sealed; None if it was not sealed by this installation, for this purpose and bound to this."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as below

        generation, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if not generation or not 1 <= generation[0] <= self._peppers.generation or len(nonce) < _NONCE_BYTES:
            return None
        try:
            content: bytes = self._cipher(generation[0]).decrypt(nonce, rest, bound_to.encode("utf-8"))
        except InvalidTag:
            return None
        return content

    def _cipher(self, generation: int) -> Any:
        # Commands need not wait for these.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"tokenry seal\0" + self._purpose)
        return AESGCM(derived.derive(b"".join(self._peppers.keys[:generation])))


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a browser was given for the step after. `digest` tells it from others: it is used once, until it expires."""

    values: Mapping[str, Any] = field(repr=False)
    digest: bytes
    expires: datetime


class Tickets:
    """Sealed texts that browsers bring back a little later, such as the challenge of a passkey."""

    def __init__(self, peppers: Peppers, purpose: str, lifetime: timedelta) -> None:
        self._seal = Seal(peppers, f"ticket: {purpose}")
        self.lifetime = lifetime

    def issue(self, values: Mapping[str, object], *, bound_to: str, now: datetime) -> str:
        """Make one, for a browser that is known by what it is bound to."""
        expires = int((now + self.lifetime).timestamp())
        sealed = self._seal.close(json.dumps([expires, values]).encode("ascii"), bound_to)
        return urlsafe_b64encode(sealed).decode("ascii")

    def read(self, text: str, *, bound_to: str, now: datetime) -> Ticket | None:
        """Read one that a browser brings back; None for one that is not its own, or has expired."""
        try:
            sealed = urlsafe_b64decode(text.encode("ascii")) if len(text) <= TICKET_LENGTH_MAX else b""
        except (UnicodeEncodeError, Error):
            return None
        content = self._seal.open(sealed, bound_to)
        if content is None:
            return None
        expires_at, values = json.loads(content)
        expires = datetime.fromtimestamp(expires_at, UTC)
        return Ticket(values, sha256(sealed).digest(), expires) if now < expires else None
