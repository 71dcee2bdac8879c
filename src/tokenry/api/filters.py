"""Reading the X-Filter header: a JSON object that says which rows, and in which order.

{"label": "x"}                                 equal to
{"created": {"+gte": "2018-01-02T03:04:05"}}   +gt +gte +lt +lte +neq +contains
{"metadata.plan": "pro"}                       an entry of metadata, by equality alone
{"+or": [{…}, {…}]}                            +and, +or, nested; several keys in one object are an +and
{"+order_by": "created", "+order": "desc"}     also inside +and
{"+limit": 5}                                  at most five rows in all
"""

import json
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import TypeGuard

from tokenry.api.wire import read_integer, read_time
from tokenry.domain.errors import Fault, Invalid, raise_faults
from tokenry.domain.filters import EVERY_ROW, All, Any, Comparison, Condition, Filter, Has, Kind, Operator
from tokenry.domain.metadata import WHOLE_MAX, Entry, is_key
from tokenry.domain.texts import is_storable

FIELD = "X-Filter"
COST_MAX = 100
"""In comparisons."""
SEARCH_COST = 4
"""What a `+contains` and an entry of metadata count for: they look through a whole text."""
GROUPS_MAX = 100
"""Objects in `+and` and `+or`, also empty ones: each is a part of the statement."""
DEPTH_MAX = 10
TEXT_LENGTH_MAX = 1000
INTEGER_MAX = (1 << 63) - 1

_ORDERED = {Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL}
_OPERATORS: dict[Kind, set[Operator]] = {
    Kind.INTEGER: {Operator.EQUAL, Operator.NOT_EQUAL, *_ORDERED},
    Kind.TIME: {Operator.EQUAL, Operator.NOT_EQUAL, *_ORDERED},
    Kind.TEXT: {Operator.EQUAL, Operator.NOT_EQUAL, Operator.CONTAINS},
    Kind.TRUTH: {Operator.EQUAL, Operator.NOT_EQUAL},
}


def read_filter(header: str | None, fields: Mapping[str, Kind]) -> Filter:
    """Read the header for a list whose filterable fields are `fields`. Raises Invalid."""
    if header is None:
        return EVERY_ROW
    try:
        data = json.loads(header)
    except (ValueError, RecursionError):
        raise Invalid(Fault("Filter not valid JSON", FIELD)) from None
    return _Reader(fields).read(data)


class _Reader:
    """Walks one filter, gathering its order and limit on the way, since clients nest those inside +and."""

    def __init__(self, fields: Mapping[str, Kind]) -> None:
        self._fields = fields
        self._cost = 0
        self._groups = 0
        self._order_by: str | None = None
        self._order: str | None = None
        self._limit: int | None = None
        self._unknown: dict[str, None] = {}

    def read(self, data: object) -> Filter:
        condition = self._object(data, depth=0, orders=True)
        raise_faults(Fault(f"Cannot filter on {name}", FIELD) for name in self._unknown)
        if self._order is not None and self._order_by is None:
            raise _not_applicable()
        return Filter(condition, self._order_by, self._order == "desc", self._limit)

    def _object(self, data: object, *, depth: int, orders: bool) -> Condition:
        if not isinstance(data, dict) or depth > DEPTH_MAX:
            raise _not_applicable()
        parts: list[Condition] = []
        for key, value in data.items():
            match key:
                case "+and":
                    parts.append(All(self._list(value, depth=depth, orders=orders)))
                case "+or":
                    alternatives = self._list(value, depth=depth, orders=False)
                    if not alternatives:
                        raise _not_applicable()
                    parts.append(Any(alternatives))
                case "+order_by" | "+order" | "+limit":
                    self._arrange(key, value, allowed=orders)
                case _:
                    parts += self._field(key, value)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _list(self, data: object, *, depth: int, orders: bool) -> tuple[Condition, ...]:
        if not isinstance(data, list):
            raise _not_applicable()
        self._groups += len(data)
        if self._groups > GROUPS_MAX:
            raise _not_applicable()
        return tuple(self._object(part, depth=depth + 1, orders=orders) for part in data)

    def _arrange(self, key: str, value: object, *, allowed: bool) -> None:
        """Take an order or a limit; said twice, or inside +or, it has no meaning."""
        match key, value:
            case "+order_by", str(name) if allowed and self._order_by is None:
                self._kind(name)
                self._order_by = name
            case "+order", "asc" | "desc" if allowed and self._order is None:
                self._order = str(value)
            case "+limit", _ if allowed and self._limit is None:
                self._limit = read_integer(value)
                if self._limit is None or not 1 <= self._limit <= INTEGER_MAX:
                    raise _not_applicable()
            case _:
                raise _not_applicable()

    def _field(self, name: str, value: object) -> list[Condition]:
        if name.startswith("+"):
            raise _not_applicable()
        field, dot, key = name.partition(".")
        if dot and self._fields.get(field) is Kind.METADATA:
            return [self._entry(field, key, value)]
        kind = self._kind(name)
        if kind is None:
            return []
        comparisons = value if isinstance(value, dict) else {Operator.EQUAL.value: value}
        if not comparisons:
            raise _not_applicable()
        self._spend(sum(SEARCH_COST if symbol == Operator.CONTAINS.value else 1 for symbol in comparisons))
        return [_comparison(name, kind, symbol, operand) for symbol, operand in comparisons.items()]

    def _entry(self, field: str, key: str, value: object) -> Has:
        self._spend(SEARCH_COST)
        if isinstance(value, dict) and value.keys() == {Operator.EQUAL.value}:
            [value] = value.values()
        if not is_key(key) or not _is_entry(value):
            raise _not_applicable()
        return Has(field, key, value)

    def _spend(self, cost: int) -> None:
        self._cost += cost
        if self._cost > COST_MAX:
            raise _not_applicable()

    def _kind(self, name: str) -> Kind | None:
        """What can be compared as a whole, and ordered by; what cannot is noted."""
        kind = self._fields.get(name)
        if kind is None or kind is Kind.METADATA:
            self._unknown[name] = None
            return None
        return kind


def _comparison(name: str, kind: Kind, symbol: str, operand: object) -> Comparison:
    operator = next((operator for operator in _OPERATORS[kind] if operator.value == symbol), None)
    value = _value(kind, operand)
    if operator is None or value is None:
        raise _not_applicable()
    return Comparison(name, operator, value)


def _is_entry(value: object) -> TypeGuard[Entry]:
    match value:
        case str():
            return len(value) <= TEXT_LENGTH_MAX and is_storable(value)
        case int():
            return abs(value) <= WHOLE_MAX
        case float():
            return isfinite(value)
    return value is None


def _value(kind: Kind, operand: object) -> int | str | datetime | None:
    match kind, operand:
        case Kind.TIME, _:
            return read_time(operand)
        case Kind.INTEGER, _:
            number = read_integer(operand)
            return None if number is None or abs(number) > INTEGER_MAX else number
        case Kind.TRUTH, bool(truth):
            return truth
        case Kind.TEXT, str(text) if len(text) <= TEXT_LENGTH_MAX and is_storable(text):
            return text
    return None


def _not_applicable() -> Invalid:
    return Invalid(Fault("Could not apply filter", FIELD))
