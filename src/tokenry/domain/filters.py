"""Filters and orders of a list, as data. The wire format's grammar for them is read in `api/filters.py`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tokenry.domain.metadata import Entry


class Operator(Enum):
    """How a field is compared with a value. CONTAINS ignores case; everything else is exact."""

    EQUAL = "+eq"
    NOT_EQUAL = "+neq"
    GREATER = "+gt"
    GREATER_OR_EQUAL = "+gte"
    LESS = "+lt"
    LESS_OR_EQUAL = "+lte"
    CONTAINS = "+contains"


class Kind(Enum):
    """What a field holds, and so what it may be compared with."""

    INTEGER = "integer"
    TEXT = "text"
    TIME = "time"
    TRUTH = "truth"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; the value has the field's kind."""

    field: str
    operator: Operator
    value: int | str | datetime


@dataclass(frozen=True, slots=True)
class Has:
    """The metadata in a field has this entry on its top level."""

    field: str
    key: str
    value: Entry


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is; with no parts, always true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True when at least one part is."""

    parts: tuple["Condition", ...]


Condition = Comparison | Has | All | Any


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows, in which order, and at most how many of them. `descending` turns the whole order round.

    Rows that compare equal come in order of their id, so that of one second's tokens, too, the newest can be the first.
    Without `order_by` they come as the list has them.
    """

    condition: Condition = All(())
    order_by: str | None = None
    descending: bool = False
    limit: int | None = None

    @property
    def fields(self) -> frozenset[str]:
        """Every field that it asks for."""
        return frozenset(_fields(self.condition)) | ({self.order_by} if self.order_by else set())


EVERY_ROW = Filter()


def _fields(condition: Condition) -> Iterator[str]:
    match condition:
        case All(parts) | Any(parts):
            for part in parts:
                yield from _fields(part)
        case Comparison(field) | Has(field):
            yield field
