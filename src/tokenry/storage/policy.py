"""Statements on the policy, which is one row that is always there, and on what it concerns."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, text, update

from tokenry.domain.policy import Concerned, Policy, UserKind
from tokenry.domain.scopes import Scopes, stored_scopes
from tokenry.storage.changes import execute_naming
from tokenry.storage.database import from_seconds
from tokenry.storage.disabling import ending, ends_at
from tokenry.storage.schema import LIMIT_COLUMNS, credentials, tokens, users
from tokenry.storage.schema import policy as policies
from tokenry.storage.tokens import PERSONAL, lives

# These are made once: to make one takes longer than to run it.
_GET_POLICY = select(policies)
_FIND_CHANGERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'tokens'::regclass "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND mode = 'RowExclusiveLock' AND granted"
)
_FIND_KIND = select(users.c.admin, users.c.proxy, users.c.service).where(users.c.id == bindparam("user_id"))


class LongLived(NamedTuple):
    """A token that outlives a maximum lifetime."""

    id: int
    account_id: int
    expiry: datetime
    shortened: datetime


def get_policy(connection: Connection) -> Policy:
    """Read the policy."""
    return _read(connection, _GET_POLICY)


def claim_policy(connection: Connection) -> Policy:
    """Read the policy in order to change it; others who do wait until the transaction ends."""
    return _read(connection, _GET_POLICY.with_for_update())


def store_policy(connection: Connection, policy: Policy) -> None:
    """Replace the policy."""
    seconds = None if policy.lifetime_max is None else int(policy.lifetime_max.total_seconds())
    connection.execute(
        update(policies).values(
            lifetime_seconds_max=seconds,
            expiry_required=policy.expiry_required,
            tokens_per_user_max=policy.tokens_per_user_max,
            scopes=json.dumps({kind.value: str(scopes) for kind, scopes in policy.scopes.items()}),
            second_factor=policy.second_factor.value,
            **{name: policy.requests_per_minute.get(kind, 0) for kind, name in LIMIT_COLUMNS.items()},
        )
    )


def find_kind(connection: Connection, user_id: int) -> UserKind:
    """Find which kind a user is of."""
    row = connection.execute(_FIND_KIND, {"user_id": user_id}).one()
    return UserKind.of(admin=row.admin, proxy=row.proxy, service=row.service)


def count_live_tokens(connection: Connection, user_id: int, now: datetime, *, limit: int | None = None) -> int:
    """Count a user's personal tokens that are neither revoked nor expired; no further than `limit`."""
    found = select(tokens.c.id).where(tokens.c.user_id == user_id, PERSONAL, lives(now)).limit(limit).subquery()
    return connection.execute(select(func.count()).select_from(found)).scalar_one()


def lock_long_lived(
    connection: Connection, lifetime: timedelta, now: datetime, *, after: int, limit: int
) -> Sequence[LongLived]:
    """List and lock some of the tokens that outlive a maximum lifetime, by id, those that follow the id `after`."""
    account = select(users.c.account_id).where(users.c.id == tokens.c.user_id).scalar_subquery()
    statement = (
        select(tokens.c.id, account.label("account_id"), tokens.c.expires_at, end_of(lifetime).label("end"))
        .where(outlives(lifetime, now), tokens.c.id > after)
        .order_by(tokens.c.id)
        .limit(limit)
        .with_for_update(key_share=True)
    )
    rows = connection.execute(statement).all()
    return [LongLived(row.id, row.account_id, from_seconds(row.expires_at), from_seconds(row.end)) for row in rows]


def shorten_tokens(connection: Connection, token_ids: Sequence[int], lifetime: timedelta) -> None:
    """Let tokens that are locked, and what opens them, expire when a maximum lifetime ends."""
    connection.execute(update(tokens).where(tokens.c.id.in_(token_ids)).values(expires_at=end_of(lifetime)))
    opens = (credentials.c.token_id == tokens.c.id) & (ends_at() > tokens.c.expires_at)
    statement = update(credentials).where(opens, credentials.c.token_id.in_(token_ids))
    execute_naming(connection, statement.values(expires_at=ending(tokens.c.expires_at)))


def find_changers(connection: Connection) -> set[str]:
    """Find the transactions that have changed tokens, or made some, and have not ended; by what names them.

    There are others on PostgreSQL alone. It is told so from when a transaction first touches the table until its end
    is seen by everybody.
    """
    if connection.dialect.name == "sqlite":
        return set()
    return set(connection.execute(_FIND_CHANGERS).scalars())


def _read(connection: Connection, statement: Select[Any]) -> Policy:
    row = connection.execute(statement).one()
    seconds = row.lifetime_seconds_max
    return Policy(
        lifetime_max=None if seconds is None else timedelta(seconds=seconds),
        expiry_required=row.expiry_required,
        tokens_per_user_max=row.tokens_per_user_max,
        scopes=_read_scopes(row.scopes),
        second_factor=Concerned(row.second_factor),
        requests_per_minute={kind: limit for kind, name in LIMIT_COLUMNS.items() if (limit := getattr(row, name))},
    )


@lru_cache(maxsize=16)
def _read_scopes(text: str) -> Mapping[UserKind, Scopes]:
    return MappingProxyType({UserKind(kind): stored_scopes(scopes) for kind, scopes in json.loads(text).items()})


def end_of(lifetime: timedelta) -> ColumnElement[int]:
    """When a token ends that lives no longer."""
    return tokens.c.created_at + int(lifetime.total_seconds())


def outlives(lifetime: timedelta, now: datetime) -> ColumnElement[bool]:
    """Live personal tokens that outlive it.

    Those that were made for a proxy user do not count: their lifetime is their own rule.
    """
    return PERSONAL & lives(now) & tokens.c.delegated_by.is_(None) & (tokens.c.expires_at > end_of(lifetime))
