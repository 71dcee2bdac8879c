"""The audit trail: who changed what, and when. Events are only ever added, in the transaction of the change itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from tokenry.domain.accounts import Origin
from tokenry.domain.events import Event
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import audit_events

_INSERT = insert(audit_events)


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


def record(connection: Connection, *, origin: Origin, at: datetime, events: Sequence[Event]) -> None:
    """Add events, in one statement."""
    common = {
        "at": to_seconds(at),
        "actor": origin.name,
        "actor_user_id": origin.user_id if origin.actor is None else origin.actor.user_id,
        "actor_token_id": None if origin.actor is None else origin.actor.token_id or None,
        "address": origin.address,
    }
    managed: dict[str, object] = {} if origin.managed is None else {"on_behalf_of": origin.managed.username}
    if origin.page_token is not None:
        managed["page_token"] = origin.page_token
    if origin.session_id is not None:
        managed["session"] = origin.session_id
    rows = [
        {**common, "action": each.action, "subject": each.subject, "details": json.dumps({**each.details, **managed})}
        for each in events
    ]
    if rows:  # the driver takes another, longer way for many, also where they are one
        connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])


def list_events(connection: Connection, *, limit: int, subject: str | None = None) -> Sequence[Entry]:
    """List the newest events, newest first; those of one subject if it is named."""
    statement = select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)
    if subject is not None:
        statement = statement.where(audit_events.c.subject == subject)
    return [
        Entry(
            id=row.id,
            at=from_seconds(row.at),
            actor=row.actor,
            actor_user_id=row.actor_user_id,
            actor_token_id=row.actor_token_id,
            address=row.address,
            action=row.action,
            subject=row.subject,
            details=json.loads(row.details),
        )
        for row in connection.execute(statement).all()
    ]
