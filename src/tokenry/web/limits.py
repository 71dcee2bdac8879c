"""Limits on the rate of requests: who is counted where, and what happens when the counters do not answer."""

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from anyio import from_thread

from tokenry.complaints import Complaints
from tokenry.counters.opening import Counters
from tokenry.domain.accounts import Actor
from tokenry.domain.errors import Unavailable
from tokenry.domain.limits import Allowance, allowance, window_at
from tokenry.domain.users import is_proxy_username
from tokenry.verification.verifier import Decision

PAUSE_SECONDS = 5
"""How long counters that failed are left alone: nobody waits for them meanwhile, and nobody is counted."""
NETWORK_BITS = 64
"""Of an IPv6 address: the owner of the network chooses the rest."""


class Bucket(NamedTuple):
    """A limit that an operation has for itself: so many requests of each client address, whatever else it asks.

    None: as many as each user has.
    """

    name: str
    requests: int | None = None


class RateLimits:
    """Counts the requests of each user, and of each client address where there is no token; a limit of 0 is none.

    `name` keeps installations apart that count in one place. A limit protects the service; it authorizes nobody. So
    when the counters do not answer, requests pass.
    """

    def __init__(
        self, counters: Counters, *, requests: int, failures: int, now: Callable[[], float], name: str = ""
    ) -> None:
        self._counters = counters
        self._count_now: Callable[[str, int], int] | None = getattr(counters, "count_now", None)
        self._requests = requests
        self._failures = failures
        self._now = now
        self._name = name
        self._paused_until = 0.0
        self._complaints = Complaints("rate limits are off: their storage does not answer", now)

    async def count(
        self, decision: Decision | None, address: str | None, bucket: Bucket | None = None, *, deletes: bool = False
    ) -> Allowance | None:
        """Count a request; what its answer has to show, or None. Without a decision, no token was asked for.

        A request whose token was refused counts as a failure of its address, and shows a limit only once that is
        exceeded: the wire format's 401 has none. Only a request that was refused anyway is held to the failures of
        its address, so that nobody can lock out the valid tokens behind an address they share.

        More tokens give a user no more requests. Deletions are counted apart, by token: otherwise a thief could use up
        the user's limit with a leaked token, which the user could not revoke then. So is a proxy user, who is many.
        """
        if bucket is not None:
            limit = self._requests if bucket.requests is None else bucket.requests
            return await self._count(f"{bucket.name}:{network(address)}", limit)
        if decision is None:
            return await self._count(f"address:{network(address)}", self._requests)
        if decision.actor is not None:
            return await self._count(_counted(decision.actor, deletes=deletes), self._requests)
        failures = await self.count_failure(address)
        return failures if failures is not None and failures.exceeded else None

    async def count_failure(self, address: str | None) -> Allowance | None:
        """Count a request whose proof was refused."""
        return await self._count(f"failures:{network(address)}", self._failures)

    def count_for(self, key: str) -> Allowance | None:
        """Count a request for somebody who is no user, by a name that no other has: as many are allowed.

        For a thread of the event loop's, which is not bothered where the counters are at hand.
        """
        if self._count_now is None:
            return from_thread.run(self._count, key, self._requests)
        now = self._now()
        if self._requests == 0:
            return None
        used = self._count_now(f"{self._name}:{key}", window_at(now))
        return allowance(limit=self._requests, used=used, now=now)

    async def count_attempt(self, key: str, limit: int) -> bool:
        """Count one of so many attempts a minute that are allowed for a key; whether it is one too many."""
        allowance = await self._count(f"attempt:{key}", limit)
        return allowance is not None and allowance.exceeded

    async def take(self, token_id: int, limit: int, cost: int) -> Allowance | None:
        """Count a request that somebody else answers, of those that a token may be used for, unless it is one too many.

        None where that cannot be done.
        """
        return await self._ask(partial(self._counters.take, self._name, token_id, cost=cost, limit=limit), limit)

    async def _count(self, key: str, limit: int) -> Allowance | None:
        return await self._ask(partial(self._counters.count, f"{self._name}:{key}"), limit)

    async def _ask(self, count: Callable[[int], Awaitable[int]], limit: int) -> Allowance | None:
        now = self._now()
        if limit == 0 or now < self._paused_until:
            return None
        try:
            used = await count(window_at(now))
        except Unavailable as error:
            self._paused_until = now + PAUSE_SECONDS
            self._complaints.add(error.reason)
            return None
        return allowance(limit=limit, used=used, now=now)


def _counted(actor: Actor, *, deletes: bool) -> str:
    if deletes:
        return f"deletions:{actor.token_id}"
    if is_proxy_username(actor.username):
        return f"token:{actor.token_id}"
    return f"user:{actor.user_id}"


@lru_cache(maxsize=4096)
def network(address: str | None) -> str:
    """The part of a client's address that it did not choose itself: all of an IPv4 one, half of an IPv6 one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return f"{int(parsed) >> (128 - NETWORK_BITS):x}" if mapped is None else str(mapped)
    return str(parsed)
