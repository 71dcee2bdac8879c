"""What the audit has of each event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it was recorded: when, who caused it and from where."""

    id: int
    at: datetime
    actor: str
    actor_user_id: int | None
    actor_token_id: int | None
    address: str | None
    action: str
    subject: str
    details: Mapping[str, object]
