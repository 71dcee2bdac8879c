"""Page tokens: with one a user's own browser changes that user's tokens for some minutes, and does nothing else."""

from datetime import datetime, timedelta
from typing import NamedTuple

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.managed import Managed

LIFETIME = timedelta(minutes=15)


class PageToken(NamedTuple):
    """One that opens: who made it, as who acts with it in the audit, for which user, and until when.

    The maker's token id is that of the token by which it was made; the preview is its own.
    """

    maker: Actor
    user: Managed
    expires: datetime

    @property
    def bearer(self) -> Actor:
        """Who calls: the user, whose requests are counted and logged as such."""
        return self.maker._replace(user_id=self.user.user_id, username=self.user.username, admin=False)

    def origin(self, address: str | None) -> Origin:
        """Where what is done with it comes from: its maker, on behalf of its user."""
        return Origin(self.maker.username, self.maker, address, managed=self.user)
