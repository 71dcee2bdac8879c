"""Deciding on tokens that somebody else presented: for administrators, and on tokens of their own account alone.

A caller is asked about its own token by the `Authorization` header as anywhere; the tokens it asks about are decided on
by a verifier that notes no use, since whoever asks is not whoever uses them (docs/decisions/0015).
"""

import asyncio
from collections.abc import Mapping, Sequence

from anyio import from_thread

from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Fault
from tokenry.domain.scopes import NOTHING, Catalogue, Scopes
from tokenry.verification.inspection import inspect, is_address
from tokenry.verification.verifier import Client, Decision, Denial, Verifier
from tokenry.web.bodies import read_key

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
        decisions = from_thread.run(self._decide, texts, needed, Client(address))
        return [
            _UNKNOWN if found.actor is not None and found.actor.account_id != actor.account_id else found
            for found in decisions
        ]

    async def _decide(self, texts: Sequence[str], needed: Scopes, client: Client) -> list[Decision]:
        # At once, so that their look-ups go out together.
        return await asyncio.gather(*(inspect(self._verifier, text, needed, client) for text in texts))


def read_question(body: Mapping[str, object], catalogue: Catalogue, faults: list[Fault]) -> tuple[Scopes, str | None]:
    """Read what tokens are presented for, `scope`, and from where, `address`. What is wrong is added to `faults`."""
    scope = read_key(body, "scope", str, faults)
    address = read_key(body, "address", str, faults)
    if scope is not None:
        faults += [Fault(fault.reason, "scope") for fault in catalogue.faults(scope)]
    if address is not None and not is_address(address):
        faults.append(NO_ADDRESS)
    return NOTHING if scope is None or faults else Scopes.parse(scope), address
