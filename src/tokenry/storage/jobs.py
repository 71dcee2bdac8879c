"""Whose turn a job of the whole fleet is: the database gives it to one process at a time."""

from datetime import datetime

from sqlalchemy import Connection, or_

from tokenry.storage.database import to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.schema import jobs


def claim_job(connection: Connection, name: str, *, seconds: int, now: datetime) -> bool:
    """Take the turn of a job; False if somebody took it less than `seconds` ago.

    Of two that claim it at once one gets it: the primary key sees to it. A turn of the future is one from before the
    clock was set back, and keeps nobody waiting.
    """
    at = to_seconds(now)
    claim = insert_into(connection, jobs).values(name=name, claimed_at=at)
    due = or_(jobs.c.claimed_at <= at - seconds, jobs.c.claimed_at > at)
    claim = claim.on_conflict_do_update(index_elements=[jobs.c.name], set_={"claimed_at": at}, where=due)
    return connection.execute(claim.returning(jobs.c.name)).first() is not None
