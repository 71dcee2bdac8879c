"""The audit trail: who changed what, and when. Events are only ever added, in the transaction of the change itself."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, select

from tokenry.domain.accounts import Origin
from tokenry.domain.audit import Entry
from tokenry.domain.events import Event
from tokenry.domain.filters import EVERY_ROW, All, Comparison, Condition, Filter, Operator
from tokenry.domain.paging import Page, PageRequest
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.filters import condition_of, filtered, ordered
from tokenry.storage.paging import page_of, pages_of
from tokenry.storage.schema import Id, audit_events, oauth_clients, tokens, users

_TOKEN, _USER, _ACCOUNT, _CLIENT = (
    bindparam(f"of_{name}", type_=Id) for name in ("token_id", "user_id", "account_id", "oauth_client_id")
)
_OWNER = func.coalesce(_USER, select(tokens.c.user_id).where(tokens.c.id == _TOKEN).scalar_subquery())
_ACCOUNT_OF = func.coalesce(
    _ACCOUNT,
    select(users.c.account_id).where(users.c.id == _OWNER).scalar_subquery(),
    select(oauth_clients.c.account_id).where(oauth_clients.c.id == _CLIENT).scalar_subquery(),
)
_INSERT = insert(audit_events).values(user_id=_OWNER, account_id=_ACCOUNT_OF).returning(audit_events.c.id)
"""Whose an event is follows from its subject, in the statement that adds it."""
_ENTRY = select(
    *(each for each in audit_events.c if each.name not in {audit_events.c.account_id.name, audit_events.c.user_id.name})
)
_COLUMNS = {
    **{name: audit_events.c[name] for name in ("id", "at", "actor", "action", "subject")},
    # What there is none of comes first in an order, on both engines.
    "token_id": func.coalesce(audit_events.c.actor_token_id, 0),
    "address": func.coalesce(audit_events.c.address, ""),
}
_NEWEST_FIRST = (audit_events.c.id.desc(),)
EVENTS_LOOKED_AT = 500


def record(connection: Connection, *, origin: Origin, at: datetime, events: Sequence[Event]) -> Sequence[int]:
    """Add events, in one statement; their ids."""
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
        {
            **common,
            **{f"of_{name}": number for name, number in each.of.items()},
            "action": each.action,
            "subject": each.subject,
            "details": json.dumps({**each.details, **managed}),
        }
        for each in events
    ]
    if not rows:
        return ()
    # The driver takes another, longer way for many, also where they are one.
    return connection.execute(_INSERT, rows if len(rows) > 1 else rows[0]).scalars().all()


def list_events(
    connection: Connection, *, limit: int, subject: str | None = None, filter: Filter = EVERY_ROW
) -> Sequence[Entry]:
    """List so many of the newest events that meet a filter's condition; those of one subject if it is named."""
    statement = _ENTRY.order_by(*_NEWEST_FIRST).limit(limit)
    if subject is not None:
        statement = statement.where(audit_events.c.subject == subject)
    if filter != EVERY_ROW:
        statement = statement.where(condition_of(filter, _COLUMNS, {}))
    return [read_entry(row) for row in connection.execute(statement).all()]


def count_events(connection: Connection, subject: str, action: str, since: datetime) -> int:
    """Count how often something was done to a subject since then.

    The newest EVENTS_LOOKED_AT of the subject are looked at. Where all are from since then, they count as many: or
    whoever did enough else could do it again.
    """
    own = select(audit_events.c.action).where(audit_events.c.subject == subject)
    newest = own.add_columns(audit_events.c.at).order_by(*_NEWEST_FIRST).limit(EVENTS_LOOKED_AT).subquery()
    found = connection.execute(select(newest.c.action).where(newest.c.at > to_seconds(since))).scalars().all()
    return len(found) if len(found) == EVENTS_LOOKED_AT else found.count(action)


def list_events_of_account(
    connection: Connection, account_id: int, *, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Entry]:
    """List the events of an account, of its users and of their tokens, newest first unless the filter has an order."""
    return _list(connection, audit_events.c.account_id, account_id, request, filter)


def list_events_of_user(
    connection: Connection, user_id: int, *, request: PageRequest, filter: Filter = EVERY_ROW
) -> Page[Entry]:
    """List the events of a user and of the user's tokens, newest first unless the filter has an order."""
    return _list(connection, audit_events.c.user_id, user_id, request, filter)


def list_next_of_account(connection: Connection, account_id: int, *, filter: Filter, limit: int) -> Sequence[Entry]:
    """List so many of the newest events of an account that a filter lets through, without counting them all."""
    return _list_some(connection, audit_events.c.account_id == account_id, filter, limit)


def list_next_of_user(connection: Connection, user_id: int, *, filter: Filter, limit: int) -> Sequence[Entry]:
    """The same of a user and of the user's tokens."""
    return _list_some(connection, audit_events.c.user_id == user_id, filter, limit)


def _list_some(connection: Connection, own: ColumnElement[bool], filter: Filter, limit: int) -> Sequence[Entry]:
    found = filtered(select(audit_events.c.id).where(own), filter, _COLUMNS, {}, own=_NEWEST_FIRST).limit(limit)
    rows = ordered(_ENTRY.where(audit_events.c.id.in_(found)), filter, _COLUMNS, own=_NEWEST_FIRST)
    return [read_entry(row) for row in connection.execute(rows)]


def _list(
    connection: Connection, whose: ColumnElement[int], number: int, request: PageRequest, filter: Filter
) -> Page[Entry]:
    # What is done to one subject is little: it is found by that, which SQLite would not do by itself.
    own = (whose + 0 if _names_subject(filter.condition) else whose) == number
    found = filtered(select(audit_events.c.id).where(own), filter, _COLUMNS, {}, own=_NEWEST_FIRST)
    rows = ordered(_ENTRY, filter, _COLUMNS, own=_NEWEST_FIRST)
    return page_of(connection, pages_of(found, rows), request, read_entry)


def _names_subject(condition: Condition) -> bool:
    match condition:
        case All(parts):
            return any(map(_names_subject, parts))
        case Comparison("subject", Operator.EQUAL, _):
            return True
    return False


def read_entry(row: Row[Any]) -> Entry:
    """Read an event of a row that has its columns."""
    return Entry(
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
