"""Statements on the shortening of tokens that a change of the policy asked for: one row at most."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, insert, select, update

from tokenry.domain.accounts import Origin
from tokenry.domain.policy_changes import Shortening
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.schema import shortenings

_GET = select(shortenings)


def find_shortening(connection: Connection) -> Shortening | None:
    """Find the last one that was asked for."""
    return _find(connection, _GET)


def claim_shortening(connection: Connection) -> Shortening | None:
    """The same, in order to go on with it or to replace it; others who do wait until the transaction ends."""
    return _find(connection, _GET.with_for_update())


def begin_shortening(
    connection: Connection, earlier: Shortening | None, lifetime: timedelta, origin: Origin, now: datetime
) -> None:
    """Ask for one, in place of the last one, which is claimed."""
    connection.execute(delete(shortenings))
    connection.execute(
        insert(shortenings).values(
            id=1 if earlier is None else earlier.id + 1,
            lifetime_seconds=int(lifetime.total_seconds()),
            actor=origin.name,
            actor_user_id=origin.user_id if origin.actor is None else origin.actor.user_id,
            address=origin.address,
            session_id=origin.session_id,
            started_at=to_seconds(now),
            last_token_id=0,
            at_once=0,
            sooner=0,
        )
    )


def store_progress(connection: Connection, progress: Shortening) -> None:
    """Store how far it is."""
    connection.execute(
        update(shortenings).values(
            last_token_id=progress.last_id,
            at_once=progress.at_once,
            sooner=progress.sooner,
            ended_at=None if progress.ended is None else to_seconds(progress.ended),
        )
    )


def _find(connection: Connection, statement: Select[tuple[object, ...]]) -> Shortening | None:
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return Shortening(
        id=row.id,
        lifetime=timedelta(seconds=row.lifetime_seconds),
        origin=Origin(row.actor, address=row.address, session_id=row.session_id, user_id=row.actor_user_id),
        started=from_seconds(row.started_at),
        last_id=row.last_token_id,
        at_once=row.at_once,
        sooner=row.sooner,
        ended=None if row.ended_at is None else from_seconds(row.ended_at),
    )
