"""Statements on accounts."""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from tests.making import NOW
from tokenry.domain.accounts import Account, Contact
from tokenry.domain.filters import Comparison, Filter, Operator
from tokenry.domain.paging import PageRequest
from tokenry.storage.accounts import (
    create_account,
    detach_account,
    find_account,
    find_accounts,
    find_child,
    find_first_account,
    get_account,
    list_accounts,
    list_children,
    lock_child,
)
from tokenry.storage.database import Database
from tokenry.storage.users import create_user, delete_user, find_proxy

SECOND = timedelta(seconds=1)


def test_first_account_is_the_oldest(database: Database) -> None:
    with database.write() as connection:
        first = create_account(connection, euuid="Z", company="Zuse", created=NOW)
        create_account(connection, euuid="A", company="Analytical", created=NOW - SECOND)
        assert find_first_account(connection) == first


def test_identity_of_an_account_is_its_own(database: Database) -> None:
    with database.write() as connection:
        create_account(connection, euuid="E", company="one", created=NOW)
    with pytest.raises(IntegrityError), database.write() as connection:
        create_account(connection, euuid="E", company="another", created=NOW)


def test_stored_account_is_found_as_it_was_made(database: Database) -> None:
    contact = Contact(*(f"{field.name} é" for field in fields(Contact)))
    with database.write() as connection:
        made = create_account(connection, euuid="E", company="Zürich", created=NOW, contact=contact)
        assert made.contact == contact
        assert find_account(connection, "E") == get_account(connection, made.id) == made
        assert find_account(connection, "e") is None


@pytest.mark.parametrize(("text", "found"), [("Twin", ["A", "B"]), ("b", ["B"]), ("twin", []), ("", [])])
def test_accounts_are_found_by_name_exactly_or_by_euuid(database: Database, text: str, found: list[str]) -> None:
    with database.write() as connection:
        for euuid in ("A", "B"):
            create_account(connection, euuid=euuid, company="Twin", created=NOW)
        assert [account.euuid for account in find_accounts(connection, text)] == found


@pytest.fixture
def family(database: Database) -> list[Account]:
    """A parent, its children `B` and `C`, and another parent with the child `E`."""
    with database.write() as connection:
        return [
            create_account(connection, euuid=euuid, company=f"company {euuid}", created=NOW, parent_id=parent_id)
            for euuid, parent_id in (("A", None), ("B", 1), ("C", 1), ("D", None), ("E", 4))
        ]


def test_children_are_listed_by_page_and_filter(database: Database, family: list[Account]) -> None:
    with database.read() as connection:
        page = list_children(connection, parent_id=1, request=PageRequest())
        assert page.rows == tuple(family[1:3])
        last = Filter(Comparison("company", Operator.CONTAINS, "COMPANY c"))
        assert list_children(connection, parent_id=1, request=PageRequest(), filter=last).rows == (family[2],)
        assert list_children(connection, parent_id=2, request=PageRequest()).results == 0


@pytest.mark.parametrize("find", [find_child, lock_child])
def test_child_is_found_by_its_own_parent_alone(
    database: Database, family: list[Account], find: Callable[..., Account | None]
) -> None:
    with database.write() as connection:
        assert find(connection, "B", parent_id=1) == family[1]
        assert [find(connection, euuid, parent_id=1) for euuid in ("A", "E", "F")] == [None] * 3


def test_detached_account_is_nobodys_child(database: Database, family: list[Account]) -> None:
    with database.write() as connection:
        told = [detach_account(connection, account_id) for account_id in (1, 2, 2)]
        assert told == [False, True, False]
        assert find_child(connection, "B", parent_id=1) is None
        assert [account.parent_id for account in list_accounts(connection)] == [None, None, 1, None, 4]


def test_proxy_user_is_the_childs_own(database: Database, family: list[Account]) -> None:
    with database.write() as connection:
        for account_id, proxy in ((2, False), (2, True), (3, True)):
            name = f"{account_id}-{proxy}"
            create_user(
                connection, account_id=account_id, username=name, email="", admin=True, created=NOW, proxy=proxy
            )
        found = [find_proxy(connection, account.id) for account in family]
        assert [user and user.username for user in found] == [None, "2-True", "3-True", None, None]
        assert found[1] is not None
        delete_user(connection, found[1], NOW)
        assert find_proxy(connection, 2) is None
