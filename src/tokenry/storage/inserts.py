"""Inserts that say what is to be done where the row is there already, which SQLAlchemy has for each engine apart."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`, which both engines have alike."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)
