"""Sessions: that somebody's browser is signed in, how, and for how long."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.users import User

PASSWORD = "password"  # noqa: S105 - the name of a method
PASSWORD_AND_ONE_TIME = "password, one-time password"  # noqa: S105
PASSWORD_AND_RECOVERY = "password, recovery code"  # noqa: S105
PASSKEY = "passkey"
"""How somebody signed in: `method` of a session and of a login. Further ones have names of their own."""
OWN_METHODS = frozenset({PASSWORD, PASSWORD_AND_ONE_TIME, PASSWORD_AND_RECOVERY, PASSKEY})
"""What the policy of second factors is for. How an OpenID provider makes sure who somebody is, is its own business."""
AGENT_LENGTH_MAX = 500
NO_TOKEN = 0
"""Which is no token's id."""
RECENT_SECONDS = 300
"""How long ago somebody may have proved who it is, for what is dangerous."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: `idle` since it was last used, and `lifetime` in all."""

    idle: timedelta
    lifetime: timedelta

    def end(self, created: datetime, seen: datetime) -> datetime:
        """When it ends unless it is used."""
        return min(created + self.lifetime, seen + self.idle)


STANDARD_LIMITS = SessionLimits(timedelta(hours=12), timedelta(days=14))


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody is signed in with. `authenticated` is when it was last proved who it is.

    `preview` tells the secret that it was found by, which is another after each proof. Pages are shown in the user's
    `language`, if one was chosen, with times of the user's `timezone`. Lists have none of these. With `factor_wanted`
    the policy asks for a second factor, which the user has to set up before anything else.
    """

    id: int
    user: User
    method: str
    created: datetime
    authenticated: datetime
    seen: datetime
    expires: datetime
    address: str | None
    agent: str | None
    preview: str = field(default="", compare=False)
    timezone: str = field(default="UTC", compare=False)
    language: str | None = field(default=None, compare=False)
    factor_wanted: bool = False

    def is_recent(self, now: datetime, seconds: int = RECENT_SECONDS) -> bool:
        """Whether it was proved who it is so short a time ago that what is dangerous may be done."""
        return now - self.authenticated <= timedelta(seconds=seconds)

    @property
    def actor(self) -> Actor:
        """Who acts with it: as with a token that may do all that its user may. It is no token, and has no id of one."""
        return Actor(
            token_id=NO_TOKEN,
            scopes=EVERYTHING.managing() if self.user.admin else EVERYTHING,
            expires_at=int(self.expires.timestamp()),
            user_id=self.user.id,
            username=self.user.username,
            account_id=self.user.account_id,
            account_euuid="",
            preview=self.preview,
            admin=self.user.admin,
            external_id=self.user.external_id,
        )

    def origin(self, address: str | None) -> Origin:
        """Where what is done with it comes from."""
        return Origin(self.user.username, self.actor, address, session_id=self.id)
