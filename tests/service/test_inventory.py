"""What an administrator does with the tokens of all users: the audit, and the refusals."""

import pytest

from tests.making import NOW, OPERATOR
from tests.service.parts import Bench
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.details import Selection
from tokenry.domain.errors import Forbidden, NotFound, Unauthorized
from tokenry.domain.paging import PageRequest
from tokenry.domain.tokens import NewToken
from tokenry.service.inventory import Inventory
from tokenry.service.transactions import Change
from tokenry.service.users import NO_RESERVATION, Users, add_user
from tokenry.storage.accounts import create_account


@pytest.fixture
def inventory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """The inventory, read in pieces of two."""
    monkeypatch.setattr("tokenry.service.inventory.BATCH", 2)
    return Inventory(bench.transactions)


@pytest.fixture
def users(bench: Bench) -> Users:
    return Users(bench.transactions)


def token_of(bench: Bench, users: Users, username: str, *, admin: bool = False) -> tuple[int, Actor]:
    """A new user's token, and who acts with it."""
    user = users.create_user(OPERATOR, username=username, admin=admin)
    token, _ = bench.tokens.create_token_for(OPERATOR, username, NewToken())
    return token.id, bench.actor._replace(token_id=token.id, user_id=user.id, username=username, preview=token.preview)


def token_elsewhere(bench: Bench) -> int:
    """A token of another account's user."""
    with bench.database.write() as connection:
        account = create_account(connection, euuid="F", company="Other", created=NOW)
        change = Change(connection, NOW, OPERATOR)
        add_user(change, account_id=account.id, username="eve", email="", admin=False, reservation=NO_RESERVATION)
    return bench.tokens.create_token_for(OPERATOR, "eve", NewToken())[0].id


def test_bulk_revocation_is_recorded_for_each_token_that_it_revoked(
    bench: Bench, inventory: Inventory, users: Users
) -> None:
    ada, _ = token_of(bench, users, "ada")
    bob, _ = token_of(bench, users, "bob")
    bench.tokens.revoke_any_token(OPERATOR, bob)
    eve = token_elsewhere(bench)
    answer = inventory.revoke_tokens(bench.origin, [eve, bob, ada, 999])
    assert answer == [(eve, False), (bob, False), (ada, True), (999, False)]
    assert [action for action, _ in bench.events(f"token:{ada}")] == ["token.create", "token.revoke"]
    assert [action for action, _ in bench.events(f"token:{bob}")] == ["token.create", "token.revoke"]
    assert [action for action, _ in bench.events(f"token:{eve}")] == ["token.create"]
    revocations = {
        found.token.id: found.revocation for piece in inventory.export_all(Selection(None)) for found in piece
    }
    assert [one and one.by for one in (revocations[ada], revocations[bob], revocations[eve])] == [
        "admin",
        "operator",
        None,
    ]


def test_acting_token_may_be_among_them(bench: Bench, inventory: Inventory) -> None:
    assert inventory.revoke_tokens(bench.origin, [1]) == [(1, True)]
    with pytest.raises(Unauthorized):
        inventory.revoke_tokens(bench.origin, [1])


def test_others_than_administrators_are_refused(bench: Bench, inventory: Inventory, users: Users) -> None:
    token_id, actor = token_of(bench, users, "ada")
    for attempt in (
        lambda: inventory.list_tokens(actor, PageRequest()),
        lambda: next(inventory.export_tokens(actor)),
        lambda: inventory.revoke_tokens(Origin.of(actor), [token_id]),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert len(bench.events(f"token:{token_id}")) == 1


def test_export_ends_where_the_acting_token_does(bench: Bench, inventory: Inventory, users: Users) -> None:
    for name in ("ada", "bob", "carl"):
        token_of(bench, users, name)
    export = inventory.export_tokens(bench.actor)
    assert [found.username for found in next(export)] == ["admin", "ada"]
    bench.tokens.revoke_token(bench.origin, 1)
    with pytest.raises(Unauthorized):
        next(export)


def test_export_is_whole_and_of_the_own_account(bench: Bench, inventory: Inventory, users: Users) -> None:
    for name in ("ada", "bob"):
        token_of(bench, users, name)
    token_elsewhere(bench)
    assert [[found.username for found in piece] for piece in inventory.export_tokens(bench.actor)] == [
        ["admin", "ada"],
        ["bob"],
    ]
    assert [found.username for piece in inventory.export_all() for found in piece] == ["admin", "ada", "bob", "eve"]
    assert [found.username for piece in inventory.export_tokens(bench.actor, username="eve") for found in piece] == []


def test_export_of_an_unknown_user_is_not_found(inventory: Inventory) -> None:
    with pytest.raises(NotFound):
        next(inventory.export_all(username="nobody"))
