"""The JWT by which a client proves that it has the key it registered (RFC 7523 section 3).

Imported where one is presented: most clients have none, and commands need not wait for cryptography.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tokenry.domain.clients import Client, PresentedClient
from tokenry.domain.errors import Fault

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "Ed25519", "EdDSA")
"""Of key pairs: what verifies a signature here could make none."""
LIFETIME_SECONDS_MAX = 3600
LEEWAY_SECONDS = 30
"""How far two clocks may be apart."""
JTI_LENGTH_MAX = 256
KEYS_MAX = 20
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
"""Whoever registers a key chooses what it costs to read it and to verify by it, and anybody can have it done."""
_BITS_PER_DIGIT = 6
"""Of base64."""
_KEY_TYPES = ("EC", "OKP", "RSA")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A proof that holds, if it is the first time: `digest` tells it from others, until `expiry`."""

    digest: bytes
    expiry: datetime


def read_assertion(
    client: Client, presented: PresentedClient, audiences: Collection[str], now: datetime
) -> Assertion | None:
    """The proof that a client presents, None if it is none; `audiences` is what this service is called.

    `iss` and `sub` are the client, `aud` this service alone, `exp` at most an hour away; `jti` is there (RFC 7523
    section 3, OpenID Connect Core section 9).
    """
    claims = _verified_claims(client, presented.assertion or "")
    match claims:
        case {"iss": str(issuer), "sub": str(subject), "aud": audience, "exp": expires, "jti": str(jti)}:
            named = isinstance(audience, str) and audience in audiences
            own = issuer == subject == client.client_id == presented.client_id
            if not (named and own and 0 < len(jti) <= JTI_LENGTH_MAX and _is_in_time(claims, now)):
                return None
            digest = sha256(f"client assertion\0{client.client_id}\0{jti}".encode("utf-8", "surrogatepass")).digest()
            return Assertion(digest, datetime.fromtimestamp(int(expires), UTC) + timedelta(seconds=LEEWAY_SECONDS + 1))
    return None


def jwks_faults(jwks: object, field: str = "jwks") -> list[Fault]:
    """Say what keeps a value from being the public keys of a client (RFC 7517 section 5)."""
    match jwks:
        case {"keys": [*keys]} if 1 <= len(keys) <= KEYS_MAX:
            problem = next(filter(None, map(_find_problem_of_key, keys)), None)
        case _:
            problem = f'Must be a JWK set, {{"keys": […]}}, of 1-{KEYS_MAX} keys'
    return [] if problem is None else [Fault(problem, field)]


def _verified_claims(client: Client, text: str) -> dict[str, Any]:
    """The claims of a JWT that one of the client's keys has signed; empty if none has."""
    try:
        keys = KeySet.import_key_set(json.loads(client.jwks or "{}"))
        return jwt.decode(text, keys, ALGORITHMS).claims
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_in_time(claims: dict[str, Any], now: datetime) -> bool:
    at, leeway = now.timestamp(), LEEWAY_SECONDS
    expires, *begins = claims["exp"], claims.get("nbf", 0), claims.get("iat", 0)
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (expires, *begins)):
        return False
    return bool(at - leeway < expires <= at + LIFETIME_SECONDS_MAX + leeway and max(begins) <= at + leeway)


def _find_problem_of_key(key: object) -> str | None:
    if not isinstance(key, dict) or key.get("kty") not in _KEY_TYPES:
        return f"Each key must be of a type (kty) of {', '.join(_KEY_TYPES)}"
    if key["kty"] == "RSA":
        bits = len(str(key.get("n"))) * _BITS_PER_DIGIT
        if bits < RSA_BITS_MIN:
            return f"RSA keys must have {RSA_BITS_MIN} bits at least"
        if bits >= RSA_BITS_MAX + _BITS_PER_DIGIT:
            return f"RSA keys must have {RSA_BITS_MAX} bits at most"
    try:
        [read] = KeySet.import_key_set({"keys": [key]})
    except (JoseError, ValueError, KeyError, TypeError):
        return "Has a key that cannot be read"
    return "Must have public keys alone" if read.is_private else None
