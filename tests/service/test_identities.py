"""Which user somebody is who signs in by a provider, on both engines, also when several do at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.making import NOW, OPERATOR
from tests.oauth_making import add_client
from tests.service.parts import Bench, at_once
from tokenry.domain.accounts import Origin
from tokenry.domain.errors import Invalid, NotFound
from tokenry.domain.policy import Policy
from tokenry.domain.providers import NotSignedIn, Person, Provider, Trouble
from tokenry.domain.scopes import EVERYTHING, Scopes
from tokenry.domain.seals import Ticket
from tokenry.domain.secrets import Peppers
from tokenry.domain.tokens import NewToken
from tokenry.domain.users import UserChange
from tokenry.service.accounts import Accounts
from tokenry.service.children import Children
from tokenry.service.grants.issuing import allowed_scopes
from tokenry.service.identities import Identities
from tokenry.service.policy import Policies
from tokenry.service.sessions import Sessions
from tokenry.service.transactions import Transactions
from tokenry.storage import schema
from tokenry.storage.database import Database
from tokenry.storage.users import find_user, get_user

ACME = Provider(name="acme", label="Acme", issuer="https://acme.example", client_id="x", create_users=True)
LINKING = replace(ACME, create_users=False, link_by_verified_email=True)
MAPPED = replace(ACME, admin_claim="groups", admin_value="ops")
ADA = Person(ACME.issuer, "1", "ada", "ada@acme.example", email_verified=True, account=None, admin=None)
YEAR = timedelta(days=365)


def identities(database: Database, reservation: timedelta = YEAR) -> Identities:
    transactions = Transactions(database, lambda: NOW)
    return Identities(transactions, Sessions(transactions, Peppers((bytes(32),))), reservation)


def sign_in(bench: Bench, person: Person = ADA, provider: Provider = ACME) -> None:
    identities(bench.database).sign_in(provider, person, address="192.0.2.1", agent="Browser")


def trouble(bench: Bench, person: Person = ADA, provider: Provider = ACME) -> Trouble:
    with pytest.raises(NotSignedIn) as refusal:
        sign_in(bench, person, provider)
    return refusal.value.trouble


def names(bench: Bench) -> list[str]:
    return [user.username for user, _ in bench.users.list_users()]


def count(bench: Bench, table: str) -> int:
    with bench.database.read() as connection:
        return connection.execute(select(func.count()).select_from(getattr(schema, table))).scalar_one()


def test_somebody_is_one_user_however_many_first_sign_ins_come_at_once(bench: Bench) -> None:
    def first(database: Database) -> object:
        return identities(database).sign_in(ACME, ADA, address=None, agent=None).preview[:4]

    assert at_once(bench.database, *[first] * 4) == ["ses_"] * 4
    assert names(bench) == ["ada", "admin"]
    assert (count(bench, "identities"), count(bench, "sessions")) == (1, 4)


def test_two_of_one_name_who_come_at_once_are_two(bench: Bench) -> None:
    def first(subject: str) -> Callable[[Database], object]:
        person = replace(ADA, subject=subject, email="")
        return lambda database: identities(database).sign_in(ACME, person, address=None, agent=None).preview[:4]

    assert at_once(bench.database, first("1"), first("2")) == ["ses_"] * 2
    assert names(bench) == ["ada", "ada-2", "admin"]


def test_of_two_who_have_one_address_at_once_one_is_linked(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="countess", email=ADA.email)

    def first(subject: str) -> Callable[[Database], object]:
        person = replace(ADA, subject=subject)
        return lambda database: identities(database).sign_in(LINKING, person, address=None, agent=None).preview[:4]

    told = at_once(bench.database, first("1"), first("2"))
    assert sorted(map(str, told)) == [str(NotSignedIn), "ses_"]


def test_address_that_somebody_else_has_at_the_provider_by_now_leads_to_no_user_of_before(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="countess", email=ADA.email)
    sign_in(bench, provider=LINKING)
    assert trouble(bench, replace(ADA, subject="2"), LINKING) is Trouble.STRANGER


@pytest.mark.parametrize("values", [{"external_id": "1"}, {"service": True}])
def test_address_of_a_products_user_or_a_program_is_nobodys(bench: Bench, values: dict[str, object]) -> None:
    eve = bench.users.create_user(OPERATOR, username="eve", email=ADA.email)
    with bench.database.write() as connection:
        connection.execute(update(schema.users).where(schema.users.c.id == eve.id).values(values))
    assert trouble(bench, provider=LINKING) is Trouble.STRANGER
    bench.users.create_user(OPERATOR, username="ada", email=ADA.email)
    sign_in(bench, provider=LINKING)
    assert count(bench, "identities") == 1


def test_user_of_another_account_is_not_linked(bench: Bench, account: str) -> None:
    bench.users.create_user(OPERATOR, username="countess", email=ADA.email, account=account)
    assert trouble(bench, provider=LINKING) is Trouble.STRANGER
    sign_in(bench, provider=replace(LINKING, account=account), person=replace(ADA, account=account))


@pytest.fixture
def account(bench: Bench) -> str:
    """The name of another account."""
    return Accounts(bench.transactions).create_account(OPERATOR, company="Other").company


def test_account_that_is_not_there_lets_nobody_in(bench: Bench) -> None:
    assert trouble(bench, replace(ADA, account="None")) is Trouble.STRANGER
    assert trouble(bench, provider=replace(ACME, account_claim="org")) is Trouble.STRANGER


def test_reserved_name_is_not_given_to_somebody_else(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="ada")
    bench.users.delete_user(OPERATOR, "ada")
    sign_in(bench)
    assert names(bench) == ["ada-2", "admin"]


def test_nobody_is_let_in_when_no_name_is_free(bench: Bench) -> None:
    for name in ("Ada", *(f"ada-{turn}" for turn in range(2, 21))):
        bench.users.create_user(OPERATOR, username=name)
    assert trouble(bench) is Trouble.STRANGER
    assert count(bench, "identities") == 0


def test_mapping_says_who_is_an_administrator_and_the_last_one_stays(bench: Bench) -> None:
    for admin in (True, False, True):
        sign_in(bench, replace(ADA, admin=admin), MAPPED)
        with bench.database.read() as connection:
            user = find_user(connection, "ada")
        assert user is not None
        assert user.admin is admin
    bench.users.update_user(OPERATOR, "admin", UserChange(restricted=True))
    sign_in(bench, replace(ADA, admin=False), MAPPED)
    with bench.database.read() as connection:
        user = find_user(connection, "ada")
    assert user is not None
    assert user.admin


def test_ceiling_is_that_of_the_provider_by_which_the_user_signed_in_last(bench: Bench) -> None:
    """It bounds what is made from then on: by the operator, by the user, in child accounts, and for clients."""
    low = replace(ACME, ceiling=Scopes.parse("account:read_write linodes:read_only"))
    sign_in(bench, replace(ADA, admin=True), low)
    wide, narrow = NewToken(scopes="volumes:read_only"), NewToken(scopes="account:read_write linodes:read_only")
    with pytest.raises(Invalid, match="maximum scopes: account:read_write linodes:read_only"):
        bench.tokens.create_token_for(OPERATOR, "ada", wide)
    token, secret = bench.tokens.create_token_for(OPERATOR, "ada", narrow)
    ada = bench.actor._replace(user_id=2, username="ada", preview=secret.preview, token_id=token.id, scopes=EVERYTHING)
    with pytest.raises(Invalid, match="maximum scopes: account:read_write linodes:read_only"):
        bench.tokens.create_token(Origin.of(ada), wide)
    assert str(Policies(bench.transactions).get_rules(ada.user_id).scopes) == "account:read_write linodes:read_only"
    child = Accounts(bench.transactions).create_account(OPERATOR, company="Child", parent="tokenry")
    proxy, _ = Children(bench.transactions, bench.tokens).create_token(Origin.of(ada), child.euuid)
    assert str(proxy.scopes) == "account:read_write linodes:read_only"
    client = add_client(bench.database)
    with bench.database.read() as connection:
        assert str(allowed_scopes(Policy(), get_user(connection, 2), client)) == "account:read_write linodes:read_only"
    sign_in(bench)
    with pytest.raises(Invalid, match="maximum scopes"):  # a provider without one has no say
        bench.tokens.create_token_for(OPERATOR, "ada", wide)
    sign_in(bench, provider=replace(ACME, ceiling=EVERYTHING))
    assert bench.tokens.create_token_for(OPERATOR, "ada", wide)[0].scopes == Scopes.parse("volumes:read_only")


def test_ceiling_is_recorded_when_it_changes(bench: Bench) -> None:
    for text in ("linodes:read_only", "linodes:read_only", "*"):
        sign_in(bench, provider=replace(ACME, ceiling=Scopes.parse(text)))
    changes = [details for action, details in bench.events("user:2") if action == "user.update"]
    assert changes == [
        {"ceiling": {"from": "*", "to": "linodes:read_only"}},
        {"ceiling": {"from": "linodes:read_only", "to": "*"}},
    ]


def test_operator_sets_a_ceiling_which_a_provider_without_one_leaves(bench: Bench) -> None:
    sign_in(bench)
    low = Scopes.parse("linodes:read_only")
    assert bench.users.update_user(OPERATOR, "ada", UserChange(ceiling=low)).ceiling == low
    sign_in(bench)
    with bench.database.read() as connection:
        assert get_user(connection, 2).ceiling == low
    assert bench.events("user:2")[-2:][0][0] == "user.update"


def test_operator_says_who_somebody_is_and_takes_it_back(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="countess")
    use_cases = identities(bench.database)
    stranger = replace(ACME, create_users=False)
    assert [use_cases.link(OPERATOR, "countess", ACME, ADA.subject) for _ in range(2)] == [True, False]
    sign_in(bench, provider=stranger)
    assert (names(bench), count(bench, "sessions")) == (["admin", "countess"], 1)
    [identity] = use_cases.list_of_user("countess")
    assert (identity.issuer, identity.subject, identity.created) == (ACME.issuer, ADA.subject, NOW)
    for user, what in (("admin", identity.id), ("countess", identity.id + 1)):
        with pytest.raises(Invalid, match="no identity of this id"):
            use_cases.unlink(OPERATOR, user, what)
    with pytest.raises(NotFound):
        use_cases.unlink(OPERATOR, "nobody", identity.id)
    assert use_cases.unlink(OPERATOR, "countess", identity.id) == identity
    assert (use_cases.list_of_user("countess"), count(bench, "sessions")) == ([], 0)
    assert trouble(bench, provider=stranger) is Trouble.STRANGER
    told = {"issuer": ACME.issuer, "provider_subject": ADA.subject}
    linked, *_, unlinked, _ = [event for event in bench.events("user:2") if event[0] != "user.create"]
    assert linked == ("identity.link", {**told, "provider": "acme", "by": "operator"})
    assert unlinked == ("identity.unlink", told)


def test_operator_makes_nobody_two_users_and_links_nobody_who_never_signs_in(bench: Bench) -> None:
    sign_in(bench)
    use_cases = identities(bench.database)
    with pytest.raises(Invalid, match="That is user ada already"):
        use_cases.link(OPERATOR, "admin", ACME, ADA.subject)
    for subject in ("", "x" * 256, "\0"):
        with pytest.raises(Invalid, match="sub"):
            use_cases.link(OPERATOR, "admin", ACME, subject)
    with pytest.raises(NotFound):
        use_cases.link(OPERATOR, "nobody", ACME, "2")
    with bench.database.write() as connection:
        connection.execute(update(schema.users).where(schema.users.c.username == "ada").values(proxy=True))
    with pytest.raises(Invalid, match="never signs in"):
        use_cases.link(OPERATOR, "ada", ACME, "2")


def test_of_two_users_who_are_said_to_be_one_person_at_once_one_is(bench: Bench) -> None:
    bench.users.create_user(OPERATOR, username="countess")

    def link(username: str) -> Callable[[Database], object]:
        return lambda database: identities(database).link(OPERATOR, username, ACME, "7")

    told = at_once(bench.database, link("admin"), link("countess"))
    assert sorted(map(str, told)) == [str(Invalid), "True"]
    assert count(bench, "identities") == 1


def test_disabled_user_is_linked_and_stays_out(bench: Bench) -> None:
    """Made somebody new, a disabled user would be back in."""
    bench.users.create_user(OPERATOR, username="countess", email=ADA.email)
    bench.users.disable_user(OPERATOR, "countess")
    both = replace(LINKING, create_users=True)
    assert trouble(bench, provider=both) is Trouble.DISABLED
    assert names(bench) == ["admin", "countess"]
    assert count(bench, "sessions") == 0


def test_what_was_done_is_recorded(bench: Bench) -> None:
    sign_in(bench)
    linked = {"provider": "acme", "issuer": ACME.issuer, "provider_subject": "1", "by": "sign-in"}
    assert bench.events("user:2") == [
        ("user.create", {"username": "ada", "admin": False}),
        ("identity.link", linked),
        ("session.begin", {"session_id": 1, "method": "oidc:acme"}),
    ]


def test_ticket_is_used_once_whoever_comes_at_once(bench: Bench) -> None:
    ticket = Ticket({}, bytes(32), NOW)
    told = at_once(bench.database, *[lambda database: identities(database).use_ticket(ticket)] * 4)
    assert sorted(map(bool, told)) == [False, False, False, True]
