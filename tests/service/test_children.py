"""Entering a child account while the way in is being closed: nothing that leads there is left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import pytest

from tests.making import NOW, OPERATOR
from tests.service.parts import at_once, open_tokens_of
from tokenry.domain.accounts import Account, Actor, Origin, proxy_username
from tokenry.domain.errors import Forbidden, Invalid, NotFound, Unauthorized
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.domain.users import GrantsChange, UserChange, is_proxy_username
from tokenry.service.account_users import AccountUsers
from tokenry.service.accounts import Accounts
from tokenry.service.children import Children
from tokenry.service.installation import begin_installation
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import audit
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database
from tokenry.storage.users import create_user, find_proxy


def now() -> datetime:
    return NOW


@dataclass
class Service:
    """The use cases as one process has them."""

    database: Database
    transactions: Transactions = field(init=False)
    tokens: Tokens = field(init=False)
    users: Users = field(init=False)
    team: AccountUsers = field(init=False)
    accounts: Accounts = field(init=False)
    children: Children = field(init=False)

    def __post_init__(self) -> None:
        self.transactions = Transactions(self.database, now)
        self.tokens = Tokens(self.transactions, Peppers((bytes(32),)), default_catalogue())
        self.users = Users(self.transactions)
        self.team = AccountUsers(self.transactions)
        self.accounts = Accounts(self.transactions)
        self.children = Children(self.transactions, self.tokens)

    def actor(self, username: str) -> Actor:
        """A user who acts with a new token of scope `*`."""
        user = next(user for user, _ in self.users.list_users() if user.username == username)
        token, secret = self.tokens.create_token_for(OPERATOR, username, NewToken())
        return Actor(token.id, EVERYTHING, 0, user.id, username, user.account_id, "E", secret.preview)


@dataclass
class Family:
    """A parent account with its administrator and boss, who may enter the child account."""

    service: Service
    child: Account
    admin: Actor
    boss: Actor

    def open_tokens(self) -> int:
        """How many tokens lead into the child account."""
        with self.service.database.read() as connection:
            proxy = find_proxy(connection, self.child.id)
        return 0 if proxy is None else open_tokens_of(self.service.database, proxy.id)


@pytest.fixture
def family(database: Database) -> Family:
    service = Service(database)
    begin_installation(service.transactions, service.accounts, service.tokens, lambda secret: None)
    child = service.accounts.create_account(OPERATOR, company="child", parent="tokenry")
    service.users.create_user(OPERATOR, username="boss")
    admin = service.actor("admin")
    service.team.update_grants(Origin.of(admin), "boss", GrantsChange(child_account_access=True))
    return Family(service, child, admin, service.actor("boss"))


def enter(family: Family, source: Database) -> object:
    """Enter until it is refused, at most a few times."""
    service = Service(source)
    return [service.children.create_token(Origin.of(family.boss), family.child.euuid)[0].id for _ in range(4)]


CLOSINGS: dict[str, Callable[[Family, Service], object]] = {
    "disabled": lambda family, service: service.users.disable_user(OPERATOR, "boss"),
    "deleted": lambda family, service: service.team.delete_user(Origin.of(family.admin), "boss"),
    "no more granted": lambda family, service: service.team.update_grants(
        Origin.of(family.admin), "boss", GrantsChange(child_account_access=False)
    ),
    "detached": lambda family, service: service.accounts.detach_account(OPERATOR, family.child.euuid),
}


@pytest.mark.parametrize("closing", CLOSINGS)
@pytest.mark.parametrize("before", [0, 1])
def test_no_token_that_is_made_meanwhile_is_left(family: Family, closing: str, before: int) -> None:
    for _ in range(before):
        family.service.children.create_token(Origin.of(family.boss), family.child.euuid)

    def close(source: Database) -> str:
        CLOSINGS[closing](family, Service(source))
        return "closed"

    told = at_once(family.service.database, partial(enter, family), close)
    assert told[1] == "closed"
    assert family.open_tokens() == 0
    with pytest.raises((Forbidden, NotFound, Unauthorized)):
        family.service.children.create_token(Origin.of(family.boss), family.child.euuid)


def test_of_two_that_enter_first_at_once_both_get_the_same_user(family: Family) -> None:
    made = at_once(family.service.database, partial(enter, family), partial(enter, family))
    assert [len(ids) if isinstance(ids, list) else ids for ids in made] == [4, 4]
    assert family.open_tokens() == 16  # each counts twice: as unrevoked, and as opened


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase])
def test_user_who_has_the_proxys_name_from_before_keeps_nobody_out(
    family: Family, change: Callable[[str], str]
) -> None:
    name = proxy_username(parent_company="tokenry", child_euuid=family.child.euuid)
    with family.service.database.write() as connection:
        create_user(connection, account_id=family.child.id, username=change(name), email="", admin=True, created=now())
    family.service.children.create_token(Origin.of(family.boss), family.child.euuid)
    with family.service.database.read() as connection:
        proxy = find_proxy(connection, family.child.id)
    assert proxy is not None
    assert proxy.username.startswith("tokenry_")
    assert proxy.username != name
    assert is_proxy_username(proxy.username)


@pytest.mark.parametrize("change", [UserChange(username="mole"), UserChange(email="mole@example.org")])
def test_not_even_the_operator_calls_the_proxy_otherwise(family: Family, change: UserChange) -> None:
    family.service.children.create_token(Origin.of(family.boss), family.child.euuid)
    with family.service.database.read() as connection:
        proxy = find_proxy(connection, family.child.id)
    assert proxy is not None
    with pytest.raises(Invalid, match="proxy user cannot be changed"):
        family.service.users.update_user(OPERATOR, proxy.username, change)


def test_token_lives_a_quarter_of_an_hour_even_if_a_second_passes_while_it_is_made(family: Family) -> None:
    seconds = count()

    def ticking() -> datetime:
        return NOW + timedelta(seconds=next(seconds))

    transactions = Transactions(family.service.database, ticking)
    tokens = Tokens(transactions, Peppers((bytes(32),)), default_catalogue())
    token, _ = Children(transactions, tokens).create_token(Origin.of(family.boss), family.child.euuid)
    assert token.expiry - token.created == timedelta(minutes=15)


def test_entering_is_in_the_audit(family: Family) -> None:
    token, _ = family.service.children.create_token(Origin.of(family.boss), family.child.euuid)
    with family.service.database.read() as connection:
        proxy = find_proxy(connection, family.child.id)
        events = audit.list_events(connection, limit=2)
    assert proxy is not None
    assert [(event.action, event.subject) for event in events] == [
        ("token.create", f"token:{token.id}"),
        ("user.create", f"user:{proxy.id}"),
    ]


def test_detaching_is_in_the_audit(family: Family) -> None:
    token, _ = family.service.children.create_token(Origin.of(family.boss), family.child.euuid)
    family.service.accounts.detach_account(OPERATOR, family.child.euuid)
    with family.service.database.read() as connection:
        events = audit.list_events(connection, limit=3)
    assert [event.action for event in reversed(events)] == ["account.detach", "token.revoke", "user.delete"]
    assert [event.subject for event in events if event.action == "token.revoke"] == [f"token:{token.id}"]
    assert events[2].details == {"parent_id": 1}
