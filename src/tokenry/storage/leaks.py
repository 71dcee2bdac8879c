"""The one statement of leak reports."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from tokenry.storage.database import to_seconds
from tokenry.storage.disabling import ends_at
from tokenry.storage.schema import credentials


class Opener(NamedTuple):
    """What says whether a secret opens a token, and which."""

    token_id: int
    digest: bytes
    pepper_generation: int


def find_openers(connection: Connection, previews: Collection[str], now: datetime) -> Mapping[str, Opener]:
    """Find what the tokens with these previews open, in one statement; those that expired open nothing.

    Those that are disabled would open something again.
    """
    statement = select(
        credentials.c.preview, credentials.c.token_id, credentials.c.digest, credentials.c.pepper_generation
    ).where(credentials.c.preview.in_(previews), ends_at() > to_seconds(now))
    rows = connection.execute(statement).all()
    return {row.preview: Opener(row.token_id, row.digest, row.pepper_generation) for row in rows}
