"""A domain filter as clauses of a statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Any as Anything
from typing import TypeVar

from sqlalchemy import ColumnElement, Integer, Select, String, Text, and_, false, func, literal, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from tokenry.domain.filters import All, Any, Comparison, Condition, Filter, Has, Operator
from tokenry.domain.metadata import entry_texts
from tokenry.domain.texts import fold
from tokenry.storage.database import to_seconds

Columns = Mapping[str, ColumnElement[Anything]]
RowT = TypeVar("RowT", bound=tuple[Anything, ...])
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class Position(FunctionElement[int]):
    """Where a text stands in another one; 0 if nowhere.

    LIKE means the same, and takes thirty times as long where the texts are made to repeat themselves.
    """

    name = "position"
    type = Integer()
    inherit_cache = True


@compiles(Position, "sqlite")
def _in_sqlite(element: Position, compiler: SQLCompiler, **options: Anything) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(Position, "postgresql")
def _in_postgres(element: Position, compiler: SQLCompiler, **options: Anything) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


class EntryText(FunctionElement[str]):
    """An entry on the top level of metadata, as its JSON is written there; NULL if there is none of this key."""

    name = "entry_text"
    type = String()
    inherit_cache = True


@compiles(EntryText, "sqlite")
def _entry_in_sqlite(element: EntryText, compiler: SQLCompiler, **options: Anything) -> str:
    column, key = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} -> ('$.\"' || {key} || '\"'))"


@compiles(EntryText, "postgresql")
def _entry_in_postgres(element: EntryText, compiler: SQLCompiler, **options: Anything) -> str:
    column, key = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(CAST({column} AS JSON) -> CAST({key} AS TEXT) AS TEXT)"


def filtered(
    statement: Select[RowT],
    filter: Filter,
    columns: Columns,
    folded: Columns,
    own: Sequence[ColumnElement[Anything]] = (),
) -> Select[RowT]:
    """Apply a filter's condition, order and limit; `folded` as for `condition_of`, `own` as for `ordered`."""
    statement = ordered(statement.where(condition_of(filter, columns, folded)), filter, columns, own)
    return statement if filter.limit is None else statement.limit(filter.limit)


def condition_of(filter: Filter, columns: Columns, folded: Columns) -> ColumnElement[bool]:
    """What a filter asks of a row.

    `folded` are the case-folded twins that CONTAINS looks in. For a column without one it ignores the case of ASCII.
    """
    return _clause(filter.condition, columns, folded)


def ordered(
    statement: Select[RowT], filter: Filter, columns: Columns, own: Sequence[ColumnElement[Anything]] = ()
) -> Select[RowT]:
    """Apply a filter's order; without one, the list's own, which is by id if none is given."""
    by_field = (columns[filter.order_by or "id"], columns["id"])
    keys = own if own and filter.order_by is None else by_field
    return statement.order_by(*(key.desc() if filter.descending else key for key in keys))


def _clause(condition: Condition, columns: Columns, folded: Columns) -> ColumnElement[bool]:
    match condition:
        case All(parts):
            return and_(true(), *(_clause(part, columns, folded) for part in parts))
        case Any(parts):
            return or_(false(), *(_clause(part, columns, folded) for part in parts))
        case Has(field, key, value):
            return EntryText(columns[field], literal(key, Text)).in_(entry_texts(value))
        case Comparison(field, Operator.CONTAINS, str(needle)):
            if field in folded:
                return Position(folded[field], fold(needle)) > 0
            # lower() of both engines leaves all but ASCII alone, given the columns' collation.
            return Position(func.lower(columns[field]), needle.translate(_LOWER)) > 0
        case Comparison(field, operator, value):
            return _compare(columns[field], operator, to_seconds(value) if isinstance(value, datetime) else value)


def _compare(column: ColumnElement[Anything], operator: Operator, value: int | str) -> ColumnElement[bool]:
    match operator:
        case Operator.NOT_EQUAL:
            return column != value
        case Operator.GREATER:
            return column > value
        case Operator.GREATER_OR_EQUAL:
            return column >= value
        case Operator.LESS:
            return column < value
        case Operator.LESS_OR_EQUAL:
            return column <= value
        case _:
            return column == value
