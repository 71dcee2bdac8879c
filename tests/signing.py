"""Keys that leak reports are signed with, as GitHub has them, and reports that are signed."""

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tokenry.service.leak_keys import IDENTIFIER_HEADER, SIGNATURE_HEADER


class ReportKey:
    """A key of a reporter: its identifier, and what is signed by it."""

    def __init__(self, identifier: str, curve: ec.EllipticCurve | None = None) -> None:
        self.identifier = identifier
        self._key = ec.generate_private_key(curve or ec.SECP256R1())

    @property
    def entry(self) -> dict[str, Any]:
        """The key in a list of keys."""
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {"key_identifier": self.identifier, "key": pem.decode("ascii"), "is_current": True}

    def sign(self, content: bytes) -> str:
        return b64encode(self._key.sign(content, ec.ECDSA(SHA256()))).decode("ascii")

    def headers(self, content: bytes) -> dict[str, str]:
        """The headers of a report with this body."""
        return {
            IDENTIFIER_HEADER: self.identifier,
            SIGNATURE_HEADER: self.sign(content),
            "Content-Type": "application/json",
        }


def write_matches(*texts: str) -> bytes:
    """The body of a report of these texts, as GitHub writes it."""
    matches = [
        {"token": text, "type": "acme_token", "url": f"https://github.com/acme/app/blob/0/{number}", "source": "commit"}
        for number, text in enumerate(texts)
    ]
    return json.dumps(matches, separators=(",", ":")).encode()
