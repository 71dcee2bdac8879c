"""The decision: is this token valid, whose is it, and may it do what is asked? One `Verifier` decides everywhere."""

import re
import time
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from tokenry.domain.accounts import Actor
from tokenry.domain.scopes import NOTHING, Scopes, stored_scopes
from tokenry.domain.secrets import Peppers, Secret
from tokenry.storage.credentials import Credential

# RFC 6750 section 2.1; RFC 9110 section 11.1: the scheme's name is compared without regard to case.
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE | re.ASCII)


class Denial(Enum):
    """Why a token was not accepted. Callers outside are told no more than RFC 6750 asks for."""

    MISSING = "no token was presented"
    MALFORMED = "what was presented is no token"
    UNKNOWN = "no such token, or it was revoked"
    EXPIRED = "the token expired"
    DISABLED = "the token's user is disabled"
    INSUFFICIENT_SCOPE = "the token's scopes do not cover what is needed"


class Decision(NamedTuple):
    """What the verifier found. Accepted when there is no denial; then there is an actor.

    A denial for insufficient scope also has an actor: the token is good, just not for this.
    """

    actor: Actor | None
    denial: Denial | None = None


class Credentials(Protocol):
    """Where credentials are looked up. The answer is never older than the call: a revoked one is not found."""

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""

    async def close(self) -> None:
        """Let go of the database."""


class Verifier:
    """Decides on presented tokens. It writes nothing and keeps nothing between calls."""

    def __init__(self, credentials: Credentials, peppers: Peppers, now: Callable[[], float] = time.time) -> None:
        self._credentials = credentials
        self._peppers = peppers
        self._now = now

    async def verify(self, authorization: str | None, needed: Scopes = NOTHING) -> Decision:
        """Decide on the value of an Authorization header, for an operation that needs the scopes `needed`.

        Raises Unavailable when the database cannot answer; that is never a yes.
        """
        if authorization is None:
            return Decision(None, Denial.MISSING)
        match = _BEARER.fullmatch(authorization)
        secret = None if match is None else Secret.parse(match[1])
        if secret is None:
            return Decision(None, Denial.MALFORMED)
        credential = await self._credentials.find(secret.preview)
        if credential is None or not self._peppers.opens(secret, credential.digest, credential.pepper_generation):
            return Decision(None, Denial.UNKNOWN)
        return self._judge(credential, needed)

    def _judge(self, credential: Credential, needed: Scopes) -> Decision:
        if self._now() >= credential.expires_at:
            return Decision(None, Denial.EXPIRED)
        if credential.disabled_at is not None:
            return Decision(None, Denial.DISABLED)
        actor = Actor(
            token_id=credential.token_id,
            scopes=stored_scopes(credential.scopes),
            expires_at=credential.expires_at,
            user_id=credential.user_id,
            username=credential.username,
            account_id=credential.account_id,
            account_euuid=credential.account_euuid,
            preview=credential.preview,
        )
        return Decision(actor, None if actor.scopes.covers(needed) else Denial.INSUFFICIENT_SCOPE)
