"""A person's device with passkeys, as browsers speak for it; and ways in which its answers may be wrong."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def write_base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode("ascii").rstrip("=")


def read_base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass
class Device:
    """A device whose passkeys are of one site. `count` is how often it has signed; None for one that does not count."""

    origin: str
    rp_id: str
    count: int | None = None
    flags: int = PRESENT | VERIFIED
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    handle: bytes = b""
    told: dict[str, Any] = field(default_factory=dict)
    """What else the client says."""

    def make(self, options: str) -> str:
        """Make a passkey as it was asked to; the answer."""
        asked = json.loads(options)
        self.handle = read_base64(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        data = self._data(self.flags | ATTESTED) + bytes(16) + len(self.credential_id).to_bytes(2, "big")
        data += self.credential_id + encode_cbor(public)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": client_data, "attestationObject": attestation})

    def sign(self, options: str) -> str:
        """Sign as it was asked to; the answer."""
        client_data = self._client_data("webauthn.get", json.loads(options)["challenge"])
        if self.count is not None:
            self.count += 1
        data = self._data(self.flags)
        signature = self.key.sign(data + sha256(client_data).digest(), ECDSA(SHA256()))
        response = {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        return self._answer({**response, "userHandle": self.handle})

    def _data(self, flags: int) -> bytes:
        return sha256(self.rp_id.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, **self.told}).encode()

    def _answer(self, response: dict[str, bytes]) -> str:
        id = write_base64(self.credential_id)
        encoded = {name: write_base64(value) for name, value in response.items()}
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": encoded})
