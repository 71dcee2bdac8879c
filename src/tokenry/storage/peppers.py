"""The peppers of an installation: those in the file of a data directory that the database was set up with.

The first pepper is made in a new file. Its check value in the database decides: of hosts that set one database up at
once, one has its value stored, and only then is its file the pepper file. A process that dies in between leaves the new
file, which the next start keeps if the database has its value, and drops if it has another's.
"""

from pathlib import Path

from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Peppers
from tokenry.storage.database import Database
from tokenry.storage.files import (
    NEW_PEPPER_FILE,
    PEPPER_FILE,
    create_peppers,
    drop_new_peppers,
    find_new_peppers,
    find_peppers,
    keep_new_peppers,
)
from tokenry.storage.installation import find_pepper_check, insert_pepper_check


def find_matching_peppers(directory: Path, database: Database) -> Peppers | None:
    """The peppers that the database was set up with; None if the set-up has not finished.

    Raises SetupError where they are others, or missing.
    """
    with database.read() as connection:
        expected = find_pepper_check(connection)
    peppers = find_peppers(directory)
    path = directory / PEPPER_FILE
    if expected is None or (peppers is None and (directory / NEW_PEPPER_FILE).exists()):
        return None
    if peppers is None:
        raise SetupError(
            f"The pepper file {path} is missing beside an existing database: copy it from the host that set the "
            "database up, or restore it from a backup. Without it no token can be verified."
        )
    if peppers.check_value() != expected:
        raise SetupError(
            f"The pepper file {path} does not belong to this database: restore the one that was made with it, or copy "
            "it from a host that has it."
        )
    return peppers


def settle_peppers(directory: Path, database: Database) -> None:
    """Keep or drop the new file that an interrupted start has left. Raises SetupError like the above.

    This and `set_up_peppers` are for one process at a time in each data directory.
    """
    with database.read() as connection:
        expected = find_pepper_check(connection)
    if expected is not None:
        new = _find_new_peppers(directory)
        if new is not None and new.check_value() == expected:
            if find_peppers(directory) is None:
                keep_new_peppers(directory)
            else:
                find_matching_peppers(directory, database)  # the right one is not dropped beside a wrong one
        drop_new_peppers(directory)
    find_matching_peppers(directory, database)


def set_up_peppers(directory: Path, database: Database) -> None:
    """Give the database its first pepper, unless it has one. Raises SetupError if that is another host's."""
    with database.read() as connection:
        expected = find_pepper_check(connection)
    if expected is None:
        peppers = find_peppers(directory) or _find_new_peppers(directory) or create_peppers(directory)
        with database.write() as connection:
            insert_pepper_check(connection, peppers.check_value())
    settle_peppers(directory, database)


def _find_new_peppers(directory: Path) -> Peppers | None:
    """What an earlier start has left in the new file, which is dropped if it was not written to its end."""
    try:
        return find_new_peppers(directory)
    except SetupError as error:
        if isinstance(error.__cause__, OSError):
            raise
        drop_new_peppers(directory)
        return None
