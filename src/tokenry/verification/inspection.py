"""Deciding on tokens that somebody else presented: for administrators, and on tokens of their own account alone.

A caller is asked about its own token by the `Authorization` header as anywhere; the tokens it asks about are decided on
by a verifier that notes no use, since whoever asks is not whoever uses them (docs/decisions/0015).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address

from anyio import from_thread

from tokenry.domain.accounts import Actor
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Fault
from tokenry.domain.scopes import NOTHING, NOTHING_FOR_ANYBODY, Scopes
from tokenry.domain.secrets import BOUND_PREFIXES, Secret
from tokenry.verification.verifier import MALFORMED, Decision, KnownPresenter, Verifier

NO_ADDRESS = Fault("Must be an IP address", "address")
_UNKNOWN = Decision(None, Denial.UNKNOWN)
FindKeys = Callable[[Actor, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Finds for somebody the thumbprints of the keys that tokens are bound to, by preview."""


class Inspector:
    """Decides for operations, by a verifier that lives on the event loop.

    A token that is bound to a key is decided on as any other, and the decision says so: its proof is for who asks to
    judge.
    """

    def __init__(self, verifier: Verifier, find_keys: FindKeys) -> None:
        self._verifier = verifier
        self._find_keys = find_keys

    async def decide_on_any(self, text: str, address: str | None = None) -> Decision:
        """Decide on a token of any account, whoever it is for: an OAuth client asks. Raises Unavailable."""
        return await self._inspect(text, NOTHING_FOR_ANYBODY, KnownPresenter(address))

    async def decide(
        self, actor: Actor, texts: Sequence[str], needed: Scopes = NOTHING, address: str | None = None
    ) -> list[Decision]:
        """Decide on tokens presented from an address, in their order. Those of other accounts are unknown here.

        Raises Unavailable.
        """
        client = KnownPresenter(address)
        at_once = [self._inspect_now(text, needed, client) for text in texts]
        waiting = [text for text, decision in zip(texts, at_once, strict=True) if decision is None]
        # Together, so that their look-ups go out together.
        found = iter(await asyncio.gather(*(self._inspect(text, needed, client) for text in waiting)))
        decisions = (next(found) if decision is None else decision for decision in at_once)
        return [
            _UNKNOWN if decision.actor is not None and decision.actor.account_id != actor.account_id else decision
            for decision in decisions
        ]

    async def find_keys(self, actor: Actor, decisions: Sequence[Decision]) -> Mapping[str, str]:
        """Find the keys of those that were accepted and are bound to one, by preview. Raises Refusal."""
        bound = [found.actor.preview for found in decisions if found.bound and found.accepted and found.actor]
        return await self._find_keys(actor, bound) if bound else {}

    async def _inspect(self, text: str, needed: Scopes, client: KnownPresenter) -> Decision:
        if Secret.parse(text, BOUND_PREFIXES) is not None:
            return await self._verifier.verify_bound(text, needed, client)
        return await inspect(self._verifier, text, needed, client)

    def _inspect_now(self, text: str, needed: Scopes, client: KnownPresenter) -> Decision | None:
        if Secret.parse(text, BOUND_PREFIXES) is not None:
            return self._verifier.verify_bound_now(text, needed, client)
        return self._verifier.decide_now(text.encode("ascii"), needed, client) if text.isascii() else MALFORMED

    def decide_from_thread(
        self, actor: Actor, text: str, needed: Scopes = NOTHING, address: str | None = None
    ) -> Decision:
        """Decide on one token, for an operation in a thread. Raises Unavailable."""
        [decision] = from_thread.run(self.decide, actor, [text], needed, address)
        return decision


async def inspect(verifier: Verifier, text: str, needed: Scopes, client: KnownPresenter) -> Decision:
    """Decide on a text as on a token in a header. Raises Unavailable."""
    if Secret.parse(text) is None:
        return MALFORMED
    return await verifier.verify(f"Bearer {text}", needed, client)


def is_address(text: str) -> bool:
    """Whether a text is an address, IPv4 or IPv6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
