"""Statements on the newest uses of tokens."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, select

from tokenry.storage.inserts import insert_into
from tokenry.storage.schema import token_uses, tokens

AGENT_LENGTH_MAX = 255


class Use(NamedTuple):
    """A use of a token: when (seconds since 1970), through which credential, from which address, by which agent."""

    token_id: int
    preview: str
    used_at: int
    address: str | None
    agent: str | None


def record_uses(connection: Connection, uses: Sequence[Use]) -> None:
    """Store the newest use of each token; an older one than is stored changes nothing.

    One of a token that is not there is left out: a standby that took over may have lost those made last.
    """
    columns = [token_uses.c.token_id, token_uses.c.used_at, token_uses.c.address, token_uses.c.agent]
    row = select(*(bindparam(column.name, type_=column.type) for column in columns))
    there = exists().where(tokens.c.id == bindparam("token_id"))
    statement = insert_into(connection, token_uses).from_select(columns, row.where(there))
    new = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=[token_uses.c.token_id],
        set_={"used_at": new.used_at, "address": new.address, "agent": new.agent},
        where=token_uses.c.used_at < new.used_at,
    )
    rows = [
        {"token_id": use.token_id, "used_at": use.used_at, "address": use.address, "agent": use.agent}
        for use in sorted(uses)  # in one order everywhere, so that two workers never wait for each other in a circle
    ]
    if rows:
        connection.execute(upsert, rows)


def was_used(connection: Connection, token_id: int) -> bool:
    """Whether any use of a token was ever written down."""
    return connection.execute(select(token_uses.c.used_at).where(token_uses.c.token_id == token_id)).first() is not None
