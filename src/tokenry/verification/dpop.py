"""DPoP proofs (RFC 9449): a JWT by which a client shows, with each request, that it has the key its token is bound to.

A proof names the method and the address of its request, the token that is sent with it, and when it was made; and it
counts once. Imported by those who need it: commands need not wait for cryptography.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from string import ascii_letters, digits
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey

from tokenry.domain.texts import write_base64url

ALGORITHMS = ("ES256", "Ed25519")
"""Of small keys alone: whoever sends one chooses it, and here it is used."""
TYPE = "dpop+jwt"
AGE_SECONDS_MAX = 60
LEEWAY_SECONDS = 30
"""How far two clocks may be apart."""
LENGTH_MAX = 4096
JTI_LENGTH_MAX = 256
_KEYS: dict[str, type[ECKey | OKPKey]] = {"EC": ECKey, "OKP": OKPKey}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED = frozenset(f"{ascii_letters}{digits}-._~")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds, if it is the first time: `digest` tells it from others, until `expiry`.

    `jkt` is the thumbprint of its key (RFC 7638).
    """

    jkt: str
    digest: bytes
    expiry: datetime


def read_proof(text: str | None, *, method: str, address: str, now: datetime, token: str | None = None) -> Proof | None:
    """Read the proof in a DPoP header of a request; None if there is none, or it is none of this request (section 4.3).

    `token` is that which was sent with it; a proof for the token endpoint has none.
    """
    if text is None or len(text) > LENGTH_MAX:
        return None
    try:
        header = jws.extract_compact(text.encode("ascii")).headers()
        key = _public_key(header.get("jwk"))
        if key is None or header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS:
            return None
        claims = jwt.decode(text, key, list(ALGORITHMS)).claims
        if not _is_of(claims, method, address, now, token):
            return None
        jkt, jti = key.thumbprint(), claims["jti"].encode("utf-8", "surrogatepass")
        expiry = datetime.fromtimestamp(int(claims["iat"]), UTC) + timedelta(
            seconds=AGE_SECONDS_MAX + LEEWAY_SECONDS + 1
        )
    except (JoseError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return Proof(jkt, sha256(f"dpop\0{jkt}\0".encode("ascii") + jti).digest(), expiry)


def _public_key(jwk: object) -> Key | None:
    """The key that a proof brings along; None for one that is no public key of ours."""
    if not isinstance(jwk, dict) or "d" in jwk or jwk.get("kty") not in _KEYS:
        return None
    key = _KEYS[jwk["kty"]].import_key(jwk)
    return None if key.is_private else key


def _is_of(claims: dict[str, Any], method: str, address: str, now: datetime, token: str | None) -> bool:
    at, issued, jti = now.timestamp(), claims.get("iat"), claims.get("jti")
    if not isinstance(issued, (int, float)) or isinstance(issued, bool):
        return False
    return (
        claims.get("htm") == method
        and isinstance(claims.get("htu"), str)
        and _normalised(claims["htu"]) == _normalised(address)
        and at - AGE_SECONDS_MAX - LEEWAY_SECONDS <= issued <= at + LEEWAY_SECONDS
        and isinstance(jti, str)
        and 0 < len(jti) <= JTI_LENGTH_MAX
        and (token is None or claims.get("ath") == _hash(token))
    )


def _normalised(address: str) -> tuple[str, str, int | None, str]:
    """What of an address has to be the same: not the query, nor how scheme, host, escapes are spelt (section 4.3)."""
    url = urlsplit(address)
    path = _ESCAPE.sub(_spell, url.path)
    return url.scheme, url.hostname or "", url.port or _DEFAULT_PORTS.get(url.scheme), path or "/"


def _spell(escape: re.Match[str]) -> str:
    """An escape in upper case, or the character that need not be one (RFC 3986 section 6.2.2): gateways change both."""
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _hash(token: str) -> str:
    return write_base64url(sha256(token.encode("ascii")).digest())
