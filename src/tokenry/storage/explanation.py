"""The statement that finds a token by the first characters of what was presented, whatever has become of it."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, literal_column, select, union_all

from tokenry.domain.explanation import Opening, Trace
from tokenry.storage.credentials import KIND_LIMIT
from tokenry.storage.database import from_seconds
from tokenry.storage.details import read_details, select_details
from tokenry.storage.schema import credentials, policy, rotations, tokens, users


def find_trace(connection: Connection, preview: str, *, now: datetime, account_id: int | None = None) -> Trace | None:
    """Find the token that has or had a secret with this preview, of an account if one is named.

    Of a secret that gave way to others more than one rotation ago nothing is known.
    """
    statement = _select_trace(of_account=account_id is not None)
    row = connection.execute(statement, {"preview": preview, "account": account_id}).one_or_none()
    if row is None:
        return None
    return Trace(
        details=read_details(row, now),
        disabled=None if row.disabled_at is None else from_seconds(row.disabled_at),
        opening=None if row.digest is None else _opening(row),
        managing=row.admin and row.grant_id is None,
        kind_limit=row.kind_limit,
    )


def _opening(row: Row[Any]) -> Opening:
    return Opening(row.digest, row.pepper_generation, from_seconds(row.ends_at), tuple(row.audience.split()))


@cache
def _select_trace(*, of_account: bool) -> Select[Any]:
    """Made once: making it takes five times as long as carrying it out."""
    preview: BindParameter[str] = bindparam("preview")
    opens = credentials.alias("opens")
    named = union_all(
        select(credentials.c.token_id).where(credentials.c.preview == preview),
        select(tokens.c.id).where(tokens.c.preview == preview, tokens.c.revoked_at.is_not(None)),
        select(rotations.c.token_id).where(rotations.c.previous == preview),
    )
    statement = (
        select_details()
        .add_columns(
            users.c.disabled_at,
            users.c.admin,
            opens.c.digest,
            opens.c.pepper_generation,
            func.abs(opens.c.expires_at).label("ends_at"),
            opens.c.audience,
            KIND_LIMIT.label("kind_limit"),
        )
        .join(policy, policy.c.id == literal_column("1"))
        .outerjoin(opens, (opens.c.token_id == tokens.c.id) & (opens.c.preview == preview))
        .where(tokens.c.id.in_(named))
    )
    return statement.where(users.c.account_id == bindparam("account")) if of_account else statement
