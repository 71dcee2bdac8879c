"""Judging an ID token (OpenID Connect Core 1.0 section 3.1.3.7)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import extract_compact

from tokenry.domain.providers import NotSignedIn, Trouble
from tokenry.openid.fetching import unreachable

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
"""The algorithms that are taken, and of which type a key for each is. None by which a secret, or nobody, signs."""
KEYS_MAX = 50
TEXT_LENGTH_MAX = 64 * 1024
LEEWAY_SECONDS = 60
"""How far two clocks may be apart."""
RSA_BITS_MIN = 2048
TIME_END_SECONDS = 10**11


class NoSuchKey(Exception):  # noqa: N818 - no error: keys may have to be asked for again
    """None of the keys has signed an ID token."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to be: whose, for whom, and for which request, that was begun at a time."""

    issuer: str
    client_id: str
    nonce: str
    begun: datetime
    now: datetime


def read_keys(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of a set (RFC 7517 section 5) that may sign; those that nobody understands are passed over.

    Raises NotSignedIn where there is none.
    """
    found = document.get("keys")
    keys = [key for each in (found if isinstance(found, list) else [])[:KEYS_MAX] for key in _read_key(each)]
    if not keys:
        raise unreachable("the provider's key set has no key that can be used")
    return tuple(keys)


def read_id_token(text: str, keys: tuple[Key, ...], expected: Expected) -> Mapping[str, Any]:
    """The claims of an ID token that is what it has to be. Raises NotSignedIn; NoSuchKey if no key has signed it."""
    claims = _verified_claims(text, keys)
    problem = _find_problem(claims, expected)
    if problem is not None:
        raise _untrusted(problem)
    return claims


def _verified_claims(text: str, keys: tuple[Key, ...]) -> Mapping[str, Any]:
    if len(text) > TEXT_LENGTH_MAX or not text.isascii():
        raise _untrusted("the ID token is too long, or no JWT")
    try:
        header = extract_compact(text.encode("ascii")).headers()
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        raise _untrusted("the ID token is no signed JWT") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise _untrusted("the ID token is signed by an algorithm that is not taken")
    for key in keys:
        fits = key.key_type == KEY_TYPES[algorithm] and key.get("alg", algorithm) == algorithm
        if fits and key_id in (None, key.get("kid")):
            try:
                return jwt.decode(text, key, [algorithm]).claims
            except (JoseError, ValueError, KeyError, TypeError, RecursionError):
                continue
    raise NoSuchKey


def _find_problem(claims: Mapping[str, Any], expected: Expected) -> str | None:
    """What keeps claims from being those that were asked for; None for nothing."""
    audience, nonce = claims.get("aud"), claims.get("nonce")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != expected.issuer:
        return "the ID token is of another issuer"
    if expected.client_id not in audiences:
        return "the ID token is for another client"
    # Whoever else it is for could hand it in here; so it has to say that it was issued to this client.
    if claims.get("azp", expected.client_id if len(audiences) == 1 else None) != expected.client_id:
        return "the ID token was issued to another client"
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        return "the ID token is of another sign-in"
    return _find_wrong_time(claims, expected)


def _find_wrong_time(claims: Mapping[str, Any], expected: Expected) -> str | None:
    times = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not all(map(_is_time, times)):
        return "the ID token does not say when it was issued and expires"
    now = expected.now.timestamp()
    expires, issued, begins = map(float, times)
    if expires <= now - LEEWAY_SECONDS:
        return "the ID token has expired"
    if max(issued, begins) > now + LEEWAY_SECONDS:
        return "the ID token is of a time to come"
    if issued < expected.begun.timestamp() - LEEWAY_SECONDS:
        return "the ID token is older than the sign-in"
    return None


def _is_time(value: Any) -> bool:
    """Whether this is a time in seconds: neither infinite nor no number at all, as JSON may have it in Python."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < TIME_END_SECONDS


def _read_key(document: object) -> list[Key]:
    if not isinstance(document, dict) or document.get("use", "sig") != "sig":
        return []
    if document.get("kty") not in KEY_TYPES.values():
        return []
    try:
        key = JWKRegistry.import_key(document)
        bits = key.public_key.key_size if isinstance(key, RSAKey) else RSA_BITS_MIN
    except (JoseError, ValueError, KeyError, TypeError):
        return []
    return [key] if bits >= RSA_BITS_MIN else []


def _untrusted(reason: str) -> NotSignedIn:
    return NotSignedIn(Trouble.UNTRUSTED, reason)
