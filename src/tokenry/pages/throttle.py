"""How often somebody may try to sign in, to prove it anew, or to type the code of a device."""

from tokenry.domain.sessions import Session
from tokenry.domain.texts import fold
from tokenry.web.limits import RateLimits, network

TOO_OFTEN = "There were too many attempts. Wait a minute, then try again."
ADDRESS_FACTOR = 3


class Throttle:
    """Counts attempts, in whole minutes: `limit` of them for a name, more for an address; none for 0.

    An address from which the user signed in lately is counted by itself: so nobody elsewhere keeps the user out.
    """

    def __init__(self, limits: RateLimits, limit: int) -> None:
        self._limits = limits
        self._limit = limit

    async def refuses_from(self, address: str | None) -> bool:
        """Count one from an address; whether it is one too many."""
        return await self._limits.count_attempt(f"from:{network(address)}", ADDRESS_FACTOR * self._limit)

    async def refuses_name(self, text: str, address: str | None, *, known_address: bool) -> bool:
        """Count one to sign in by a name or an email address; whether it is one too many.

        What was typed is counted, and not who is meant: a limit that a name and an email address share would tell that
        there is a user who has both.
        """
        key = f"known:{address}:{fold(text)}" if known_address else f"name:{fold(text)}"
        return await self._limits.count_attempt(key, self._limit)

    async def refuses_session(self, session: Session, address: str | None, what: str) -> bool:
        """Count one by who is signed in; whether it is one too many of this kind for this user, or for the address.

        Whoever has stolen sessions has no more for having many, or many addresses; and a stranger uses up none.
        """
        too_many = await self._limits.count_attempt(f"{what}:{session.user.id}", self._limit)
        return await self.refuses_from(address) or too_many
