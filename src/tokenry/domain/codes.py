"""Authorization codes: what one stands for, and the proof that whoever presents it is who asked for it (RFC 7636)."""

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from tokenry.domain.scopes import Scopes
from tokenry.domain.texts import write_base64url

_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a user agreed to, for the client that is sent back with a code.

    `redirect_uri` and `code_challenge` (of S256, the one method there is: `plain` would let whoever sees the request
    use its code) are as the request had them, None if it had none; `audience` is whom the tokens
    are for (RFC 8707), empty for this service; `jkt` the thumbprint of the key that the code is bound to (RFC 9449).
    """

    redirect_uri: str | None
    scopes: Scopes
    audience: tuple[str, ...] = ()
    code_challenge: str | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was given out: of an app, which is a user's and a client's, and the grant that it brought."""

    app_id: int
    user_id: int
    oauth_client_id: int
    stands_for: NewCode
    digest: bytes
    pepper_generation: int
    expiry: datetime
    used: bool
    grant_id: int | None


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """A code as a client presents it. `jkt` is of the key that it proved to have.

    `audience` is for whom the first access token is to be, of those whom the code names (RFC 8707 section 2.2); None
    for all of them.
    """

    text: str = field(repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = field(default=None, repr=False)
    jkt: str | None = None
    audience: tuple[str, ...] | None = None


def challenge_of(code_verifier: str) -> str:
    """The challenge that is made from a verifier, by S256 (RFC 7636 section 4.2)."""
    return write_base64url(sha256(code_verifier.encode("ascii")).digest())


def is_verified(code_verifier: str, code_challenge: str) -> bool:
    """Whether a challenge was made from this verifier; in the same time whatever the answer."""
    if not _CODE_VERIFIER.fullmatch(code_verifier):
        return False
    return hmac.compare_digest(challenge_of(code_verifier).encode("ascii"), code_challenge.encode("ascii"))
