"""Statements on the keys of requests that may be repeated."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, tuple_, update

from tokenry.domain.idempotency import KEPT_SECONDS, KeyedRequest
from tokenry.storage.database import DELETED_MAX, to_seconds
from tokenry.storage.inserts import insert_into
from tokenry.storage.schema import idempotency_keys as keys


@dataclass(frozen=True, slots=True)
class Given:
    """What the first request with a key asked for, as a digest, and which secret it was answered with.

    What is no token of one's own has an id in `made`, and nothing else of its secret is known.
    """

    digest: bytes
    token_id: int
    preview: str
    made: str | None = None


def claim_key(connection: Connection, request: KeyedRequest, *, user_id: int, now: datetime) -> bool:
    """Let a user's key stand for a request; False if it stands for one already, and then that one has been carried out.

    Of two that claim it at once, the second waits until the first transaction ends: the primary key sees to it.
    """
    row = {"user_id": user_id, "key": request.key, "request": request.digest, "created_at": to_seconds(now)}
    statement = insert_into(connection, keys).values(row)
    claim = statement.on_conflict_do_update(
        index_elements=[keys.c.user_id, keys.c.key],
        set_={"request": request.digest, "created_at": to_seconds(now)},
        where=_expired(now),
    )
    return connection.execute(claim.returning(keys.c.key)).first() is not None


def get_given(connection: Connection, key: str, *, user_id: int) -> Given:
    """Read what a key that could not be claimed stands for."""
    row = connection.execute(
        select(keys.c.request, keys.c.token_id, keys.c.preview, keys.c.made).where(_is(key, user_id))
    ).one()
    return Given(row.request, row.token_id, row.preview, row.made)


def store_given(connection: Connection, key: str, *, user_id: int, token_id: int, preview: str) -> None:
    """Write down which secret the newest answer to a key's request holds."""
    connection.execute(update(keys).where(_is(key, user_id)).values(token_id=token_id, preview=preview))


def store_made(connection: Connection, key: str, *, user_id: int, made: str) -> None:
    """Write down the id of what a key's request has made."""
    connection.execute(update(keys).where(_is(key, user_id)).values(made=made))


def delete_expired_keys(connection: Connection, now: datetime) -> int:
    """Delete some of the expired keys, oldest first; how many. Waits for nobody."""
    oldest = select(keys.c.user_id, keys.c.key).where(_expired(now)).order_by(keys.c.created_at).limit(DELETED_MAX)
    statement = delete(keys).where(tuple_(keys.c.user_id, keys.c.key).in_(oldest.with_for_update(skip_locked=True)))
    return connection.execute(statement).rowcount


def _is(key: str, user_id: int) -> ColumnElement[bool]:
    return (keys.c.user_id == user_id) & (keys.c.key == key)


def _expired(now: datetime) -> ColumnElement[bool]:
    return keys.c.created_at <= to_seconds(now) - KEPT_SECONDS
