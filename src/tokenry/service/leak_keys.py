"""Whether a leak report comes from GitHub: by its signature, and the public keys that GitHub has at an address.

The keys are kept for a while. One that is not among them makes them fetched again, but not each time: nobody can make
this service ask so often that GitHub, which counts (60 times an hour from an address), answers it no more.
"""

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tokenry.domain.errors import Fault, Invalid, NotFound, Unavailable
from tokenry.fetching.reach import NotFetched, Reach
from tokenry.service.fetching import FETCH_SECONDS_MAX, fetch_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

KEPT_FOR = timedelta(minutes=15)
LOOKED_AGAIN_AFTER = timedelta(minutes=5)
"""Where a key is unknown. GitHub shows a new one before it signs by it."""
FAILED_FOR = timedelta(minutes=1)
IDENTIFIER_HEADER, SIGNATURE_HEADER = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
HEADER_LENGTH_MAX = 200
"""An identifier of GitHub's has 64 characters, and a signature 96."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_NOT_SIGNED = Fault("Must be the signature of this body, by the key that is named", SIGNATURE_HEADER)


class LeakKeys:
    """The keys that leak reports are signed with, fetched from `url`; None where no such report is taken."""

    def __init__(self, url: str | None, now: Callable[[], datetime]) -> None:
        self._url = url
        self._now = now
        self._fetching = threading.Lock()
        self._keys: Mapping[str, EllipticCurvePublicKey] = {}
        self._kept_until = self._asked_again_at = _NEVER
        self._failure: str | None = None

    def require_signed(self, content: bytes, identifier: str | None, signature: str | None) -> None:
        """Raise unless these bytes are signed by the key of this identifier: ECDSA on P-256 with SHA-256, in base64.

        Raises NotFound where no such report is taken, Invalid, and Unavailable where the keys cannot be fetched.
        """
        if self._url is None:
            raise NotFound
        faults = [
            Fault(f"Must be sent, with at most {HEADER_LENGTH_MAX} characters", name)
            for name, text in ((IDENTIFIER_HEADER, identifier), (SIGNATURE_HEADER, signature))
            if not text or len(text) > HEADER_LENGTH_MAX
        ]
        if not identifier or not signature or faults:
            raise Invalid(*faults)
        key = self._find_key(self._url, identifier)
        if key is None:
            raise Invalid(Fault("Must be that of a key there is", IDENTIFIER_HEADER))
        if not _is_signed(content, key, signature):
            raise Invalid(_NOT_SIGNED)

    def _find_key(self, url: str, identifier: str) -> "EllipticCurvePublicKey | None":
        if self._now() >= self._kept_until or identifier not in self._keys:
            if not self._fetching.acquire(timeout=FETCH_SECONDS_MAX):
                raise Unavailable("the keys of leak reports are being fetched")
            try:
                self._look_again(url, self._now())
            finally:
                self._fetching.release()
        return self._keys.get(identifier)

    def _look_again(self, url: str, now: datetime) -> None:
        """Fetch the keys, unless they were asked for a moment ago. Raises Unavailable, then too if that has failed."""
        if now >= self._asked_again_at:
            try:
                self._keys, self._failure = _read_keys(fetch_json(url, Reach.ANYTHING)), None
            except NotFetched as failure:
                self._failure = f"the keys of leak reports cannot be fetched: {failure}"
            self._asked_again_at = now + (LOOKED_AGAIN_AFTER if self._failure is None else FAILED_FOR)
            self._kept_until = now + KEPT_FOR if self._failure is None else self._kept_until
        if self._failure is not None:
            raise Unavailable(self._failure)


def _read_keys(raw: bytes) -> "Mapping[str, EllipticCurvePublicKey]":
    """Read GitHub's list of keys; one of another kind is left out. Raises NotFetched."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - commands need not wait for it
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        listed = [(entry["key_identifier"], entry["key"].encode("ascii")) for entry in json.loads(raw)["public_keys"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NotFetched("it is no list of keys") from None
    keys = {}
    for identifier, pem in listed:
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            keys[str(identifier)] = key
    return keys


def _is_signed(content: bytes, key: "EllipticCurvePublicKey", signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    try:
        key.verify(b64decode(signature, validate=True), content, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True
