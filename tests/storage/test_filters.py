"""Filters and orders: both engines let the same rows through, in the same order."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.making import NOW
from tokenry.domain.filters import All, Any, Comparison, Condition, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.domain.scopes import Scopes
from tokenry.storage.accounts import create_account
from tokenry.storage.database import Database
from tokenry.storage.tokens import insert_token, list_tokens, rename_token
from tokenry.storage.users import create_user

DAY = timedelta(days=1)


def store_labels(database: Database, labels: Sequence[str]) -> None:
    """Give a user a token for each label; the n-th, from 1, has id n and expires n days from now."""
    with database.write() as connection:
        account = create_account(connection, euuid="e", company="c", created=NOW)
        user = create_user(connection, account_id=account.id, username="ada", email="", admin=False, created=NOW)
        for number, label in enumerate(labels, start=1):
            insert_token(
                connection,
                user_id=user.id,
                label=label,
                scopes=Scopes.parse("linodes:read_only"),
                preview=f"pat_{number:012}",
                created=NOW,
                expiry=NOW + number * DAY,
                created_by="ada",
            )


def labels_found(database: Database, filter: Filter) -> list[str]:
    with database.read() as connection:
        page = list_tokens(connection, user_id=1, now=NOW, request=PageRequest(), filter=filter)
    return [token.label for token in page.rows]


def containing(needle: str) -> Filter:
    return Filter(Comparison("label", Operator.CONTAINS, needle))


FOLDED = {
    "LAPTOP": "My Laptop",
    "STRASSE": "Straße",
    "école": "ÉCOLE",
    "σίσυφος": "ΣΊΣΥΦΟΣ",
    "кЛЮ": "Ключ",
    "🚀 KEY": "deploy 🚀 key",
}


def test_label_is_found_whatever_the_case(database: Database) -> None:
    store_labels(database, list(FOLDED.values()))
    assert {needle: labels_found(database, containing(needle)) for needle in FOLDED} == {
        needle: [label] for needle, label in FOLDED.items()
    }


def test_renamed_label_is_found_whatever_the_case(database: Database) -> None:
    store_labels(database, ["old"])
    with database.write() as connection:
        rename_token(connection, 1, "GRÖSSE", user_id=1, now=NOW)
    assert labels_found(database, containing("größe")) == ["GRÖSSE"]


def test_characters_that_mean_something_to_the_database_stand_for_themselves(database: Database) -> None:
    labels = ["plain", "100%", "100x", "a_b", "axb", "a/b", "//", "c\\d", "\\%", "it's"]
    needles = ["%", "_", "/", "\\", "100%", "a_b", "//", "\\%", "'"]
    store_labels(database, labels)
    assert {needle: labels_found(database, containing(needle)) for needle in needles} == {
        needle: [label for label in labels if needle in label] for needle in needles
    }


def test_equality_regards_case(database: Database) -> None:
    store_labels(database, ["Key", "key"])
    assert labels_found(database, Filter(Comparison("label", Operator.EQUAL, "key"))) == ["key"]


LABELS = ["z", "Z", "a", "é", "B", "_", " a", "ß", "я", "\uffee", "😀", "a b", "ab"]


def test_labels_are_ordered_by_code_point(database: Database) -> None:
    store_labels(database, LABELS)
    assert labels_found(database, Filter(order_by="label")) == sorted(LABELS)


def test_descending_order_is_the_reverse(database: Database) -> None:
    store_labels(database, LABELS)
    assert labels_found(database, Filter(order_by="label", descending=True)) == sorted(LABELS, reverse=True)


def test_labels_are_compared_by_code_point(database: Database) -> None:
    store_labels(database, LABELS)
    filter = Filter(Comparison("label", Operator.GREATER, "b"), order_by="label")
    assert labels_found(database, filter) == sorted(label for label in LABELS if label > "b")


def test_rows_that_compare_equal_come_in_order_of_their_id(database: Database) -> None:
    store_labels(database, ["third", "first", "second"])
    assert labels_found(database, Filter(order_by="created")) == ["third", "first", "second"]
    assert labels_found(database, Filter(order_by="created", descending=True)) == ["second", "first", "third"]


def test_limit_of_the_filter_bounds_the_whole_list(database: Database) -> None:
    store_labels(database, ["a", "b", "c"])
    with database.read() as connection:
        page = list_tokens(
            connection, user_id=1, now=NOW, request=PageRequest(), filter=Filter(order_by="label", limit=2)
        )
    assert ([token.label for token in page.rows], page.results) == (["a", "b"], 2)


COMPARED_WITH_THE_SECOND = {
    Operator.EQUAL: ["b"],
    Operator.NOT_EQUAL: ["a", "c"],
    Operator.GREATER: ["c"],
    Operator.GREATER_OR_EQUAL: ["b", "c"],
    Operator.LESS: ["a"],
    Operator.LESS_OR_EQUAL: ["a", "b"],
}


@pytest.mark.parametrize(("field", "value"), [("id", 2), ("label", "b"), ("expiry", NOW + 2 * DAY)])
def test_every_kind_is_compared_by_every_operator(database: Database, field: str, value: int | str | datetime) -> None:
    store_labels(database, ["a", "b", "c"])
    assert {
        operator: labels_found(database, Filter(Comparison(field, operator, value)))
        for operator in COMPARED_WITH_THE_SECOND
    } == COMPARED_WITH_THE_SECOND


A = Comparison("label", Operator.EQUAL, "a")
B = Comparison("id", Operator.EQUAL, 2)
COMBINED: dict[Condition, list[str]] = {
    All(()): ["a", "b", "c"],
    All((A, B)): [],
    Any((A, B)): ["a", "b"],
    All((Any((A, B)), Comparison("id", Operator.GREATER, 1))): ["b"],
    Any((All((A, B)), Comparison("label", Operator.CONTAINS, "C"))): ["c"],
}


def test_conditions_combine(database: Database) -> None:
    store_labels(database, ["a", "b", "c"])
    assert {condition: labels_found(database, Filter(condition)) for condition in COMBINED} == COMBINED


def test_largest_integer_is_no_error(database: Database) -> None:
    store_labels(database, ["a"])
    assert labels_found(database, Filter(Comparison("id", Operator.GREATER, 2**63 - 1))) == []


def test_one_of_no_conditions_is_never_true(database: Database) -> None:
    store_labels(database, ["a"])
    assert labels_found(database, Filter(Any(()))) == []
