"""Logins: that somebody signed in, or tried to with a wrong password."""

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Login:
    """An attempt of somebody, known by the user, to sign in."""

    id: int
    at: datetime
    address: str | None
    succeeded: bool
    method: str
