"""Logins: that somebody signed in, or tried to with a wrong password."""

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Login:
    """An attempt to sign in as a user."""

    id: int
    username: str
    restricted: bool
    at: datetime
    address: str | None
    succeeded: bool
    method: str


@dataclass(frozen=True, slots=True)
class SignIns:
    """When somebody last tried to sign in as a user, whether that went well, and since when there is a password."""

    last_attempt: datetime | None = None
    succeeded: bool = False
    password_set: datetime | None = None


NO_SIGN_INS = SignIns()
