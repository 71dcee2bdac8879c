"""A product's backend, a service account, manages users by the product's names for them, and their tokens."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote

import pytest
from sqlalchemy import update

from tests.api.managing import CEILING, MANAGES, USERS, at, backend_of, verify
from tests.api.parts import actions, bearer_of, faults, installation_of, routes
from tests.conftest import App
from tests.making import OPERATOR
from tests.oauth_making import add_client, give
from tokenry.domain.catalogue import MANAGEMENT
from tokenry.domain.policy import Policy
from tokenry.domain.scopes import ALL, Scopes
from tokenry.service.grants.issuing import allowed_scopes
from tokenry.storage.schema import users
from tokenry.storage.users import get_user
from tokenry.web.resource import Operation, Resource

NAMES = ["alice@example.com", "auth0|64f2", "42", "a/b", "ü ñ 漢字", "a\\b", "x" * 255, "?&#;", "..a", "\u202f.x"]


@pytest.fixture
def backend(app_on_each_engine: App) -> dict[str, str]:
    """The header of a token of a service account."""
    return backend_of(app_on_each_engine)


@pytest.mark.parametrize("name", [name for name in NAMES if name.isprintable()])
def test_user_of_any_printable_name_is_made_found_changed_and_deleted(app: App, name: str) -> None:
    backend = backend_of(app)
    made = app.client.put(at(name), headers=backend, json={"email": "a@example.com"})
    assert made.status_code == 200
    assert made.json()["external_id"] == name
    assert app.client.put(at(name), headers=backend, json={"email": "a@example.com"}).json() == made.json()
    changed = app.client.patch(at(name), headers=backend, json={"disabled": True}).json()
    assert changed == {**made.json(), "disabled": True}
    assert app.client.get(at(name), headers=backend).json() == changed
    assert [user["external_id"] for user in app.client.get(USERS, headers=backend).json()["data"]] == [name]
    assert app.client.delete(at(name), headers=backend).json() == {}
    assert app.client.get(at(name), headers=backend).status_code == 404


@pytest.mark.parametrize("name", ["", "x" * 256, "\n", "\u200b", "%ff", " "])
def test_what_is_no_name_is_refused(app: App, name: str) -> None:
    path = f"{USERS}/{name if name.startswith('%') else quote(name, safe='')}"
    assert app.client.put(path, headers=backend_of(app)).status_code in {400, 404, 405}


def test_token_in_the_place_of_a_name_is_not_stored(app: App) -> None:
    token = app.token
    for name in (token, f"a/{token}"):
        answer = app.client.put(at(name), headers=backend_of(app, name=f"b{len(name)}"))
        assert faults(answer) == [("Must not hold a token", "external_id")]


def test_username_is_the_products_name_where_that_can_be_one(app: App) -> None:
    backend = backend_of(app)

    def username(external_id: str) -> str:
        return str(app.client.put(at(external_id), headers=backend).json()["username"])

    assert username("alice@example.com") == "alice@example.com"
    assert username("auth0|64f2") == "auth0|64f2"
    assert username("ALICE@example.com").startswith("user-")
    assert username("a/b").startswith("user-")
    assert faults(app.client.put(at("b"), headers=backend, json={"username": "auth0|64f2"})) == [
        ("Username is already taken", "username")
    ]
    assert app.client.get(at("b"), headers=backend).status_code == 404
    assert app.client.patch(at("a/b"), headers=backend, json={"username": "slash"}).json()["username"] == "slash"


def test_unknown_key_is_told(app: App) -> None:
    backend = backend_of(app)
    for answer in (
        app.client.put(at("a"), headers=backend, json={"admin": True}),
        app.client.post(f"{at('a')}/tokens", headers=backend, json={"admin": True, "create_user": True}),
    ):
        assert [field for _, field in faults(answer)] == ["admin"]
    assert app.client.get(at("a"), headers=backend).status_code == 404


def test_backend_enables_whom_a_backend_disabled_and_no_other(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend, another = backend_of(app), backend_of(app, name="another")
    app.client.put(at("a"), headers=backend, json={"username": "a"})

    def turn(bearer: dict[str, str], *, disabled: bool) -> int:
        return app.client.patch(at("a"), headers=bearer, json={"disabled": disabled}).status_code

    assert [turn(backend, disabled=True), turn(another, disabled=False)] == [200, 200]
    for disable in (lambda: turn(app.bearer, disabled=True), lambda: operate(app, "disable_user", "a")):
        turn(backend, disabled=True)
        disable()  # which takes over a user whom the backend had disabled
        assert turn(backend, disabled=True) == 200  # which changes nothing
        refused = app.client.put(at("a"), headers=backend, json={"disabled": False})
        reason = "Was disabled by an administrator or the operator, who enables the user again"
        assert (refused.status_code, faults(refused)) == (409, [(reason, "disabled")])
        kept = app.client.delete(at("a"), headers=backend)  # or it would make the user anew, enabled
        assert (kept.status_code, faults(kept)) == (409, [(reason, "disabled")])
        assert app.client.put(at("a"), headers=backend, json={"email": "a@example.com"}).status_code == 200
        assert turn(app.bearer, disabled=False) == 200
    assert [turn(backend, disabled=each) for each in (False, True)] == [200] * 2
    assert app.client.delete(at("a"), headers=backend).status_code == 200


def operate(app: App, done: str, username: str) -> None:
    do = installation_of(app)
    getattr(do.users, done)(OPERATOR, username)
    do.database.close()


def test_backend_disables_a_users_token_and_is_recorded(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    backend, tokens = backend_of(app), f"{at('a|1')}/tokens"
    made = app.client.post(tokens, headers=backend, json={"create_user": True}).json()
    path = f"{tokens}/{made['id']}/details"
    assert app.client.put(path, headers=backend, json={"disabled": True}).json()["disabled_by"] == "backend"
    assert verify(app, made["token"]) == 401
    assert actions(app)[0] == ("token.disable", {"on_behalf_of": "a|1"})
    assert app.client.put(path, headers=backend, json={"disabled": False}).json()["state"] == "active"
    assert verify(app, made["token"]) == 200
    assert actions(app)[0] == ("token.enable", {"on_behalf_of": "a|1"})


def test_tokens_of_a_user_are_made_listed_renamed_rotated_and_revoked(
    app_on_each_engine: App, backend: dict[str, str]
) -> None:
    app, tokens = app_on_each_engine, f"{at('a|1')}/tokens"
    assert app.client.post(tokens, headers=backend, json={}).status_code == 404
    body = {"label": "laptop", "scopes": "linodes:read_only", "create_user": True}
    made = app.client.post(tokens, headers=backend, json=body).json()
    assert verify(app, made["token"]) == 200
    one = f"{tokens}/{made['id']}"
    assert [token["id"] for token in app.client.get(tokens, headers=backend).json()["data"]] == [made["id"]]
    assert app.client.put(one, headers=backend, json={"label": "phone"}).json()["label"] == "phone"
    assert app.client.get(f"{one}/details", headers=backend).json()["created_by"] == "backend"
    noted = app.client.put(f"{one}/details", headers=backend, json={"description": "for work"}).json()
    assert noted["description"] == "for work"
    rotated = app.client.post(f"{one}/rotate", headers=backend, json={"activate": "now", "grace": 0}).json()
    assert (verify(app, made["token"]), verify(app, rotated["token"])) == (401, 200)
    assert app.client.delete(one, headers=backend).json() == {}
    assert verify(app, rotated["token"]) == 401
    assert {details["on_behalf_of"] for action, details in actions(app) if action.startswith("token.r")} == {"a|1"}


def test_every_token_of_a_user_ends_at_once(app_on_each_engine: App, backend: dict[str, str]) -> None:
    app, tokens = app_on_each_engine, f"{at('a')}/tokens"

    def make() -> str:
        body = {"scopes": "linodes:read_only", "create_user": True}
        return str(app.client.post(tokens, headers=backend, json=body).json()["token"])

    first, second = make(), make()
    assert [verify(app, first), verify(app, second)] == [200, 200]
    assert app.client.post(f"{tokens}/revoke-all", headers=backend).json() == {"revoked": 2}
    assert [verify(app, first), verify(app, second)] == [401, 401]
    third = make()
    app.client.patch(at("a"), headers=backend, json={"disabled": True})
    assert verify(app, third) == 401
    app.client.patch(at("a"), headers=backend, json={"disabled": False})
    assert verify(app, third) == 200
    app.client.delete(at("a"), headers=backend)
    assert verify(app, third) == 401


def test_ceiling_of_the_service_account_bounds_what_it_gives(app: App) -> None:
    backend, tokens = backend_of(app), f"{at('a')}/tokens"
    app.client.put(at("a"), headers=backend)
    for scopes in ("domains:read_write", "account:read_only", "tokenry_users:read_only", MANAGES):
        assert [field for _, field in faults(app.client.post(tokens, headers=backend, json={"scopes": scopes}))] == [
            "scopes"
        ]
    assert app.client.post(tokens, headers=backend, json={"scopes": "*"}).json()["scopes"] == CEILING


def test_request_is_repeated_without_another_token(app: App) -> None:
    backend, tokens = backend_of(app), f"{at('a')}/tokens"
    keyed = {**backend, "Idempotency-Key": "1"}
    body = {"scopes": "linodes:read_only", "create_user": True}
    first, again = (app.client.post(tokens, headers=keyed, json=body).json() for _ in range(2))
    assert first["id"] == again["id"]
    other = app.client.post(f"{at('b')}/tokens", headers=keyed, json=body)
    assert [field for _, field in faults(other)] == ["Idempotency-Key"]
    assert app.client.get(at("b"), headers=backend).status_code == 404


def test_nothing_is_left_of_a_user_whose_first_token_was_refused(app: App) -> None:
    backend = backend_of(app)
    body = {"scopes": "account:read_write", "create_user": True}
    assert app.client.post(f"{at('a')}/tokens", headers=backend, json=body).status_code == 400
    assert app.client.get(at("a"), headers=backend).status_code == 404


def test_star_has_the_scopes_of_management_for_administrators_alone(app: App) -> None:
    ada, boss = bearer_of(app, "ada"), bearer_of(app, "boss", admin=True)
    assert app.client.get(USERS, headers=boss).status_code == 200
    assert app.client.get(USERS, headers=ada).status_code == 401
    assert app.client.get("/verify?scope=tokenry_users:read_only", headers=ada).status_code == 403
    assert app.client.get("/verify?scope=tokenry_users:read_only", headers=boss).status_code == 200
    for bearer, status in ((ada, 400), (boss, 200)):
        made = app.client.post("/v4/profile/tokens", headers=bearer, json={"scopes": "tokenry_users:read_only"})
        assert made.status_code == status
    narrow = {"Authorization": f"Bearer {made.json()['token']}"}
    assert app.client.get(USERS, headers=narrow).status_code == 200
    assert app.client.put(at("a"), headers=narrow).status_code == 401
    app.client.put("/v4/account/users/boss", headers=app.bearer, json={"restricted": True})
    assert app.client.get(USERS, headers=narrow).status_code == 403
    assert app.client.get(USERS, headers=boss).status_code == 401


def test_application_that_an_administrator_let_in_manages_nobody(app: App) -> None:
    installation = installation_of(app)
    client = add_client(installation.database)
    issued = give(installation.transactions, installation.peppers, client, scopes="*")
    with installation.database.read() as connection:
        admin = get_user(connection, 1)
    installation.database.close()
    bearer = {"Authorization": f"Bearer {issued.access.reveal()}"}
    assert verify(app, issued.access.reveal()) == 200
    assert app.client.get(USERS, headers=bearer).status_code == 401
    assert app.client.get("/verify?scope=tokenry_users:read_only", headers=bearer).status_code == 403
    for scopes in (ALL, Scopes.parse(f"linodes:read_only {MANAGES}")):
        registered = replace(client, rights=replace(client.rights, scopes=scopes))
        assert not allowed_scopes(Policy(), admin, registered).management


def below_users(app: App) -> Iterator[tuple[str, str, Operation]]:
    """Every operation on a user, with a path in which `{external_id}` is to be filled in."""
    for route in routes(app):
        if isinstance(route.app, Resource) and route.path.startswith(f"{USERS}/"):
            for method, operation in route.app.operations.items():
                yield method, route.path.replace("{token_id}", "1"), operation


@pytest.mark.parametrize("column", ["admin", "service", "proxy"])
def test_nobody_manages_administrators_service_accounts_and_proxy_users(app: App, column: str) -> None:
    backend = backend_of(app, scopes=" ".join(MANAGEMENT.scopes))
    app.client.put(at("them"), headers=backend)
    installation = installation_of(app)
    with installation.database.write() as connection:
        connection.execute(update(users).where(users.c.external_id == "them").values({column: True}))
    installation.database.close()
    tried = [*below_users(app)]
    assert len(tried) > 15
    for method, path, _ in tried:
        answer = app.client.request(method, path.replace("{external_id}", "them"), headers=backend)
        assert answer.status_code == 403, (method, path)
    assert app.client.get(USERS, headers=backend).json()["data"] == []


def test_users_of_another_account_are_not_there(app: App) -> None:
    installation = installation_of(app)
    installation.accounts.create_account(OPERATOR, company="other")
    installation.database.close()
    app.client.put(at("them"), headers=backend_of(app))
    theirs = backend_of(app, name="theirs", account="other")
    for method, path, _ in below_users(app):
        if method != "PUT" or "tokens" in path:
            answer = app.client.request(method, path.replace("{external_id}", "them"), headers=theirs)
            assert answer.status_code == 404, (method, path)
    assert app.client.get(USERS, headers=theirs).json()["data"] == []
    assert app.client.put(at("them"), headers=theirs).status_code == 200, "a name is unique in one account"


def test_reading_changes_nothing(app: App) -> None:
    backend_of(app)
    reader = backend_of(app, name="reader", scopes="tokenry_users:read_only tokenry_tokens:read_only")
    for method, path, operation in below_users(app):
        answer = app.client.request(method, path.replace("{external_id}", "a"), headers=reader)
        assert (answer.status_code == 401) == operation.changes, (method, path)


def test_two_who_make_one_user_at_once_make_one(app_on_each_engine: App, backend: dict[str, str]) -> None:
    app = app_on_each_engine

    def make(_: int) -> tuple[int, str]:
        answer = app.client.put(at("both"), headers=backend)
        return answer.status_code, answer.json().get("username", "")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(make, range(8))) == {(200, "both")}
    assert app.client.get(USERS, headers=backend).json()["results"] == 1
