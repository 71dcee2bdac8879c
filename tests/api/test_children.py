"""Child accounts: who sees them, who enters them, and how every way out is at once."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.parts import TOKENS, actions, faults
from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.accounts import Account, Contact, proxy_username
from tokenry.domain.policy import Policy, UserKind
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import LABEL_LENGTH_MAX, NewToken
from tokenry.domain.users import USERNAME_LENGTH_MAX
from tokenry.service.installation import Installation
from tokenry.storage.accounts import create_account, find_first_account
from tokenry.storage.audit import list_events
from tokenry.wiring import open_installation

CHILDREN = "/v4/account/child-accounts"
SUCCESSOR = "/v4beta/iam/delegation/profile/child-accounts"
USERS = "/v4/account/users"


@dataclass
class Family:
    """A parent account with two children, beside another parent with one; the installation as the operator has it."""

    app: App
    installation: Installation
    children: list[Account]
    stranger: Account

    @property
    def child(self) -> Account:
        return self.children[0]

    def bearer(self, username: str, scopes: str = "*", **user: Any) -> dict[str, str]:
        """The header of a token of a new user."""
        self.installation.users.create_user(OPERATOR, username=username, **user)
        _, secret = self.installation.tokens.create_token_for(OPERATOR, username, NewToken(scopes=scopes))
        return {"Authorization": f"Bearer {secret.reveal()}"}

    def enter(self, bearer: dict[str, str] | None = None) -> dict[str, Any]:
        """A new token in the first child account."""
        path = f"{CHILDREN}/{self.child.euuid}/token"
        answer = self.app.client.post(path, headers=bearer or self.app.bearer)
        assert answer.status_code == 200, answer.text
        token: dict[str, Any] = answer.json()
        return token

    def verify(self, token: dict[str, Any]) -> Any:
        return self.app.client.get("/verify", headers=inside(token))


def inside(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


@pytest.fixture
def family(app_on_each_engine: App) -> Iterator[Family]:
    app = app_on_each_engine
    installation = open_installation(app.settings, app.clock)
    with installation.database.write() as connection:
        parent = find_first_account(connection)
        assert parent is not None
        created = parent.created
        other = create_account(connection, euuid="0" * 8 + "-0000-0000-" + "0" * 16, company="Other", created=created)

        def child(letter: str, parent_id: int, **contact: str) -> Account:
            euuid = f"{letter * 8}-{letter * 4}-{letter * 4}-{letter * 16}"
            return create_account(
                connection,
                euuid=euuid,
                company=f"Child {letter}",
                created=created,
                contact=Contact(**contact),
                parent_id=parent_id,
            )

        children = [child("A", parent.id, city="Zürich", country="CH"), child("B", parent.id, country="DE")]
        stranger = child("C", other.id)
    yield Family(app, installation, children, stranger)
    installation.database.close()


# --- seeing them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CHILDREN, SUCCESSOR])
def test_own_children_are_listed_and_viewed(family: Family, path: str) -> None:
    page = family.app.client.get(f"{path}?page=1&page_size=25", headers=family.app.bearer).json()
    assert [row["euuid"] for row in page["data"]] == [child.euuid for child in family.children]
    assert page["results"] == 2
    one = family.app.client.get(f"{path}/{family.child.euuid}", headers=family.app.bearer)
    assert one.json() == page["data"][0]
    assert one.headers["x-accepted-oauth-scopes"] == "child_account:read_only"
    assert (one.json()["company"], one.json()["city"], one.json()["balance"]) == ("Child A", "Zürich", 0.0)


@pytest.mark.parametrize(
    ("asked", "companies"),
    [
        ('{"country": "DE"}', ["Child B"]),
        ('{"company": {"+contains": "CHILD"}}', ["Child A", "Child B"]),
        ('{"city": {"+contains": "ür"}}', ["Child A"]),
        ('{"city": {"+contains": "ÜR"}}', []),
        ('{"city": {"+neq": ""}}', ["Child A"]),
        ('{"+order_by": "country", "+order": "desc"}', ["Child B", "Child A"]),
    ],
)
def test_children_are_filtered_and_ordered(family: Family, asked: str, companies: list[str]) -> None:
    headers = {b"Authorization": family.app.bearer["Authorization"].encode(), b"X-Filter": asked.encode()}
    page = family.app.client.get(CHILDREN, headers=headers).json()
    assert [row["company"] for row in page["data"]] == companies


@pytest.mark.parametrize("field", ["euuid", "id", "tax_id", "balance", "parent_id"])
def test_children_are_not_filtered_by_anything_else(family: Family, field: str) -> None:
    headers = {**family.app.bearer, "X-Filter": f'{{"{field}": "x"}}'}
    answer = family.app.client.get(CHILDREN, headers=headers)
    assert (answer.status_code, faults(answer)) == (400, [(f"Cannot filter on {field}", "X-Filter")])


def ways(family: Family, euuid: str) -> list[tuple[str, str]]:
    return [
        (method, f"{path}/{euuid}{end}")
        for path in (CHILDREN, SUCCESSOR)
        for method, end in (("GET", ""), ("POST", "/token"))
    ]


@pytest.mark.parametrize("whose", ["stranger's", "parent's own", "nobody's"])
def test_what_is_no_child_of_ones_own_is_not_found(family: Family, whose: str) -> None:
    parent = family.app.client.get("/v4/account", headers=family.app.bearer).json()["euuid"]
    euuid = {"stranger's": family.stranger.euuid, "parent's own": parent, "nobody's": "x"}[whose]
    for method, path in ways(family, euuid):
        answer = family.app.client.request(method, path, headers=family.app.bearer)
        assert (answer.status_code, faults(answer)) == (404, [("Not found", None)])


def test_only_who_may_enter_sees_them(family: Family) -> None:
    bearers = [
        family.bearer("restricted"),
        family.bearer("theirs", account=family.child.euuid, admin=True),  # a child is no parent
        inside(family.enter()),
    ]
    for bearer in bearers:
        for method, path in [("GET", CHILDREN), ("GET", f"{CHILDREN}?page=0"), *ways(family, "x")]:
            answer = family.app.client.request(method, path, headers=bearer)
            assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


def test_account_without_children_is_no_parent(app: App) -> None:
    answer = app.client.get(CHILDREN, headers=app.bearer)
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])
    assert answer.headers["x-oauth-scopes"] == "*"


def test_scopes_are_asked_for(family: Family) -> None:
    client, path = family.app.client, f"{CHILDREN}/{family.child.euuid}"
    nothing = family.bearer("nothing", "account:read_write", admin=True)
    reads = family.bearer("reads", "child_account:read_only", admin=True)
    writes = family.bearer("writes", "child_account:read_write", admin=True)
    assert [client.get(path, headers=bearer).status_code for bearer in (nothing, reads, writes)] == [401, 200, 200]
    assert [client.post(f"{path}/token", headers=bearer).status_code for bearer in (nothing, reads)] == [401, 401]
    assert client.post(f"{path}/token", headers=writes).status_code == 200


# --- entering them ---------------------------------------------------------------------------------------------------


def test_token_is_the_childs_for_a_quarter_of_an_hour(family: Family) -> None:
    token = family.enter()
    assert re.fullmatch("pat_[0-9A-Za-z]{50}", token["token"])
    assert (token["scopes"], token["created"], token["expiry"]) == ("*", "2025-06-15T15:06:40", "2025-06-15T15:21:40")
    assert token["label"] == "admin_1_1750000000"
    answer = family.verify(token)
    assert answer.headers["x-auth-account-id"] == str(family.child.id)
    assert answer.headers["x-auth-user"] == proxy_username(parent_company="tokenry", child_euuid=family.child.euuid)
    profile = family.app.client.get("/v4/profile", headers=inside(token))
    assert profile.headers["x-customer-uuid"] == family.child.euuid
    assert (profile.json()["user_type"], profile.json()["restricted"]) == ("proxy", False)
    family.app.clock.seconds += 15 * 60
    assert family.verify(token).status_code == 401


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"json": {}},
        {"content": b"AAAA", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ],
)
def test_body_means_nothing(family: Family, request_: dict[str, Any]) -> None:
    headers = {**family.app.bearer, **request_.pop("headers", {})}
    path = f"{SUCCESSOR}/{family.child.euuid}/token"
    assert family.app.client.post(path, headers=headers, **request_).status_code == 200


def test_proxy_user_is_made_once(family: Family) -> None:
    first, second = family.enter(), family.enter()
    ids = {family.verify(token).headers["x-auth-user-id"] for token in (first, second)}
    assert len(ids) == 1
    listed = family.app.client.get(USERS, headers=inside(first)).json()["data"]
    assert [(user["user_type"], user["username"][:8]) for user in listed] == [("proxy", "tokenry_")]
    assert [action for action, _ in actions(family.app)].count("user.create") == 2  # the first administrator, and it


def test_user_with_the_grant_enters(family: Family) -> None:
    bearer = family.bearer("ada")
    assert family.app.client.get(CHILDREN, headers=bearer).status_code == 403
    grant(family, "ada", access=True)
    token = family.enter(bearer)
    assert family.verify(token).status_code == 200
    assert token["label"].startswith("ada_")


def test_user_of_the_longest_name_enters(family: Family) -> None:
    bearer = family.bearer(name := "a" * USERNAME_LENGTH_MAX)
    grant(family, name, access=True)
    label = family.enter(bearer)["label"]
    assert label.startswith("aaa")
    assert len(label) == LABEL_LENGTH_MAX


def test_type_of_each_user_is_told(family: Family) -> None:
    theirs = family.bearer("theirs", account=family.child.euuid)
    told = [
        family.app.client.get("/v4/profile", headers=bearer).json()["user_type"]
        for bearer in (family.app.bearer, theirs, inside(family.enter()))
    ]
    assert told == ["parent", "child", "proxy"]


def test_policy_for_proxy_users_holds(family: Family) -> None:
    narrow = {UserKind.PROXY: Scopes.parse("linodes:read_only")}
    policy = Policy(lifetime_max=timedelta(minutes=1), tokens_per_user_max=0, scopes=narrow)
    family.installation.policies.set_policy(OPERATOR, lambda _: policy)
    assert family.enter()["scopes"] == "linodes:read_only"


# --- inside ----------------------------------------------------------------------------------------------------------


def test_proxy_user_lists_views_and_revokes_tokens_but_makes_and_renames_none(family: Family) -> None:
    token, other = family.enter(), family.enter()
    client, bearer = family.app.client, inside(token)
    assert client.get(TOKENS, headers=bearer).json()["results"] == 2
    assert client.get(f"{TOKENS}/{other['id']}", headers=bearer).status_code == 200
    for method, path, body in (
        ("POST", TOKENS, {}),
        ("POST", TOKENS, {"label": ""}),
        ("PUT", f"{TOKENS}/{token['id']}", {"label": "x"}),
        ("PUT", f"{TOKENS}/{token['id']}", {"label": 5}),
        ("PUT", f"{TOKENS}/{token['id']}", {}),
        ("POST", f"{TOKENS}/{token['id']}/rotate", {}),
        ("PUT", f"{TOKENS}/{token['id']}/details", {"description": "x"}),
    ):
        answer = client.request(method, path, headers=bearer, json=body)
        assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)]), (method, path)
    assert client.delete(f"{TOKENS}/{other['id']}", headers=bearer).status_code == 200
    assert [family.verify(one).status_code for one in (token, other)] == [200, 401]


def test_proxy_user_keeps_its_address(family: Family) -> None:
    bearer = inside(family.enter())
    answer = family.app.client.put("/v4/profile", headers=bearer, json={"email": "a@b"})
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])
    assert family.app.client.put("/v4/profile", headers=bearer, json={"timezone": "GMT"}).status_code == 200


def test_proxy_user_manages_the_childs_users_and_nobody_manages_it(family: Family) -> None:
    theirs = family.bearer("theirs", account=family.child.euuid, admin=True)
    token = family.enter()
    client, proxy = family.app.client, family.verify(token).headers["x-auth-user"]
    made = client.post(USERS, headers=inside(token), json={"username": "made", "email": "a@b"})
    assert (made.status_code, made.json()["user_type"]) == (200, "child")
    for bearer in (inside(token), theirs):
        for method, end, body in (
            ("PUT", "", {"restricted": True}),
            ("DELETE", "", None),
            ("PUT", "/grants", {"global": {"child_account_access": True}}),
        ):
            answer = client.request(method, f"{USERS}/{proxy}{end}", headers=bearer, json=body)
            assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])
        assert client.get(f"{USERS}/{proxy}", headers=bearer).json()["user_type"] == "proxy"


def test_proxy_user_does_not_manage_a_products_users(family: Family) -> None:
    bearer, client = inside(family.enter()), family.app.client
    for method, end in (("GET", ""), ("GET", "/a"), ("GET", "/a/tokens"), ("PUT", "/a"), ("POST", "/a/tokens")):
        answer = client.request(method, f"/v4/tokenry/users{end}", headers=bearer)
        assert answer.status_code == 403, (method, end)


def test_proxy_user_makes_no_tokens_by_way_of_a_service_account_or_a_client(family: Family) -> None:
    """They would outlive the quarter of an hour, and whatever ends the proxy user's own."""
    theirs = family.bearer("theirs", account=family.child.euuid, admin=True)
    client, bearer = family.app.client, inside(family.enter())
    accounts, clients = "/v4/tokenry/service-accounts", "/v4/account/oauth-clients"
    assert client.post(accounts, headers=bearer, json={"username": "shop", "ceiling": "*"}).status_code == 200
    body = {"label": "x", "redirect_uri": "https://app.example/callback"}
    own, other = (client.post(clients, headers=each, json=body).json()["id"] for each in (bearer, theirs))
    acts = {"grant_types": ["client_credentials"]}
    assert client.put(f"{clients}/{other}/details", headers=theirs, json=acts).status_code == 200
    for method, path, told in (
        ("POST", f"{accounts}/shop/tokens", {"scopes": "account:read_write"}),
        ("PUT", f"{clients}/{own}/details", acts),
        ("POST", f"{clients}/{other}/reset-secret", None),
    ):
        answer = client.request(method, path, headers=bearer, json=told)
        assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)]), path


def test_proxy_user_is_not_the_administrator_that_has_to_stay(family: Family) -> None:
    family.bearer("theirs", account=family.child.euuid, admin=True)
    answer = family.app.client.delete(f"{USERS}/theirs", headers=inside(family.enter()))
    assert answer.status_code == 400


# --- leaving them ----------------------------------------------------------------------------------------------------


def grant(family: Family, username: str, *, access: bool) -> None:
    path, body = f"{USERS}/{username}/grants", {"global": {"child_account_access": access}}
    assert family.app.client.put(path, headers=family.app.bearer, json=body).status_code == 200


def restrict(family: Family) -> None:
    body = {"restricted": True}
    assert family.app.client.put(f"{USERS}/boss", headers=family.app.bearer, json=body).status_code == 200


def revoked(family: Family) -> set[str]:
    """What the audit says was revoked."""
    with family.installation.database.read() as connection:
        return {event.subject for event in list_events(connection, limit=100) if event.action == "token.revoke"}


WAYS_OUT: dict[str, Callable[[Family, dict[str, Any]], object]] = {
    "disabled": lambda family, _: family.installation.users.disable_user(OPERATOR, "boss"),
    "restricted": lambda family, _: restrict(family),
    "deleted": lambda family, _: family.app.client.delete(f"{USERS}/boss", headers=family.app.bearer),
    "detached": lambda family, _: family.installation.accounts.detach_account(OPERATOR, family.child.euuid),
    "revoked": lambda family, token: family.app.client.delete(f"{TOKENS}/{token['id']}", headers=inside(token)),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_every_way_out_is_at_once(family: Family, way: str) -> None:
    boss = family.bearer("boss", admin=True)
    token = family.enter(boss)
    assert family.verify(token).status_code == 200  # and remembered, where anything is
    WAYS_OUT[way](family, token)
    assert family.verify(token).status_code == 401
    assert f"token:{token['id']}" in revoked(family)


def test_only_who_leaves_is_put_out(family: Family) -> None:
    mine, theirs = family.enter(), family.enter(family.bearer("boss", admin=True))
    restrict(family)
    assert [family.verify(token).status_code for token in (mine, theirs)] == [200, 401]


def test_grant_that_is_taken_puts_out(family: Family) -> None:
    bearer = family.bearer("ada")
    grant(family, "ada", access=True)
    token = family.enter(bearer)
    grant(family, "ada", access=False)
    assert family.verify(token).status_code == 401
    assert family.app.client.get(CHILDREN, headers=bearer).status_code == 403


def test_administrator_with_the_grant_stays_when_restricted(family: Family) -> None:
    bearer = family.bearer("boss")
    grant(family, "boss", access=True)
    family.app.client.put(f"{USERS}/boss", headers=family.app.bearer, json={"restricted": False})
    token = family.enter(bearer)
    restrict(family)
    assert family.verify(token).status_code == 200


def test_enabling_again_does_not_bring_back(family: Family) -> None:
    token = family.enter(family.bearer("boss", admin=True))
    family.installation.users.disable_user(OPERATOR, "boss")
    family.installation.users.enable_user(OPERATOR, "boss")
    assert family.verify(token).status_code == 401


def test_detached_account_is_its_own(family: Family) -> None:
    theirs = family.bearer("theirs", account=family.child.euuid, admin=True)
    family.enter()
    family.installation.accounts.detach_account(OPERATOR, family.child.euuid)
    path = f"{CHILDREN}/{family.child.euuid}/token"
    assert family.app.client.post(path, headers=family.app.bearer).status_code == 404
    assert [user["username"] for user in family.app.client.get(USERS, headers=theirs).json()["data"]] == ["theirs"]
    assert family.app.client.get("/v4/profile", headers=theirs).json()["user_type"] == "default"


def test_disabled_proxy_user_lets_nobody_in(family: Family) -> None:
    proxy = family.verify(family.enter()).headers["x-auth-user"]
    family.installation.users.disable_user(OPERATOR, proxy)
    answer = family.app.client.post(f"{CHILDREN}/{family.child.euuid}/token", headers=family.app.bearer)
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])
