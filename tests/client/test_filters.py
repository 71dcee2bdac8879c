"""Expressions, and what they say in the header X-Filter."""

import operator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from tokenry.client import Condition, where
from tokenry.client.filters import write_filter

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 999, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("condition", "json"),
    [
        (where.label == "ci", {"label": "ci"}),
        (where.label != "ci", {"label": {"+neq": "ci"}}),
        (where.label.contains("c"), {"label": {"+contains": "c"}}),
        (where.id > 7, {"id": {"+gt": 7}}),
        (where.id >= 7, {"id": {"+gte": 7}}),
        (where.id < 7, {"id": {"+lt": 7}}),
        (where.id <= 7, {"id": {"+lte": 7}}),
        (where.created >= MOMENT, {"created": {"+gte": "2026-01-02T01:04:05"}}),
        (where.expiry == MOMENT, {"expiry": "2026-01-02T01:04:05"}),
        (where.metadata["plan"] == "pro", {"metadata.plan": "pro"}),
        (
            (where.metadata["a.b"] == 1.5) & (where.metadata["c"] == None),  # noqa: E711 - it makes a condition
            {"+and": [{"metadata.a.b": 1.5}, {"metadata.c": None}]},
        ),
        ((where.id > 7) & (where.label == "ci"), {"+and": [{"id": {"+gt": 7}}, {"label": "ci"}]}),
        (
            (where.id == 1) | (where.id == 2) & (where.id == 3),
            {"+or": [{"id": 1}, {"+and": [{"id": 2}, {"id": 3}]}]},
        ),
    ],
)
def test_condition_is_written(condition: Condition, json: object) -> None:
    assert condition.json == json


def test_filter_and_order_are_written_together() -> None:
    assert write_filter(None, None) is None
    assert write_filter({"label": "ci"}, None) == {"label": "ci"}
    assert write_filter(None, where.created.descending) == {"+order_by": "created", "+order": "desc"}
    for order_by in (where.label.ascending, where.label):
        assert write_filter(where.label == "ci", order_by) == {
            "+and": [{"label": "ci"}],
            "+order_by": "label",
            "+order": "asc",
        }


def test_words_that_would_drop_a_side_are_refused() -> None:
    with pytest.raises(TypeError, match="&"):
        bool(where.id > 7)
    with pytest.raises(TypeError, match="&"):
        7 < where.id < 9  # noqa: B015


@pytest.mark.parametrize("value", [date(2026, 1, 1), timedelta(days=1), None, b"x", 1.5])
def test_value_that_no_field_has_is_refused_by_the_fields_name(value: Any) -> None:
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match="created is compared with an int, a str or a datetime, not a "):
            compare(where.created, value)


def test_entry_of_metadata_is_compared_by_equality_alone_with_what_it_can_be() -> None:
    with pytest.raises(TypeError, match=r"metadata\.a is compared with a str, a number, a bool or None, not a list"):
        where.metadata["a"] == [1]  # noqa: B015
    with pytest.raises(TypeError, match="== alone"):
        where.metadata["a"] != 1  # noqa: B015


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        where.created > datetime(2026, 1, 1)  # noqa: B015, DTZ001
    assert (where.created > datetime(2026, 1, 1, tzinfo=UTC)).json
