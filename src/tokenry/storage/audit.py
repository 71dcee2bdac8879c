"""The audit trail: who changed what, and when. Events are only ever added, in the transaction of the change itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from tokenry.domain.accounts import Origin
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import audit_events

_INSERT = insert(audit_events)


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `subject` is `token:<id>`, `user:<id>`, `account:<id>` or `policy`; `details` hold no secret."""

    id: int
    at: datetime
    actor: str
    actor_user_id: int | None
    actor_token_id: int | None
    address: str | None
    action: str
    subject: str
    details: Mapping[str, object]


def record(
    connection: Connection,
    *,
    origin: Origin,
    at: datetime,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add an event."""
    record_all(connection, origin=origin, at=at, action=action, events={subject: details or {}})


def record_all(
    connection: Connection,
    *,
    origin: Origin,
    at: datetime,
    action: str,
    events: Mapping[str, Mapping[str, object]],
) -> None:
    """Add an event for each of some subjects, with its details, in one statement."""
    common = {
        "at": to_seconds(at),
        "actor": origin.name,
        "actor_user_id": None if origin.actor is None else origin.actor.user_id,
        "actor_token_id": None if origin.actor is None else origin.actor.token_id,
        "address": origin.address,
        "action": action,
    }
    rows = [{**common, "subject": subject, "details": json.dumps(details)} for subject, details in events.items()]
    if rows:  # the driver takes another, longer way for many, also where they are one
        connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])


def list_events(connection: Connection, *, limit: int, subject: str | None = None) -> Sequence[Event]:
    """List the newest events, newest first; those of one subject if it is named."""
    statement = select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)
    if subject is not None:
        statement = statement.where(audit_events.c.subject == subject)
    return [
        Event(
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
