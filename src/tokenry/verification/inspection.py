"""Deciding on tokens that somebody else presented: for administrators, and on tokens of their own account alone.

A caller is asked about its own token by the `Authorization` header as anywhere; the tokens it asks about are decided on
by a verifier that notes no use, since whoever asks is not whoever uses them (docs/decisions/0015).
"""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

from anyio import from_thread

from tokenry.domain.accounts import Actor
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Fault
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import Secret
from tokenry.verification.verifier import MALFORMED, Decision, KnownPresenter, Verifier

NO_ADDRESS = Fault("Must be an IP address", "address")
_UNKNOWN = Decision(None, Denial.UNKNOWN)


class Inspector:
    """Decides for operations, which run in threads, by a verifier that lives on the event loop."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def decide(
        self, actor: Actor, texts: Sequence[str], needed: Scopes = NOTHING, address: str | None = None
    ) -> list[Decision]:
        """Decide on tokens presented from an address, in their order. Those of other accounts are unknown here.

        Raises Unavailable.
        """
        decisions = from_thread.run(self._decide, texts, needed, KnownPresenter(address))
        return [
            _UNKNOWN if found.actor is not None and found.actor.account_id != actor.account_id else found
            for found in decisions
        ]

    async def _decide(self, texts: Sequence[str], needed: Scopes, client: KnownPresenter) -> list[Decision]:
        # At once, so that their look-ups go out together.
        return await asyncio.gather(*(inspect(self._verifier, text, needed, client) for text in texts))


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
