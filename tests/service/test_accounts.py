"""Accounts: their identities, and what an operator does with them."""

import re
from collections.abc import Callable

import pytest

from tests.making import NOW, OPERATOR
from tokenry.domain.accounts import AccountChange
from tokenry.domain.errors import Invalid, NotFound
from tokenry.service.accounts import Accounts, new_euuid
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import audit
from tokenry.storage.database import Database


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(Transactions(database, lambda: NOW))


def fields(refusal: pytest.ExceptionInfo[Invalid]) -> list[str | None]:
    return [fault.field for fault in refusal.value.faults]


def test_identity_of_an_account_is_in_the_form_of_the_wire_format() -> None:
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16}", new_euuid())


def test_no_two_accounts_have_the_same_identity() -> None:
    assert len({new_euuid() for _ in range(1000)}) == 1000


def test_account_is_made_with_its_administrator(database: Database, accounts: Accounts) -> None:
    account = accounts.create_account(OPERATOR, company="Zuse KG", email="k@zuse.example", admin="konrad")
    assert accounts.list_accounts() == [account]
    ((konrad, _),) = Users(Transactions(database, lambda: NOW)).list_users()
    assert (konrad.username, konrad.email, konrad.admin, konrad.account_id) == (
        "konrad",
        "k@zuse.example",
        True,
        account.id,
    )


@pytest.mark.parametrize("by", ["company", "euuid"])
def test_child_is_made_of_a_parent_by_its_name_or_euuid(database: Database, accounts: Accounts, by: str) -> None:
    parent = accounts.create_account(OPERATOR, company="parent")
    child = accounts.create_account(OPERATOR, company="child", parent=getattr(parent, by))
    assert child.parent_id == parent.id
    with database.read() as connection:
        event = audit.list_events(connection, limit=1)[0]
    assert (event.action, event.subject) == ("account.create", f"account:{child.id}")
    assert event.details == {"company": "child", "parent_id": parent.id}


def test_faults_of_an_account_are_reported_at_once(accounts: Accounts) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.create_account(OPERATOR, company="", email="x", admin="a b")
    assert fields(refusal) == ["company", "email", "username"]


def test_child_of_a_child_is_refused(accounts: Accounts) -> None:
    accounts.create_account(OPERATOR, company="parent")
    accounts.create_account(OPERATOR, company="child", parent="parent")
    with pytest.raises(Invalid, match="A child account has no children of its own") as refusal:
        accounts.create_account(OPERATOR, company="grandchild", parent="child")
    assert fields(refusal) == ["parent"]


def test_name_of_several_accounts_names_none(accounts: Accounts) -> None:
    first = accounts.create_account(OPERATOR, company="twin")
    accounts.create_account(OPERATOR, company="twin")
    with pytest.raises(Invalid, match="several"):
        accounts.create_account(OPERATOR, company="child", parent="twin")
    assert accounts.create_account(OPERATOR, company="child", parent=first.euuid).parent_id == first.id


def test_unknown_parent_is_refused(accounts: Accounts) -> None:
    with pytest.raises(Invalid, match="There is no account"):
        accounts.create_account(OPERATOR, company="child", parent="nobody")
    assert accounts.list_accounts() == []


def test_taken_administrators_name_makes_no_account(accounts: Accounts) -> None:
    accounts.create_account(OPERATOR, company="one", admin="admin")
    with pytest.raises(Invalid, match="Username is already taken"):
        accounts.create_account(OPERATOR, company="two", admin="admin")
    assert [account.company for account in accounts.list_accounts()] == ["one"]


def test_user_is_made_in_the_account_that_is_named(database: Database, accounts: Accounts) -> None:
    accounts.create_account(OPERATOR, company="first")
    second = accounts.create_account(OPERATOR, company="second")
    users = Users(Transactions(database, lambda: NOW))
    assert users.create_user(OPERATOR, username="ada", account="second").account_id == second.id
    with pytest.raises(Invalid) as refusal:
        users.create_user(OPERATOR, username="bob", account="third")
    assert fields(refusal) == ["account"]


def test_only_a_child_is_detached_and_only_once(accounts: Accounts) -> None:
    parent = accounts.create_account(OPERATOR, company="parent")
    child = accounts.create_account(OPERATOR, company="child", parent="parent")
    with pytest.raises(Invalid, match="not a child account"):
        accounts.detach_account(OPERATOR, parent.euuid)
    accounts.detach_account(OPERATOR, child.euuid)
    assert [account.parent_id for account in accounts.list_accounts()] == [None, None]
    with pytest.raises(Invalid, match="not a child account"):
        accounts.detach_account(OPERATOR, child.euuid)
    with pytest.raises(NotFound):
        accounts.detach_account(OPERATOR, "nobody")


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
def test_account_that_is_called_by_anothers_euuid_is_not_taken_for_it(
    database: Database, accounts: Accounts, spelled: Callable[[str], str]
) -> None:
    victim = accounts.create_account(OPERATOR, company="victim")
    euuid = spelled(victim.euuid)
    accounts.create_account(OPERATOR, company=euuid)
    assert accounts.update_account(OPERATOR, euuid, AccountChange({"company": "renamed"})).id == victim.id
    assert (
        Users(Transactions(database, lambda: NOW)).create_user(OPERATOR, username="zoe", account=euuid).account_id
        == victim.id
    )
    assert accounts.create_account(OPERATOR, company="child", parent=euuid).parent_id == victim.id
