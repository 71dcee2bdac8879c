"""Statements on revoked tokens that seem to be in use again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from tokenry.domain.usage import RevokedUse, day_of
from tokenry.storage.database import from_seconds, to_seconds
from tokenry.storage.notices import note_presented_again
from tokenry.storage.schema import revoked_uses, tokens, users
from tokenry.storage.tokens import PERSONAL
from tokenry.storage.usage import upsert_rows


class Suspect(NamedTuple):
    """Something that opens nothing and begins like this: when it was presented, and from where."""

    preview: str
    at: int
    address: str | None


def note_revoked_uses(connection: Connection, suspects: Sequence[Suspect]) -> None:
    """Note which of these previews are those of personal tokens that were revoked: one row for each such token.

    Nothing of a revoked token is kept that its secret could be compared with, and a preview is no secret. So anybody
    who has seen one can have this noted, and must gain nothing by it: what is told of it is told once a day.
    """
    by_preview = {suspect.preview: suspect for suspect in suspects}
    found = select(tokens.c.id, tokens.c.preview).where(
        tokens.c.preview.in_(by_preview), tokens.c.revoked_at.is_not(None), PERSONAL
    )
    rows = [
        {
            "token_id": row.id,
            "day": day_of(by_preview[row.preview].at),
            "first_at": by_preview[row.preview].at,
            "last_at": by_preview[row.preview].at,
            "address": by_preview[row.preview].address,
        }
        for row in sorted(connection.execute(found).all())
    ]
    # Once a day: more would only be work for whoever makes one up.
    upsert_rows(
        connection,
        revoked_uses,
        rows,
        lambda new: {"day": new.day, "last_at": new.last_at, "address": new.address},
        lambda new: revoked_uses.c.day < new.day,
    )
    if rows:
        at = max(suspect.at for suspect in suspects)
        note_presented_again(connection, [row["token_id"] for row in rows], from_seconds(at))


def list_revoked_uses(
    connection: Connection, *, since: datetime, account_id: int | None = None
) -> Sequence[RevokedUse]:
    """List the revoked tokens that seem to have been presented since a moment, first first: an account's, or all."""
    statement = (
        select(revoked_uses, tokens.c.user_id, tokens.c.label, tokens.c.preview)
        .join(tokens, tokens.c.id == revoked_uses.c.token_id)
        .where(revoked_uses.c.day >= day_of(since.timestamp()), revoked_uses.c.last_at >= to_seconds(since))
    )
    if account_id is not None:
        statement = statement.join(users, users.c.id == tokens.c.user_id).where(users.c.account_id == account_id)
    return [
        RevokedUse(
            row.token_id,
            row.user_id,
            row.label,
            row.preview,
            from_seconds(row.first_at),
            from_seconds(row.last_at),
            row.address,
        )
        for row in sorted(connection.execute(statement), key=lambda row: (row.last_at, row.token_id))
    ]
