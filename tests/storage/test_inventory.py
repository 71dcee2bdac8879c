"""Statements on the tokens of all users."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from tests.making import NOW, add_token, new_user
from tokenry.domain.details import Details, Selection, State
from tokenry.domain.filters import EVERY_ROW, Comparison, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.storage.database import Database
from tokenry.storage.details import find_details
from tokenry.storage.inventory import find_own, list_inventory, list_next
from tokenry.storage.tokens import revoke_token
from tokenry.storage.users import create_user

EVERYTHING = Selection(None)


def new_colleague(database: Database, username: str) -> int:
    """A user of the first account."""
    with database.write() as connection:
        return create_user(connection, account_id=1, username=username, email="", admin=False, created=NOW).id


@pytest.fixture
def filled(database: Database) -> Database:
    """The users 1 and 3 of account 1, and 2 of account 2, with two tokens each, made in turn: 1 4, 3 6, and 2 5."""
    users = [new_user(database), new_user(database, "bob"), new_colleague(database, "carl")]
    with database.write() as connection:
        for user_id in users * 2:
            add_token(connection, user_id)
    return database


def ids(found: Iterator[Details] | list[Details]) -> list[int]:
    return [details.token.id for details in found]


def pieces(
    connection: Connection, *, limit: int, account_id: int | None = 1, username: str | None = None
) -> list[list[int]]:
    """The ids of everything, as it comes."""
    found: list[list[int]] = []
    after: Details | None = None
    while piece := list_next(
        connection,
        account_id=account_id,
        now=NOW,
        after=after,
        limit=limit,
        selection=EVERYTHING,
        username=username,
    ):
        found.append(ids(list(piece)))
        after = piece[-1]
    return found


def test_inventory_is_of_the_accounts_own_users_by_user_and_id(filled: Database) -> None:
    with filled.read() as connection:
        page = list_inventory(connection, account_id=1, now=NOW, request=PageRequest())
        single = [
            find_details(connection, token_id, user_id=user_id, now=NOW) for token_id, user_id in ((1, 1), (4, 1))
        ]
    assert (ids(list(page.rows)), page.results) == ([1, 4, 3, 6], 4)
    assert list(page.rows[:2]) == single
    assert [details.username for details in page.rows] == ["ada", "ada", "carl", "carl"]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (Filter(order_by="id"), [[1, 3, 4], [6]]),
        (Filter(order_by="id", descending=True), [[6, 4, 3], [1]]),
        (Filter(descending=True), [[6, 3, 4], [1]]),
        (Filter(limit=2), [[1, 4], []]),
        (Filter(limit=9), [[1, 4, 3], [6]]),
        (EVERY_ROW, [[1, 4, 3], [6]]),
    ],
)
def test_pages_of_the_inventory_follow_one_another_in_its_order(
    filled: Database, filter: Filter, expected: list[list[int]]
) -> None:
    with filled.read() as connection:
        pages = [
            list_inventory(connection, account_id=1, now=NOW, request=PageRequest(page, 3), filter=filter)
            for page in (1, 2)
        ]
    assert [ids(list(page.rows)) for page in pages] == expected
    assert {page.results for page in pages} == {sum(map(len, expected))}


def test_inventory_of_one_user(filled: Database) -> None:
    with filled.read() as connection:
        found = [
            list_inventory(connection, account_id=1, now=NOW, request=PageRequest(), username=username).results
            for username in ("carl", "bob", "nobody", "")
        ]
    assert found == [2, 0, 0, 0]


def test_inventory_is_selected_filtered_and_ordered(filled: Database) -> None:
    with filled.write() as connection:
        for token_id in (3, 4):
            revoke_token(connection, token_id, now=NOW, revoked_by="ada")
        filter = Filter(Comparison("username", Operator.NOT_EQUAL, "bob"), order_by="username", descending=True)
        found = [
            list_inventory(
                connection, account_id=1, now=NOW, request=PageRequest(), filter=filter, selection=Selection(state)
            )
            for state in (State.ACTIVE, State.REVOKED, None)
        ]
    assert [ids(list(page.rows)) for page in found] == [[6, 1], [3, 4], [6, 3, 4, 1]]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(1, [[1], [4], [3], [6]]), (2, [[1, 4], [3, 6]]), (3, [[1, 4, 3], [6]]), (9, [[1, 4, 3, 6]])],
)
def test_everything_comes_in_pieces_once_by_user_and_id(
    filled: Database, limit: int, expected: list[list[int]]
) -> None:
    with filled.read() as connection:
        assert pieces(connection, limit=limit) == expected


def test_pieces_of_all_accounts_and_of_one_user(filled: Database) -> None:
    with filled.read() as connection:
        assert pieces(connection, limit=4, account_id=None) == [[1, 4, 2, 5], [3, 6]]
        assert pieces(connection, limit=1, username="carl") == [[3], [6]]
        assert pieces(connection, limit=1, username="bob") == []


def test_only_the_accounts_own_tokens_are_found(filled: Database) -> None:
    with filled.read() as connection:
        assert sorted(find_own(connection, [6, 5, 1, 999], account_id=1)) == [1, 6]
