"""How an installation begins, and what an operator does with its users."""

import pytest

from tests.making import NOW, OPERATOR
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.secrets import Peppers, Secret
from tokenry.service.accounts import Accounts
from tokenry.service.installation import begin_installation
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import Users
from tokenry.storage import audit
from tokenry.storage.catalogue import default_catalogue
from tokenry.storage.database import Database


def begin(database: Database, delivered: list[Secret]) -> Secret | None:
    transactions = Transactions(database, lambda: NOW)
    tokens = Tokens(transactions, Peppers((bytes(32),)), default_catalogue())
    return begin_installation(transactions, Accounts(transactions), tokens, delivered.append)


def begun(database: Database) -> Users:
    """The users of an installation that began: the administrator, and zoe."""
    begin(database, [])
    users = Users(Transactions(database, lambda: NOW))
    users.create_user(OPERATOR, username="zoe", email="zoe@example.org")
    return users


def actions(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(event.action, event.actor) for event in reversed(audit.list_events(connection, limit=20))]


def test_first_start_delivers_the_token_it_made(database: Database) -> None:
    delivered: list[Secret] = []
    assert [begin(database, delivered)] == delivered


def test_first_start_makes_an_administrator_with_an_open_token(database: Database) -> None:
    begin(database, [])
    listed = Users(Transactions(database, lambda: NOW)).list_users()
    assert [(user.username, user.admin, count) for user, count in listed] == [("admin", True, 1)]


def test_first_start_is_in_the_audit(database: Database) -> None:
    begin(database, [])
    assert actions(database) == [
        (action, "first start") for action in ("account.create", "user.create", "token.create")
    ]


def test_second_start_makes_and_delivers_nothing(database: Database) -> None:
    begin(database, [])
    delivered: list[Secret] = []
    assert (begin(database, delivered), delivered, len(actions(database))) == (None, [], 3)


def test_start_whose_token_could_not_be_delivered_made_nothing(database: Database) -> None:
    def lose(secret: Secret) -> None:
        raise OSError("disk full")

    tokens = Tokens(Transactions(database, lambda: NOW), Peppers((bytes(32),)), default_catalogue())
    with pytest.raises(OSError, match="disk full"):
        begin_installation(
            Transactions(database, lambda: NOW), Accounts(Transactions(database, lambda: NOW)), tokens, lose
        )
    assert ([*Users(Transactions(database, lambda: NOW)).list_users()], actions(database)) == ([], [])


def test_new_user_is_listed(database: Database) -> None:
    users = begun(database)
    user = users.create_user(OPERATOR, username="zuse", email="zuse@example.org")
    assert [*users.list_users()][-1] == (user, 0)


def test_taken_username_is_refused(database: Database) -> None:
    users = begun(database)
    with pytest.raises(Invalid, match="Username is already taken"):
        users.create_user(OPERATOR, username="admin")


def test_faults_of_a_user_are_reported_at_once(database: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        begun(database).create_user(OPERATOR, username="a b", email="nobody")
    assert [fault.field for fault in refusal.value.faults] == ["username", "email"]


def test_user_needs_an_account_first(database: Database) -> None:
    with pytest.raises(Invalid, match="There is no account yet"):
        Users(Transactions(database, lambda: NOW)).create_user(OPERATOR, username="ada")


def test_disabling_and_enabling_is_news_once(database: Database) -> None:
    users = begun(database)
    news = [change(OPERATOR, "zoe") for change in [users.disable_user] * 2 + [users.enable_user] * 2]
    assert news == [True, False, True, False]


def test_only_what_changed_a_user_is_in_the_audit(database: Database) -> None:
    users = begun(database)
    for change in [users.disable_user] * 2 + [users.enable_user] * 2:
        change(OPERATOR, "zoe")
    assert actions(database)[4:] == [("user.disable", "operator"), ("user.enable", "operator")]


def test_disabled_user_is_listed_with_the_time(database: Database) -> None:
    users = begun(database)
    users.disable_user(OPERATOR, "zoe")
    assert [*users.list_users()][-1][0].disabled == NOW


def test_unknown_user_cannot_be_disabled_or_enabled(database: Database) -> None:
    users = begun(database)
    for change in (users.disable_user, users.enable_user):
        with pytest.raises(NotFound):
            change(OPERATOR, "nobody")
