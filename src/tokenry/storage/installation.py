"""The one row about the installation itself: which peppers its digests were made with."""

from sqlalchemy import Connection, select

from tokenry.storage.inserts import insert_into
from tokenry.storage.schema import installation


def find_pepper_check(connection: Connection) -> bytes | None:
    """Find the value that the right peppers reproduce (`Peppers.check_value`)."""
    return connection.execute(select(installation.c.pepper_check)).scalar_one_or_none()


def claim_installation(connection: Connection) -> None:
    """Wait for any other process that is setting up; SQLite's write transaction has done so already."""
    connection.execute(select(installation.c.id).with_for_update())


def insert_pepper_check(connection: Connection, value: bytes) -> bool:
    """Store it, once for each installation; whether there was none."""
    first = insert_into(connection, installation).values(id=1, pepper_check=value).on_conflict_do_nothing()
    return bool(connection.execute(first).rowcount)
