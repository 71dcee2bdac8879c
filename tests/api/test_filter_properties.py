"""Filters mean the same on SQLite, on PostgreSQL, and to a plain reading of them."""

import json
import operator
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, create_engine, text

from tests.conftest import App, Clock, make_app
from tokenry.domain.texts import fold

TOKENS = "/v4/profile/tokens"

bounded = settings(deadline=None, max_examples=150, derandomize=os.environ.get("CI") == "true")

# Case that folds to another length or in one language only; what is a wildcard, an escape or a quote elsewhere.
LABELS = [
    "ci",
    "CI",
    "100%",
    "a_b",
    "a/b",
    "a\\b",
    'it\'s "quoted"',
    "Straße",
    "STRASSE",
    "\u0130stanbul",
    "ΣΊΣΥΦΟΣ",
    "e\u0301",
    "\xe9",
    "\U0001f511",
    "\uffff",
    " \u200b.",
    "a\nb",
]
SCOPES = ["*", "linodes:read_only", "domains:read_write linodes:read_only"]
EXPIRIES = ["2030-01-01T00:00:00", "2999-12-12T05:00:00"]

Row = dict[str, Any]
Predicate = Callable[[Row], bool]
Clause = tuple[dict[str, Any], Predicate]

ORDERED = {"+gt": operator.gt, "+gte": operator.ge, "+lt": operator.lt, "+lte": operator.le}
EXACT = {"+eq": operator.eq, "+neq": operator.ne}

texts = st.sampled_from([*LABELS, *SCOPES, "", "i", "S", "ss", "ß", "%", "_", "/", "\\", "'", "\u03c3", "ς"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3
)
times = st.sampled_from([*EXPIRIES, "2025-06-15T15:06:44", "0001-01-01T00:00:00", "9999-12-31T23:59:59"])
numbers = st.integers(0, 20) | st.sampled_from([-(2**63) + 1, 2**31, 2**63 - 1])


def compares(field: str, compare: Callable[[Any, Any], bool], value: object, row: Row) -> bool:
    return compare(row[field], value)


def contains(field: str, needle: str, row: Row) -> bool:
    return fold(needle) in fold(row[field])


def comparison(field: str, values: st.SearchStrategy[Any], allowed: dict[str, Any]) -> st.SearchStrategy[Clause]:
    return st.tuples(st.sampled_from(sorted(allowed)), values).map(
        lambda pair: ({field: {pair[0]: pair[1]}}, partial(compares, field, allowed[pair[0]], pair[1]))
    )


def containing(field: str) -> st.SearchStrategy[Clause]:
    return texts.map(lambda needle: ({field: {"+contains": needle}}, partial(contains, field, needle)))


def every(clauses: list[Clause]) -> Clause:
    return {"+and": [filter for filter, _ in clauses]}, lambda row: all(holds(row) for _, holds in clauses)


def some(clauses: list[Clause]) -> Clause:
    return {"+or": [filter for filter, _ in clauses]}, lambda row: any(holds(row) for _, holds in clauses)


leaves = st.one_of(
    comparison("id", numbers, EXACT | ORDERED),
    comparison("created", times, EXACT | ORDERED),
    comparison("expiry", times, EXACT | ORDERED),
    comparison("label", texts, EXACT),
    comparison("scopes", texts, EXACT),
    containing("label"),
    containing("scopes"),
    texts.map(lambda label: ({"label": label}, partial(compares, "label", operator.eq, label))),
)
clauses = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(every) | st.lists(inner, min_size=1, max_size=3).map(some),
    max_leaves=10,
)


@dataclass
class Engines:
    """The same tokens on both engines, and what each token is."""

    apps: list[App]
    rows: list[Row]

    def ask(self, filter: bytes, query: str = "") -> tuple[int, Any]:
        """The answer, which is the same on both but for the random text of tokens."""
        answers = []
        for app in self.apps:
            bearer = f"Bearer {app.token}".encode()
            answer = app.client.get(TOKENS + query, headers=[(b"Authorization", bearer), (b"X-Filter", filter)])
            body = answer.json()
            for token in body.get("data", ()):
                del token["token"]
            answers.append((answer.status_code, body))
        assert answers[0] == answers[1]
        return answers[0]


def fill(app: App) -> list[Row]:
    """Make a token of every label, two in each second."""
    for number, label in enumerate(LABELS):
        app.clock.seconds += number % 2
        body = {"label": label, "scopes": SCOPES[number % 3], "expiry": EXPIRIES[number % 2]}
        assert app.client.post(TOKENS, headers=app.bearer, json=body).status_code == 200
    listed = app.client.get(TOKENS, headers=app.bearer).json()["data"]
    assert len(listed) == 1 + len(LABELS)
    return [{field: value for field, value in token.items() if field != "token"} for token in listed]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, postgres: URL) -> Iterator[Engines]:
    admin = create_engine(postgres.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    directory = tmp_path_factory.mktemp("filters")
    with admin.connect() as connection, ExitStack() as stack:
        connection.execute(text("CREATE DATABASE filter_properties"))
        url = postgres.set(database="filter_properties").render_as_string(hide_password=False)
        apps = [make_app(directory / "sqlite", Clock()), make_app(directory / "postgresql", Clock(), url)]
        for app in apps:
            stack.enter_context(app.client)
        on_sqlite, on_postgres = (fill(app) for app in apps)
        assert on_sqlite == on_postgres
        yield Engines(apps, on_sqlite)
        stack.close()
        connection.execute(text("DROP DATABASE filter_properties WITH (FORCE)"))
    admin.dispose()


@bounded
@given(clause=clauses)
def test_filter_finds_what_a_plain_reading_of_it_finds(engines: Engines, clause: Clause) -> None:
    filter, holds = clause
    status, page = engines.ask(json.dumps(filter).encode("ascii"))
    assert (status, page["data"]) == (200, [row for row in engines.rows if holds(row)])
    assert page["results"] == len(page["data"])


@bounded
@given(
    clause=clauses,
    field=st.sampled_from(["id", "label", "scopes", "created", "expiry"]),
    order=st.sampled_from(["asc", "desc"]),
    limit=st.integers(1, 20),
)
def test_order_and_limit_are_those_of_a_plain_reading(
    engines: Engines, clause: Clause, field: str, order: str, limit: int
) -> None:
    condition, holds = clause
    ordered = {"+and": [condition, {"+order_by": field, "+order": order, "+limit": limit}]}
    # By code point is by byte of UTF-8; of tokens that compare equal the id decides.
    expected = sorted(filter(holds, engines.rows), key=operator.itemgetter(field, "id"), reverse=order == "desc")
    status, page = engines.ask(json.dumps(ordered).encode("ascii"))
    assert (status, page["data"]) == (200, expected[:limit])


near_values: st.SearchStrategy[Any] = st.one_of(
    texts,
    times,
    numbers,
    st.text(st.characters(), max_size=5),
    st.sampled_from([None, True, 1.5, 2**63, -(2**63), float("nan"), "", {}, [], "2025-06-15", "x" * 1001]),
)
near_names = st.sampled_from(
    ["id", "label", "scopes", "created", "expiry", "token", "user_id", "+and", "+or", "+order_by", "+order", "+limit"]
) | st.text(max_size=3)
near_operators = st.sampled_from([*EXACT, *ORDERED, "+contains", "+like", "label"])
near_filters = st.recursive(
    near_values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(near_names, inner | st.dictionaries(near_operators, near_values, max_size=2), max_size=3),
    ),
    max_leaves=15,
)


@bounded
@given(
    filter=near_filters,
    encoding=st.sampled_from(["ascii", "utf-8"]),
    query=st.sampled_from(["", "?page=2", "?page_size=25", "?page=0"]),
)
def test_any_filter_is_answered_alike_on_both_engines(
    engines: Engines,
    filter: object,
    encoding: str,
    query: str,
) -> None:
    sent = json.dumps(filter, ensure_ascii=encoding == "ascii")
    status, body = engines.ask(sent.encode("utf-8", "surrogatepass"), query)
    assert status in {200, 400}
    if status == 400:
        assert {error["field"] for error in body["errors"]} <= {"X-Filter", "page"}
