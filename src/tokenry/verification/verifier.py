"""The decision: is this token valid, whose is it, and may it do what is asked? One `Verifier` decides everywhere."""

import re
import time
from collections.abc import Callable
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple, Protocol

from tokenry.domain.accounts import Actor
from tokenry.domain.networks import allows, stored_networks
from tokenry.domain.scopes import NOTHING, Scopes, stored_scopes
from tokenry.domain.secrets import PREVIEW_LENGTH, TOKEN_LENGTH, Peppers, Secret
from tokenry.storage.credentials import Credential
from tokenry.verification.cache import Cache, Known
from tokenry.verification.last_used import Uses

# RFC 6750 section 2.1; RFC 9110 section 11.1: the scheme's name is compared without regard to case.
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE | re.ASCII)


class Denial(Enum):
    """Why a token was not accepted. Callers outside are told no more than RFC 6750 asks for."""

    MISSING = "no token was presented"
    MALFORMED = "what was presented is no token"
    UNKNOWN = "no such token, or it was revoked"
    EXPIRED = "the token expired"
    DISABLED = "the token's user is disabled"
    ADDRESS = "the token may not be used from this address"
    INSUFFICIENT_SCOPE = "the token's scopes do not cover what is needed"


class Decision(NamedTuple):
    """What the verifier found. Accepted when there is no denial; then there is an actor.

    A denial for insufficient scope also has an actor: the token is good, just not for this.
    """

    actor: Actor | None
    denial: Denial | None = None


class Client(NamedTuple):
    """Who presents a token: an address, and a program's name for itself."""

    address: str | None = None
    agent: str | None = None


class Credentials(Protocol):
    """Where credentials are looked up. The answer is never older than the call: a revoked one is not found."""

    async def find(self, preview: str) -> Credential | None:
        """Find what the token with this preview opens. Raises Unavailable."""

    async def close(self) -> None:
        """Let go of the database."""


MISSING = Decision(None, Denial.MISSING)
MALFORMED = Decision(None, Denial.MALFORMED)
_UNKNOWN = Decision(None, Denial.UNKNOWN)
_EXPIRED = Decision(None, Denial.EXPIRED)
_DISABLED = Decision(None, Denial.DISABLED)
_ADDRESS = Decision(None, Denial.ADDRESS)
NOBODY = Client()


class Verifier:
    """Decides on presented tokens. It writes nothing; what it remembers holds only while nothing has changed.

    Without a cache every decision asks the database; without `uses` none is noted.
    """

    def __init__(
        self,
        credentials: Credentials,
        peppers: Peppers,
        now: Callable[[], float] = time.time,
        *,
        cache: Cache | None = None,
        uses: Uses | None = None,
    ) -> None:
        self._credentials = credentials
        self._peppers = peppers
        self._now = now
        self._cache = cache
        self._uses = uses

    async def verify(self, authorization: str | None, needed: Scopes = NOTHING, client: Client = NOBODY) -> Decision:
        """Decide on the value of an Authorization header, for an operation that needs the scopes `needed`.

        Raises Unavailable when the database cannot answer; that is never a yes.
        """
        if authorization is None:
            return MISSING
        text = read_bearer(authorization)
        if text is None:
            return MALFORMED
        known = self.recall(text)
        if known is None:
            secret = Secret.parse(text)
            if secret is None:
                return MALFORMED
            mark = None if self._cache is None else self._cache.mark()
            found = self._recognise(secret, await self._credentials.find(secret.preview), mark)
            if isinstance(found, Decision):
                return found
            known = found
        return self.judge(known, needed, client)

    def recall(self, text: str) -> Known | None:
        """What is remembered of this token and still holds."""
        if self._cache is None:
            return None
        known = self._cache.get(text[:PREVIEW_LENGTH])
        if known is None or not compare_digest(known.fingerprint, _fingerprint(text)):
            return None
        return known

    def judge(self, known: Known, needed: Scopes, client: Client) -> Decision:
        """Decide on a token that is known, at this moment."""
        actor = known.actor
        now = self._now()
        if now >= actor.expires_at:
            return _EXPIRED
        if known.networks and not allows(known.networks, client.address):
            return _ADDRESS
        if needed is not NOTHING and not actor.scopes.covers(needed):
            return Decision(actor, Denial.INSUFFICIENT_SCOPE)
        uses = self._uses
        if uses is not None and known.interval != uses.interval:
            uses.note(known, now, client.address, client.agent)
        return Decision(actor)

    def _recognise(self, secret: Secret, credential: Credential | None, mark: int | None) -> Known | Decision:
        """Compare a presented token with what was found under its preview, and remember it if it is right."""
        if credential is None or not self._peppers.opens(secret, credential.digest, credential.pepper_generation):
            return _UNKNOWN
        if self._now() >= credential.expires_at:
            return _EXPIRED
        if credential.disabled_at is not None:
            return _DISABLED
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
        known = Known(_fingerprint(secret.reveal()), actor, stored_networks(credential.networks))
        if self._cache is not None and mark is not None:
            self._cache.put(known, mark)
        return known


def read_bearer(authorization: str) -> str | None:
    """Take the token out of the value of an Authorization header; None if it is no bearer token (RFC 6750)."""
    if authorization[:7] == "Bearer " and len(authorization) == 7 + TOKEN_LENGTH:
        return authorization[7:]
    match = _BEARER.fullmatch(authorization)
    return None if match is None else match[1]


def _fingerprint(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
