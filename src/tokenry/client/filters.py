"""Filters and orders as expressions: `(where.label == "ci") & (where.created > yesterday)`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from tokenry.client.times import write_time

V = TypeVar("V", int, str, datetime)


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold of a row. `json` is how the header X-Filter says it."""

    json: Mapping[str, Any]

    def __and__(self, other: "Condition") -> "Condition":
        return Condition({"+and": [self.json, other.json]})

    def __or__(self, other: "Condition") -> "Condition":
        return Condition({"+or": [self.json, other.json]})

    def __bool__(self) -> bool:
        """Raise TypeError: `and`, `or` and chained comparisons would drop one side."""
        raise TypeError("Join conditions with & and |, each in parentheses")


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows."""

    field: str
    descending: bool = False

    @property
    def json(self) -> Mapping[str, Any]:
        """How the header X-Filter says it."""
        return {"+order_by": self.field, "+order": "desc" if self.descending else "asc"}


class Field(Generic[V]):
    """A field that rows can be compared by, with `==`, `!=`, `<`, `<=`, `>` and `>=`.

    Raises TypeError for what is neither a number nor text nor a datetime, ValueError for a datetime without a zone.
    """

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # == makes a condition

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def ascending(self) -> Order:
        """Rows in the order of this field."""
        return Order(self.name)

    @property
    def descending(self) -> Order:
        """Rows in the reverse order of this field."""
        return Order(self.name, descending=True)

    def __eq__(self, value: V) -> Condition:  # type: ignore[override]
        return Condition({self.name: self._written(value)})

    def __ne__(self, value: V) -> Condition:  # type: ignore[override]
        return self._compared("+neq", value)

    def __lt__(self, value: V) -> Condition:
        return self._compared("+lt", value)

    def __le__(self, value: V) -> Condition:
        return self._compared("+lte", value)

    def __gt__(self, value: V) -> Condition:
        return self._compared("+gt", value)

    def __ge__(self, value: V) -> Condition:
        return self._compared("+gte", value)

    def _compared(self, operator: str, value: V | str) -> Condition:
        return Condition({self.name: {operator: self._written(value)}})

    def _written(self, value: V | str) -> int | str:
        if isinstance(value, int | str):
            return value
        if isinstance(value, datetime):
            return write_time(value, self.name)
        raise TypeError(f"{self.name} is compared with an int, a str or a datetime, not a {type(value).__name__}")


class TextField(Field[str]):
    """A field of text."""

    __slots__ = ()

    def contains(self, part: str) -> Condition:
        """Rows that have this text somewhere in the field, in whatever case."""
        return self._compared("+contains", part)


class MetadataField:
    """The metadata of rows: `where.metadata["plan"] == "pro"` is of those that have this entry on the top level."""

    __slots__ = ()

    def __getitem__(self, key: str) -> "EntryField":
        """One of its entries."""
        return EntryField(f"metadata.{key}")


class EntryField:
    """An entry of metadata, which is compared with `==` to a text, a number, a truth value or None."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # == makes a condition

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, value: str | float | bool | None) -> Condition:  # type: ignore[override]
        if value is None or isinstance(value, str | int | float):
            return Condition({self.name: value})
        raise TypeError(f"{self.name} is compared with a str, a number, a bool or None, not a {type(value).__name__}")

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        raise TypeError(f"{self.name} is compared with == alone")


OrderBy = Order | Field[Any]
"""An order, or a field by which the smallest comes first."""


class where:  # noqa: N801 - it reads as a word of an expression
    """The fields that lists of tokens can be filtered and ordered by; `last_used` is one in lists of details alone.

    The next three are those of lists of users; `metadata` is of both, without an order. The last six are of the audit,
    with `id`.
    """

    id = Field[int]("id")
    label = TextField("label")
    scopes = TextField("scopes")
    created = Field[datetime]("created")
    expiry = Field[datetime]("expiry")
    last_used = Field[datetime]("last_used")
    external_id = TextField("external_id")
    username = TextField("username")
    email = TextField("email")
    metadata = MetadataField()
    at = Field[datetime]("at")
    actor = TextField("actor")
    token_id = Field[int]("token_id")
    address = TextField("address")
    action = TextField("action")
    subject = TextField("subject")


def write_filter(filter: Condition | Mapping[str, Any] | None, order_by: OrderBy | None) -> Mapping[str, Any] | None:
    """The JSON of a filter and an order, None for neither. A mapping is taken as it is."""
    asked = filter.json if isinstance(filter, Condition) else filter
    if order_by is None:
        return asked
    order = order_by.ascending if isinstance(order_by, Field) else order_by
    return order.json if asked is None else {"+and": [asked], **order.json}


def find_limit(filter: Condition | Mapping[str, Any] | None) -> int | None:
    """How many rows a filter asks for at most, which it may say in an `+and`; None for any number."""
    asked = filter.json if isinstance(filter, Condition) else filter or {}
    parts = asked.get("+and")
    within = map(find_limit, parts if isinstance(parts, list | tuple) else ())
    return next((limit for limit in (asked.get("+limit"), *within) if isinstance(limit, int)), None)
