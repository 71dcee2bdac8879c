"""Rotation: a token gets another secret, and the one before it lives on for a grace.

A token has at most two secrets: the newest, and one that is kept beside it. Which one is kept when it is rotated again
depends on whether the newest has ever been presented: `Rotation.kept`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tokenry.domain.errors import Fault
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import Token

GRACE_SECONDS_DEFAULT = 24 * 60 * 60
GRACE_SECONDS_MAX = 7 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class NewRotation:
    """A rotation that somebody asks for. The grace begins now, or when the new secret is first presented."""

    grace_seconds: int = GRACE_SECONDS_DEFAULT
    on_first_use: bool = True

    @property
    def grace(self) -> timedelta:
        """How long the old secret goes on."""
        return timedelta(seconds=self.grace_seconds)

    @property
    def activation(self) -> str:
        """When the grace begins, in the words of the interface."""
        return "first_use" if self.on_first_use else "now"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The last rotation of a token, as `new` it was asked for: previews of the newest secret and of the one before it.

    `previous_expiry` is None when that one is gone; `used` is whether the newest was ever presented, as far as known.
    """

    newest: str
    previous: str
    previous_expiry: datetime | None
    used: bool
    new: NewRotation = NewRotation()

    def is_pending(self, now: datetime) -> bool:
        """Whether the newest secret may never have arrived: it was not presented, and the one before still opens."""
        return not self.used and self.previous_expiry is not None and self.previous_expiry > now

    def kept(self, now: datetime) -> str:
        """The secret that stays beside the next one: the newest that somebody is known to have."""
        return self.previous if self.is_pending(now) else self.newest

    def dropped(self, now: datetime) -> str:
        """The secret that gives way to the next one: one that nobody has used, else the oldest."""
        return self.newest if self.is_pending(now) else self.previous


def reach_faults(limit: Scopes, token: Token) -> list[Fault]:
    """Say whether somebody with the scopes `limit` may not have a secret of this token: it may do more."""
    if limit.covers(token.scopes):
        return []
    return [
        Fault(
            "You may not rotate a token with scopes greater than those of the token you are using for the request "
            f"(maximum scopes: {limit})"
        )
    ]
