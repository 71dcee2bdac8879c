"""Proofs of keys (RFC 9449), as clients make them."""

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

from tests.conftest import START, App
from tests.oauth_making import add_client, give
from tokenry.wiring import open_installation


@dataclass
class Prover:
    """A client with a key. What a test gives replaces or, with None, removes what a right proof has."""

    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256"))
    algorithm: str = "ES256"

    @property
    def jkt(self) -> str:
        return self.key.thumbprint()

    def prove(
        self, method: str, address: str, token: str | None = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.key.as_dict(private=False), **(header or {})}
        said = {"htm": method, "htu": address, "iat": int(START), "jti": token_hex(8)}
        if token is not None:
            said["ath"] = base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
        said |= claims
        present = {name: value for name, value in said.items() if value is not None}
        algorithms = [str(head["alg"])]
        return jwt.encode({k: v for k, v in head.items() if v is not None}, present, self.key, algorithms=algorithms)


def bound_token(app: App, jkt: str | None, scopes: str = "account:read_write") -> str:
    """An access token of an OAuth client; bound to the key of this thumbprint, if there is one."""
    installation = open_installation(app.settings, app.clock)
    client = add_client(installation.database)
    issued = give(installation.transactions, installation.peppers, client, scopes=scopes, jkt=jkt)
    installation.database.close()
    return issued.access.reveal()
