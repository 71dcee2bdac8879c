"""Access tokens are rows beside personal ones: no list or count of tokens has them, and what ends tokens ends them."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select, update

from tests.conftest import Clock, lay_migrated
from tests.making import NOW, OPERATOR
from tests.oauth_making import add_client, give
from tokenry.domain.accounts import Actor, Origin
from tokenry.domain.details import NOT_ENDED, NewDetails, Selection, State
from tokenry.domain.errors import NotFound
from tokenry.domain.paging import PageRequest
from tokenry.domain.policy_changes import PolicyChange
from tokenry.domain.rotation import NewRotation
from tokenry.domain.scopes import EVERYTHING
from tokenry.domain.secrets import Secret
from tokenry.domain.tokens import NEVER, NewToken
from tokenry.service.grants.ending import end_app, end_client, end_grant
from tokenry.service.installation import Installation
from tokenry.settings import Settings
from tokenry.storage import audit, schema
from tokenry.storage.database import to_seconds
from tokenry.storage.leaks import find_openers
from tokenry.wiring import begin, open_installation, prepare

EVER = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = PageRequest(size=25)
ENDS = {"token.revoke", "app.end", "grant.end"}
DAY = timedelta(days=1)
STATES = [*(Selection(state) for state in (*State, None)), NOT_ENDED]


class House(NamedTuple):
    """An installation on each engine in turn, and its administrator, who has a personal token, and had another."""

    do: Installation
    actor: Actor

    @property
    def origin(self) -> Origin:
        return Origin.of(self.actor)

    def let_in(self, *, ended: bool = False) -> tuple[int, int, int, Secret]:
        """Let a client in: the ids of app, grant and access token, and its text."""
        client = add_client(self.do.database)
        issued = give(self.do.transactions, self.do.peppers, client)
        if ended:
            for column in ("expires_at", "revoked_at"):
                _, _, token_id, _ = self.let_in()
                with self.do.database.write() as connection:
                    gone = update(schema.tokens).where(schema.tokens.c.id == token_id)
                    connection.execute(gone.values({column: to_seconds(NOW - DAY)}))
        grant, access = issued.grant, issued.access
        return grant.app_id, grant.id, self.find(access), access

    def find(self, secret: Secret) -> int:
        with self.do.database.read() as connection:
            return find_openers(connection, {secret.preview}, NOW)[secret.preview].token_id

    def opens(self, secret: Secret) -> bool:
        with self.do.database.read() as connection:
            return bool(find_openers(connection, {secret.preview}, NOW))

    def rows(self, table: str) -> int:
        with self.do.database.read() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def events(self, token_id: int) -> list[str]:
        """What was recorded of a token, and of the apps and grants of its user, since the client was let in."""
        subjects = (f"token:{token_id}", "user:1")
        with self.do.database.read() as connection:
            told = [each for subject in subjects for each in audit.list_events(connection, limit=20, subject=subject)]
        return [each.action for each in told if each.action in ENDS]


@pytest.fixture
def house(tmp_path: Path, migrated_url: str | None) -> Iterator[House]:
    if migrated_url is None:
        lay_migrated(tmp_path)
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    prepare(settings)
    do = open_installation(settings, Clock())
    secret = begin(do, lambda secret: None)
    assert secret is not None
    euuid = do.accounts.list_accounts()[0].euuid
    actor = Actor(1, EVERYTHING, to_seconds(NEVER), 1, "admin", 1, euuid, secret.preview, admin=True)
    ended, _ = do.tokens.create_token(Origin.of(actor), NewToken(label="ended"))
    do.tokens.revoke_token(Origin.of(actor), ended.id)
    yield House(do, actor)
    do.database.close()


def lists(house: House) -> Mapping[str, Callable[[], object]]:
    """What is told of tokens, by the name of the use case that tells it."""
    do, actor = house.do, house.actor

    def count_by_policy() -> object:
        """How many more tokens the policy lets the user make."""
        do.policies.set_policy(OPERATOR, lambda policy: replace(policy, tokens_per_user_max=2))
        made, _ = do.tokens.create_token(house.origin, NewToken())
        do.tokens.revoke_token(house.origin, made.id)
        do.policies.set_policy(OPERATOR, lambda policy: replace(policy, tokens_per_user_max=None))
        return "one more"

    return {
        "tokens.list_tokens": lambda: do.tokens.list_tokens(actor.user_id, PAGE),
        "details.list_details": lambda: [
            do.details.list_details(actor.user_id, PAGE, selection=each) for each in STATES
        ],
        "inventory.list_tokens": lambda: [do.inventory.list_tokens(actor, PAGE, selection=each) for each in STATES],
        "inventory.export_tokens": lambda: [[*do.inventory.export_tokens(actor, each)] for each in STATES],
        "inventory.export_all": lambda: [[*do.inventory.export_all(each)] for each in STATES],
        "users.list_users": lambda: [*do.users.list_users()],
        "policies.preview_lifetime": lambda: do.policies.preview_lifetime(timedelta(minutes=5)),
        "policy_changes.preview_change": lambda: do.policy_changes.preview_change(
            actor, PolicyChange({"lifetime_max": timedelta(minutes=5)})
        ),
        "policy_changes.list_outliving": lambda: do.policy_changes.list_outliving(actor, timedelta(minutes=5), PAGE),
        "tokens.create_token": count_by_policy,
        "policies.get_rules": lambda: do.policies.get_rules(actor.user_id),
        "activity.list_counts": lambda: do.activity.list_counts(actor, actor.token_id or 0),
        "activity.list_revoked_uses": lambda: do.activity.list_revoked_uses(EVER),
        "activity.list_own_revoked_uses": lambda: do.activity.list_own_revoked_uses(actor, EVER),
        "notices.list_notices": lambda: do.notices.list_notices(actor),
        "telling.list_due": do.telling.list_due,
    }


OF_OTHER_THINGS = {
    "account_clients",
    "account_users",
    "accounts",
    "apps",
    "audit",
    "children",
    "clients",
    "factors",
    "identities",
    "logins",
    "managed_users",
    "oauth_clients",
    "passkeys",
    "service_accounts",
    "sessions",
    "webhooks",
}
"""What has lists, and none of tokens: the audit has each event, also of those that applications have."""


def test_every_list_there_is_is_walked(house: House) -> None:
    made = {
        f"{attribute}.{name}"
        for attribute, service in vars(house.do).items()
        if type(service).__module__.startswith("tokenry.service.") and attribute not in OF_OTHER_THINGS
        for name, _ in inspect.getmembers(service, inspect.ismethod)
        if name.startswith(("list_", "export_", "preview_"))
    }
    assert made
    assert made <= lists(house).keys()


def test_no_list_has_access_tokens(house: House) -> None:
    told = {name: tell() for name, tell in lists(house).items() if name != "tokens.create_token"}
    house.let_in(ended=True)
    for name, tell in lists(house).items():
        if name in told:
            assert tell() == told[name], name
        else:
            tell()


def test_access_token_is_not_there_by_its_id(house: House) -> None:
    do, actor, origin = house.do, house.actor, house.origin
    *_, token_id, secret = house.let_in()
    for ask in (
        lambda: do.tokens.get_token(actor.user_id, token_id),
        lambda: do.details.get_details(actor.user_id, token_id),
        lambda: do.tokens.rename_token(origin, token_id, "mine"),
        lambda: do.details.update_details(origin, token_id, NewDetails("mine")),
        lambda: do.rotations.rotate_token(origin, token_id, NewRotation()),
        lambda: do.tokens.revoke_token(origin, token_id),
    ):
        with pytest.raises(NotFound):
            ask()
    assert house.opens(secret)


def test_shortening_the_lives_of_tokens_leaves_access_tokens(house: House) -> None:
    *_, secret = house.let_in()
    lifetime = timedelta(minutes=5)
    house.do.policies.set_policy(OPERATOR, lambda policy: replace(policy, lifetime_max=lifetime))
    list(house.do.policies.enforce(OPERATOR, shorten_to=lifetime))
    with house.do.database.read() as connection:
        shown = connection.exec_driver_sql("SELECT max(expires_at) FROM credentials WHERE kind = 'access'").scalar_one()
    assert shown == to_seconds(NOW + timedelta(hours=2))
    assert house.opens(secret)


def test_revoking_other_tokens_leaves_apps(house: House) -> None:
    *_, secret = house.let_in()
    assert house.do.tokens.revoke_other_tokens(house.origin) == 0
    assert house.opens(secret)


@pytest.mark.parametrize(
    "end",
    [
        lambda house, token_id, text: house.do.tokens.revoke_any_token(OPERATOR, token_id),
        lambda house, token_id, text: house.do.inventory.revoke_tokens(house.origin, [token_id]),
        lambda house, token_id, text: house.do.leaks.revoke_reported([text], None),
        lambda house, token_id, text: house.do.revocations.revoke_presented(house.origin, text),
    ],
    ids=["operator", "administrator", "leak", "by text"],
)
def test_what_ends_tokens_one_by_one_reaches_access_tokens(
    house: House, end: Callable[[House, int, str], object]
) -> None:
    *_, token_id, secret = house.let_in()
    end(house, token_id, secret.reveal())
    assert not house.opens(secret)
    assert house.events(token_id) == ["token.revoke"]


@pytest.mark.parametrize("what", ["disable_user", "delete_user"])
def test_what_ends_a_user_ends_what_the_user_let_in(house: House, what: str) -> None:
    house.do.users.create_user(OPERATOR, username="other", admin=True)
    _, _, token_id, secret = house.let_in()
    assert house.rows("refresh_tokens") == 1
    getattr(house.do.users, what)(OPERATOR, "admin")
    assert not house.opens(secret)
    assert house.rows("refresh_tokens") == 0
    assert house.events(token_id) == ["token.revoke", "grant.end", "app.end"]
    with suppress(NotFound):
        house.do.users.enable_user(OPERATOR, "admin")
    assert not house.opens(secret)


@pytest.mark.parametrize("what", [end_grant, end_app, end_client])
def test_what_ends_together_ends_in_one_change(house: House, what: Callable[..., object]) -> None:
    app_id, grant_id, token_id, secret = house.let_in()
    other = house.do.users.create_user(OPERATOR, username="other")
    kept = give(house.do.transactions, house.do.peppers, add_client(house.do.database), user_id=other.id).access
    with house.do.transactions.read() as connection:
        client_id = connection.execute(
            select(schema.apps.c.oauth_client_id).where(schema.apps.c.id == app_id)
        ).scalar_one()
    of = {end_grant: grant_id, end_app: app_id, end_client: client_id}
    with house.do.transactions.change(OPERATOR) as change:
        assert what(change, of[what])
    with house.do.transactions.change(OPERATOR) as change:
        assert not what(change, of[what])
    assert not house.opens(secret)
    assert house.rows("refresh_tokens") == 1
    assert house.opens(kept)
    assert house.events(token_id) == ["token.revoke", "grant.end", *([] if what is end_grant else ["app.end"])]
