"""Indexes that a migration adds: on PostgreSQL built before it, while others go on reading and writing the table.

A migration names them as `INDEXES` and calls `create_indexes` with them. That makes them where everything is one
transaction, on SQLite and in a new database; elsewhere `storage/migration.py` has built them by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, TextClause, text


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index, its columns in order, and the rows it has: all, or those `where` a condition in SQL holds.

    PostgreSQL's also `include` columns that are read from it and not searched by.
    """

    name: str
    table: str
    columns: Sequence[str | TextClause]
    where: str | None = None
    include: Sequence[str] = ()

    def create(self, operations: Operations, *, concurrently: bool) -> None:
        """Make it unless it is there."""
        where = None if self.where is None else text(self.where)
        operations.create_index(
            self.name,
            self.table,
            [*self.columns],
            if_not_exists=True,
            sqlite_where=where,
            postgresql_where=where,
            postgresql_include=[*self.include],
            postgresql_concurrently=concurrently,
        )


def create_indexes(indexes: Iterable[NewIndex]) -> None:
    """Make those that are not there yet, in a migration's transaction."""
    for index in indexes:
        index.create(Operations(op.get_context()), concurrently=False)


def build_index(connection: Connection, index: NewIndex) -> None:
    """Build an index in PostgreSQL beside those who use the table, unless it is there; in no transaction.

    It waits for the transactions that have changed the table. A build that was interrupted has left an index that is
    kept up to date and never used: that one is dropped first.
    """
    if _is_unfinished(connection, index.name):
        connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}"))
    index.create(Operations(MigrationContext.configure(connection)), concurrently=True)


def _is_unfinished(connection: Connection, name: str) -> bool:
    statement = text(
        "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)"
    ).bindparams(name=name)
    return bool(connection.execute(statement).scalar_one())
