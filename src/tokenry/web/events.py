"""An event of the audit as data: in the API's lists, and in files of the console."""

from tokenry.domain.audit import Entry
from tokenry.moments import write_moment

COLUMNS = ("id", "at", "actor", "token_id", "address", "action", "subject", "details")
"""Of a file of events."""


def write_entry(entry: Entry) -> dict[str, object]:
    """Write an event."""
    return {
        "id": entry.id,
        "at": write_moment(entry.at),
        "actor": entry.actor,
        "token_id": entry.actor_token_id,
        "address": entry.address,
        "action": entry.action,
        "subject": entry.subject,
        "details": dict(entry.details),
    }
