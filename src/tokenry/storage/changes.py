"""Which changes verification must hear of, so that nothing it remembers outlives them.

Verification reads `credentials`, `users`, `accounts` and `policy`, and of `tokens` what never changes and the metadata,
which `set_metadata` of `details.py` alone sets. Every UPDATE and DELETE of those four is noticed here (`statements.py`
shows each), and so is a statement whose table is not known, such as a migration's: unless it says otherwise, it counts
as a change of everything. A plain INSERT cannot make a cached token stale. It can create one that the filter of
previews lacks, so it is noticed as something created. What `exec_driver_sql` runs is not noticed: here that is what
begins a transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Insert, Update, select
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.sql.expression import SelectBase

from tokenry.storage.journal import EVERYTHING
from tokenry.storage.schema import accounts, credentials, policy, users

_WATCHED = frozenset({accounts.name, credentials.name, policy.name, users.name})
_CREATED = frozenset({credentials.name})
_KEY = "tokenry_changes"
_KNOWN = "tokenry_change_is_known"


@dataclass(slots=True)
class Names:
    """What one transaction has to name in a journal, so far."""

    previews: set[str] = field(default_factory=set)
    everything: bool = False

    @property
    def told(self) -> Collection[str] | None:
        """The previews to name, EVERYTHING, or None if there is nothing to tell."""
        return EVERYTHING if self.everything else self.previews or None


@dataclass(slots=True)
class Changes:
    """What one transaction has changed and created so far."""

    changed: Names = field(default_factory=Names)
    created: Names = field(default_factory=Names)

    def __bool__(self) -> bool:
        return self.changed.told is not None or self.created.told is not None


def execute_naming(
    connection: Connection, statement: Update | Delete, row: Mapping[str, Any] | None = None
) -> Sequence[str]:
    """Run a statement on `credentials` and return the previews of the rows it changed: only they need be forgotten."""
    naming = statement.returning(credentials.c.preview).execution_options(**{_KNOWN: True})
    previews: Sequence[str] = connection.execute(naming, row).scalars().all()
    _changes(connection).changed.previews.update(previews)
    return previews


def execute_creating(
    connection: Connection, statement: Insert, preview: str, row: Mapping[str, Any] | None = None
) -> None:
    """Run a statement that inserts the credential with this preview."""
    connection.execute(statement, row, execution_options={_KNOWN: True})
    _changes(connection).created.previews.add(preview)


def execute_unread(connection: Connection, statement: Update | Delete) -> int:
    """Run a statement that touches no column verification reads; how many rows it changed."""
    return connection.execute(statement.execution_options(**{_KNOWN: True})).rowcount


def name_these(connection: Connection, which: ColumnElement[bool]) -> None:
    """Name some credentials: what verification reads beside them is changed."""
    found = connection.execute(select(credentials.c.preview).where(which)).scalars()
    _changes(connection).changed.previews.update(found)


def begin_changes(connection: Connection) -> Changes:
    """Start anew, at the beginning of a transaction."""
    changes = connection.info[_KEY] = Changes()
    return changes


def notice(context: Any) -> None:
    """Notice every other change of a watched table, before it is made; `context` is SQLAlchemy's of a statement."""
    statement = context.invoked_statement
    if context.compiled is None or isinstance(statement, SelectBase) or context.execution_options.get(_KNOWN):
        return
    changes: Changes | None = context.root_connection.info.get(_KEY)
    if changes is not None:
        changes.changed.everything |= _may_change(statement)
        changes.created.everything |= _may_create(statement)


def _changes(connection: Connection) -> Changes:
    found: Changes = connection.info[_KEY]
    return found


def _may_change(statement: Any) -> bool:
    """Whether what verification had found may be different now."""
    # SQLite's own INSERT may be one that updates the row which is there.
    harmless = isinstance(statement, Insert) and not isinstance(statement, SqliteInsert)
    return not harmless and _concerns(statement, _WATCHED)


def _may_create(statement: Any) -> bool:
    """Whether there may be a credential now where there was none."""
    return not isinstance(statement, Delete) and _concerns(statement, _CREATED)


def _concerns(statement: Any, names: Collection[str]) -> bool:
    """Whether a statement is about one of these tables, or nobody can tell."""
    name = getattr(getattr(statement, "table", None), "name", None)
    return name is None or name in names
