"""Pages, filters and orders, on both engines."""

import json
from typing import Any

import pytest

from tests.conftest import App

TOKENS = "/v4/profile/tokens"
LABELS = ("Beta", "alpha", "Ärger", "ärger 100%", "under_score", "underXscore")
UNFILTERABLE = [{"reason": "Could not apply filter", "field": "X-Filter"}]


def fill(app: App) -> None:
    """Make the labels above, one a second, the first with an expiry."""
    for number, label in enumerate(LABELS):
        app.clock.seconds += 1
        body = {"label": label, "expiry": "2030-01-01T00:00:00" if number == 0 else None}
        assert app.client.post(TOKENS, headers=app.bearer, json=body).status_code == 200


def listed(app: App, filter: object, query: str = "") -> Any:
    headers = {**app.bearer, "X-Filter": filter if isinstance(filter, str) else json.dumps(filter)}
    return app.client.get(f"{TOKENS}{query}", headers=headers).json()


@pytest.fixture
def filled(app_on_each_engine: App) -> App:
    fill(app_on_each_engine)
    return app_on_each_engine


def test_conditions(filled: App) -> None:
    cases: list[tuple[object, list[str]]] = [
        ({}, ["first token", *LABELS]),
        ({"label": "alpha"}, ["alpha"]),
        ({"label": "Alpha"}, []),
        ({"label": {"+contains": "ALPH"}}, ["alpha"]),
        ({"label": {"+contains": "ÄRGER"}}, ["Ärger", "ärger 100%"]),
        ({"label": {"+contains": "r_s"}}, ["under_score"]),
        ({"label": {"+contains": "%"}}, ["ärger 100%"]),
        ({"label": {"+neq": "alpha"}}, ["first token", "Beta", *LABELS[2:]]),
        ({"id": {"+gt": 2, "+lte": 4}}, ["alpha", "Ärger"]),
        ({"id": {"+gte": 6}}, ["under_score", "underXscore"]),
        ({"id": {"+lt": 2}}, ["first token"]),
        ({"created": {"+gte": "2025-06-15T15:06:45"}}, ["under_score", "underXscore"]),
        ({"created": "2025-06-15T15:06:41"}, ["Beta"]),
        ({"expiry": {"+lt": "2999-12-12T05:00:00"}}, ["Beta"]),
        ({"scopes": "*", "id": 3}, ["alpha"]),
        ({"+or": [{"label": "alpha"}, {"label": "Beta"}]}, ["Beta", "alpha"]),
        ({"+and": [{"id": {"+gt": 1}}, {"+or": [{"id": 2}, {"id": 3}]}, {"label": "Beta"}]}, ["Beta"]),
        ({"+and": []}, ["first token", *LABELS]),
        ({"+limit": 2}, ["first token", "Beta"]),
        ({"+limit": 2.0}, ["first token", "Beta"]),
    ]
    assert [[row["label"] for row in listed(filled, filter)["data"]] for filter, _ in cases] == [
        labels for _, labels in cases
    ]


def test_orders(filled: App) -> None:
    by_code_point = sorted(("first token", *LABELS))
    assert [row["label"] for row in listed(filled, {"+order_by": "label"})["data"]] == by_code_point
    newest = listed(filled, {"+and": [{"id": {"+gt": 1}}, {"+order_by": "created", "+order": "desc"}]})
    assert [row["label"] for row in newest["data"]] == list(reversed(LABELS))
    by_expiry = listed(filled, {"+order_by": "expiry", "+order": "asc"})
    assert [row["label"] for row in by_expiry["data"]][:2] == ["Beta", "first token"]


def test_results_count_what_the_filter_lets_through(filled: App) -> None:
    page = listed(filled, {"label": {"+contains": "under"}})
    assert (page["page"], page["pages"], page["results"]) == (1, 1, 2)


@pytest.mark.parametrize(
    "filter",
    [
        [],
        "5",
        {"label": None},
        {"label": 5},
        {"label": {}},
        {"label": {"+gt": "a"}},
        {"label": {"+like": "a"}},
        {"label": "a\0"},
        {"id": True},
        {"id": "1"},
        {"id": 1.5},
        {"id": {"+contains": "1"}},
        {"id": 2**63},
        {"created": "yesterday"},
        {"+or": []},
        {"+or": {}},
        {"+and": [5]},
        {"+nor": []},
        {"+order": "desc"},
        {"+order_by": "label", "+order": "up"},
        {"+order_by": 5},
        {"+or": [{"+order_by": "label"}]},
        {"+limit": 0},
        {"+limit": True},
        {"+or": [{"id": number} for number in range(101)]},
        {"+and": [{}] * 101},
        {"+or": [{"label": {"+contains": str(number)}} for number in range(26)]},
        {"+or": [{"+and": [{}] * 9}] * 11},
    ],
)
def test_filter_that_cannot_be_applied(app: App, filter: object) -> None:
    assert listed(app, filter) == {"errors": UNFILTERABLE}


def test_filter_may_search_for_25_texts(app: App) -> None:
    searched = [{"label": {"+contains": str(number)}} for number in range(24)]
    assert listed(app, {"+or": [*searched, {"label": {"+contains": "FIRST"}}]})["results"] == 1


def test_filter_nested_too_deep_is_refused(app: App) -> None:
    filter: object = {"id": 1}
    for _ in range(12):
        filter = {"+and": [filter]}
    assert listed(app, filter) == {"errors": UNFILTERABLE}


@pytest.mark.parametrize("filter", ["", "{", "[" * 20_000, '{"label": "x"'])
def test_filter_that_is_no_json(app: App, filter: str) -> None:
    assert listed(app, filter) == {"errors": [{"reason": "Filter not valid JSON", "field": "X-Filter"}]}


@pytest.mark.parametrize("filter", [{"foo": 1}, {"+order_by": "foo"}, {"+and": [{"foo": {"+gt": 1}}]}])
def test_field_that_cannot_be_filtered_is_named(app: App, filter: object) -> None:
    assert listed(app, filter) == {"errors": [{"reason": "Cannot filter on foo", "field": "X-Filter"}]}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("?page=0", ["page"]),
        ("?page=-1", ["page"]),
        ("?page=x", ["page"]),
        ("?page=", ["page"]),
        ("?page_size=24", ["page_size"]),
        ("?page_size=501", ["page_size"]),
        ("?page_size=x", ["page_size"]),
        ("?page=0&page_size=0", ["page", "page_size"]),
    ],
)
def test_wrong_page(app: App, query: str, fields: list[str]) -> None:
    errors = listed(app, {}, query)["errors"]
    reasons = {"page": "Must be 1 or greater", "page_size": "Must be 25-500"}
    assert errors == [{"reason": reasons[field], "field": field} for field in fields]


def test_faults_of_page_and_filter_come_together(app: App) -> None:
    errors = listed(app, {"foo": 1, "bar": 2}, "?page=0")["errors"]
    assert [error["reason"] for error in errors] == [
        "Must be 1 or greater",
        "Cannot filter on foo",
        "Cannot filter on bar",
    ]


def test_pages(app: App) -> None:
    for _ in range(29):
        app.client.post(TOKENS, headers=app.bearer)
    second = listed(app, {}, "?page=2&page_size=25")
    assert [row["id"] for row in second["data"]] == [26, 27, 28, 29, 30]
    assert (second["page"], second["pages"], second["results"]) == (2, 2, 30)


def test_page_past_the_end_is_empty(app: App) -> None:
    assert listed(app, {}, "?page=99999999999") == {"data": [], "page": 99999999999, "pages": 1, "results": 1}


def test_single_reads_ignore_pages_and_filters(app: App) -> None:
    headers = {**app.bearer, "X-Filter": "nonsense"}
    assert app.client.get(f"{TOKENS}/1?page=0&page_size=1", headers=headers).status_code == 200
