"""What an error of a driver means, sorted once for both engines and both ways of asking.

retry    another transaction was in the way; nothing was done, and it may be tried again
lost     the connection is no longer usable, or leads to a server that may not be asked: drop all, connect anew
busy     the database cannot do it now; the connection is good
slow     it took longer than it was given
none     a defect of ours
"""

import sqlite3
from enum import Enum

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from tokenry.domain.errors import Unavailable

# SQLSTATE (PostgreSQL's appendix A), whole or by class.
_RETRY = frozenset({"40001", "40P01"})
# The last three: the prepared statement is gone, is another's, or no longer fits the tables.
_LOST = frozenset({"25006", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "26000", "42P05", "0A000"})
_LOST_CLASSES = frozenset({"08"})
_SLOW = "57014"
_LOCK_NOT_AVAILABLE = "55P03"
# 42501: a table belongs to another role, as after a restore by another.
_BUSY = frozenset({_LOCK_NOT_AVAILABLE, "42501", "57P04"})
# Not let in, resources, damaged data, the system around it.
_BUSY_CLASSES = frozenset({"28", "53", "58", "XX"})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


UNFIT = "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
"""SQL: whether the server that answers is one to raise NotPrimary for."""


class Failure(Enum):
    """What is to be done about an error."""

    RETRY = "retry"
    LOST = "lost"
    BUSY = "busy"
    SLOW = "slow"


class NotPrimary(Exception):  # noqa: N818 - what was found
    """The server is not one to be believed, nor to be written to. Another host of the address may be.

    With `others_fail` there was no connection to another one, which may be the primary.
    """

    def __init__(self, *, others_fail: bool = False) -> None:
        others = "an address cannot be reached, and at another " if others_fail else ""
        super().__init__(f"{others}the server is in recovery or read-only: it is not the primary, or takes no changes")

    @property
    def refusal(self) -> Unavailable:
        """What callers are told."""
        return Unavailable(str(self))


def is_lost(error: Exception) -> bool:
    """Whether another connection may lead to a server that can do it."""
    return isinstance(error, NotPrimary) or (isinstance(error, DBAPIError) and sort_failure(error) is Failure.LOST)


def is_held_up(error: BaseException | None) -> bool:
    """Whether only another transaction was in the way, on PostgreSQL: it may be tried again when that has ended."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in {*_RETRY, _LOCK_NOT_AVAILABLE}


def sort_failure(error: DBAPIError) -> Failure | None:
    """Sort an error that SQLAlchemy raised; None for a defect of ours."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _sort_sqlite(error, code)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return sort_state(state)
    # Without a state it is not the server's word: the connection failed, or could not be made, or answers out of step.
    return Failure.LOST if isinstance(error, (OperationalError, InterfaceError, InternalError)) else None


def sort_state(state: str) -> Failure | None:
    """Sort an SQLSTATE; None for a defect of ours."""
    if state in _RETRY:
        return Failure.RETRY
    if state in _LOST or state[:2] in _LOST_CLASSES:
        return Failure.LOST
    if state == _SLOW:
        return Failure.SLOW
    return Failure.BUSY if state in _BUSY or state[:2] in _BUSY_CLASSES else None


def _sort_sqlite(error: DBAPIError, code: int) -> Failure | None:
    if code == sqlite3.SQLITE_INTERRUPT:
        return Failure.SLOW
    # What is malformed is a DatabaseError; a statement that is wrong is an OperationalError too.
    unable = isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
    return Failure.BUSY if unable or code & 0xFF in _DAMAGED else None
