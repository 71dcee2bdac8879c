"""Statements on authorization requests that clients left here (RFC 9126).

Single use is a row count: of two who decide on one at once, one is told that it was still there.
"""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from tokenry.domain.authorization import Parameters
from tokenry.domain.secrets import Keyed
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.pruning import some_of
from tokenry.storage.schema import pushed_requests


class PushedRequest(NamedTuple):
    """A request that a client left: its parameters, and what opens it."""

    preview: str
    digest: bytes
    pepper_generation: int
    oauth_client_id: int
    parameters: Parameters
    created: datetime
    expiry: datetime


def insert_pushed_request(
    connection: Connection,
    parameters: Parameters,
    keyed: Keyed,
    *,
    oauth_client_id: int,
    created: datetime,
    expiry: datetime,
) -> None:
    """Store a request."""
    row = {
        **keyed._asdict(),
        "oauth_client_id": oauth_client_id,
        "parameters": json.dumps(dict(parameters)),
        "created_at": to_seconds(created),
        "expires_at": to_seconds(expiry),
    }
    connection.execute(insert(pushed_requests).values(row))


def find_pushed_request(connection: Connection, preview: str) -> PushedRequest | None:
    """Find a request, also an expired one."""
    row = connection.execute(select(pushed_requests).where(pushed_requests.c.preview == preview)).one_or_none()
    if row is None:
        return None
    return PushedRequest(
        preview=row.preview,
        digest=row.digest,
        pepper_generation=row.pepper_generation,
        oauth_client_id=row.oauth_client_id,
        parameters=json.loads(row.parameters),
        created=from_seconds(row.created_at),
        expiry=from_seconds(row.expires_at),
    )


def extend_pushed_request(connection: Connection, preview: str, expiry: datetime) -> bool:
    """Let a request expire later; whether it was there."""
    statement = update(pushed_requests).where(pushed_requests.c.preview == preview)
    return connection.execute(statement.values(expires_at=to_seconds(expiry))).rowcount == 1


def delete_pushed_request(connection: Connection, preview: str) -> bool:
    """Use a request up; whether it was there."""
    statement = delete(pushed_requests).where(pushed_requests.c.preview == preview)
    return connection.execute(statement).rowcount == 1


def delete_expired_requests(connection: Connection, now: datetime) -> int:
    """Delete some of those that expired, oldest first; how many. Waits for nobody."""
    oldest = select(pushed_requests.c.preview).where(pushed_requests.c.expires_at <= to_seconds(now))
    oldest = some_of(oldest.order_by(pushed_requests.c.expires_at))
    return connection.execute(delete(pushed_requests).where(pushed_requests.c.preview.in_(oldest))).rowcount
