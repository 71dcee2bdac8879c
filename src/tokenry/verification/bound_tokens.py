"""Deciding on tokens that are bound to a key, each with the proof that comes with it (RFC 9449 section 7)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from tokenry.domain.checks import Denial
from tokenry.domain.scopes import Scopes
from tokenry.verification.verifier import MALFORMED_BOUND, UNPROVED, Decision, Presenter, Verifier, read_bound

# A path and maybe a query, of the characters that they may have: others a parser of addresses might leave out.
_TARGET = re.compile(r"/[!\"$-~]*+")


@dataclass(frozen=True, slots=True)
class Shown:
    """The request that a proof has to be for, and the proof. `origin` is the operator's word for where it went."""

    origin: str | None
    method: str
    target: str
    proof: str | None = field(repr=False)

    @property
    def address(self) -> str | None:
        """The address of the request; None for one that no proof can be for."""
        return None if not self.origin or _TARGET.fullmatch(self.target) is None else self.origin + self.target


class Proofs(Protocol):
    """Where proofs are written down."""

    def see_proof(self, preview: str, jkt: str, digest: bytes, expiry: datetime) -> bool:
        """Note a proof by the key `jkt`; whether the token is bound to that key, and this is the first time."""


class Run(Protocol):
    """How to do in a thread what waits for the database: in one of a user's share."""

    async def __call__(self, work: Callable[[], bool], *, who: int, writes: bool) -> bool:
        """Do it."""


@dataclass(frozen=True, slots=True)
class BoundTokens:
    """Decides; a proof is judged in a thread. It counts once on every worker and host: it is written down before."""

    verifier: Verifier
    proofs: Proofs
    now: Callable[[], datetime]
    run: Run

    async def decide(
        self,
        authorization: str | None,
        needed: Scopes,
        client: Presenter,
        shown: Shown,
        *,
        found: Decision | None = None,
    ) -> Decision:
        """Decide on the value of an Authorization header, and its proof; `found` is what `find_now` has found.

        Raises Refusal where that cannot be done.
        """
        text = read_bound(authorization)
        if text is None:
            return MALFORMED_BOUND
        decision = await self.verifier.verify_bound(text, needed, client) if found is None else found
        actor, address = decision.actor, shown.address
        if actor is None:
            return decision
        if shown.proof is not None and address is not None:
            prove = partial(self._prove, actor.preview, text, shown, address)
            if await self.run(prove, who=actor.user_id, writes=True):
                return decision
        self.verifier.take_back(decision, Denial.UNPROVED)
        return UNPROVED

    def find_now(self, authorization: str | None, needed: Scopes, client: Presenter) -> Decision | None:
        """Decide on the token alone, without waiting for anything; None where that cannot be. Raises Unavailable."""
        text = read_bound(authorization)
        return MALFORMED_BOUND if text is None else self.verifier.verify_bound_now(text, needed, client)

    def _prove(self, preview: str, text: str, shown: Shown, address: str) -> bool:
        from tokenry.verification.dpop import read_proof  # noqa: PLC0415 - it imports cryptography

        proof = read_proof(shown.proof, method=shown.method, address=address, now=self.now(), token=text)
        return proof is not None and self.proofs.see_proof(preview, proof.jkt, proof.digest, proof.expiry)
