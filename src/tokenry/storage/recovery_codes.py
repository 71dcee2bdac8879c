"""Statements on recovery codes. Each is used once: by the row count of a DELETE."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from tokenry.storage.schema import recovery_codes


def replace_codes(connection: Connection, user_id: int, digests: Sequence[bytes], *, pepper_generation: int) -> None:
    """Store new codes of a user who is claimed, in place of those that there are."""
    delete_codes_of(connection, user_id)
    rows = [{"user_id": user_id, "digest": each, "pepper_generation": pepper_generation} for each in digests]
    connection.execute(insert(recovery_codes), rows)


def use_code(connection: Connection, user_id: int, digests: Sequence[bytes]) -> bool:
    """Use up a code, by whichever of its digests is there; whether it was. Of two who do at once, one is told so."""
    statement = delete(recovery_codes).where(recovery_codes.c.user_id == user_id, recovery_codes.c.digest.in_(digests))
    return connection.execute(statement).rowcount == 1


def count_codes(connection: Connection, user_id: int) -> int:
    """Count the codes that a user has left."""
    statement = select(func.count()).where(recovery_codes.c.user_id == user_id)
    return connection.execute(statement).scalar_one()


def delete_codes_of(connection: Connection, user_id: int) -> int:
    """Delete a user's codes; how many there were."""
    return connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id)).rowcount
