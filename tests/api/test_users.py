"""`/account/users`: what an administrator sees and does."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.parts import actions, bearer_of, faults
from tests.conftest import App, Clock, make_app
from tokenry.domain.accounts import Origin
from tokenry.wiring import open_installation

USERS = "/v4/account/users"
NAME = (
    "Must be 1-254 ASCII letters, numbers, dots, dashes, underscores, and @, + or |, starting with a letter or number",
    "username",
)
EMAIL = ("Must be an email address", "email")
RESERVED = ("Username is reserved for its former user: choose another", "username")
TAKEN = ("Username is already taken", "username")
YEAR = 365 * 86400
NOT_KEPT = "Cannot be granted here: of all grants there is global.child_account_access alone"
LAST = "This is the account's last administrator: make another one first"


def create(app: App, username: str, **body: object) -> dict[str, Any]:
    body = {"username": username, "email": f"{username}@example.org", **body}
    answer = app.client.post(USERS, headers=app.bearer, json=body)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def disable(app: App, username: str) -> None:
    """As the operator does."""
    installation = open_installation(app.settings, app.clock)
    installation.users.disable_user(Origin("test"), username)
    installation.database.close()


def verified(app: App, bearer: dict[str, str]) -> int:
    return app.client.get("/verify", headers=bearer).status_code


def test_users_of_the_account_are_listed(app: App) -> None:
    bearer_of(app, "ada")
    page = app.client.get(USERS, headers=app.bearer).json()
    assert page["results"] == 2
    assert page["data"][1] == {
        "username": "ada",
        "email": "",
        "restricted": True,
        "tfa_enabled": False,
        "ssh_keys": [],
        "user_type": "default",
        "last_login": None,
        "password_created": None,
        "verified_phone_number": None,
    }
    assert app.client.get(f"{USERS}/ada", headers=app.bearer).json() == page["data"][1]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ('{"username": "ada"}', ["ada"]),
        ('{"username": {"+contains": "A"}}', ["admin", "ada", "Adam"]),
        ('{"+order_by": "username", "+order": "desc"}', ["bob", "admin", "ada", "Adam"]),
    ],
)
def test_users_are_filtered_and_ordered(app_on_each_engine: App, asked: str, names: list[str]) -> None:
    app = app_on_each_engine
    for name in ("ada", "Adam", "bob"):
        bearer_of(app, name)
    page = app.client.get(USERS, headers={**app.bearer, "X-Filter": asked}).json()
    assert [user["username"] for user in page["data"]] == names


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", USERS, None),
        ("GET", f"{USERS}?page=0", None),
        ("POST", USERS, {"username": 5}),
        ("GET", f"{USERS}/admin", None),
        ("GET", f"{USERS}/nobody", None),
        ("PUT", f"{USERS}/admin", {"email": 5}),
        ("DELETE", f"{USERS}/admin", None),
        ("DELETE", f"{USERS}/nobody", None),
        ("GET", f"{USERS}/ada/grants", None),
        ("PUT", f"{USERS}/ada/grants", {"global": {"child_account_access": True}}),
        ("GET", "/v4/account", None),
    ],
)
def test_restricted_user_manages_nothing(app: App, method: str, path: str, body: object) -> None:
    answer = app.client.request(method, path, headers=bearer_of(app, "ada"), json=body)
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("username", ["nobody", "Admin", "a%20b", "%E2%82%AC"])
def test_user_that_is_not_there_is_not_found(app: App, method: str, username: str) -> None:
    answer = app.client.request(method, f"{USERS}/{username}", headers=app.bearer)
    assert (answer.status_code, faults(answer)) == (404, [("Not found", None)])


def test_created_user_is_restricted_unless_said_otherwise(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    assert create(app, "ada")["restricted"] is True
    boss = create(app, "boss", restricted=False)
    assert boss == app.client.get(f"{USERS}/boss", headers=app.bearer).json()
    assert (boss["restricted"], boss["email"]) == (False, "boss@example.org")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [NAME, EMAIL]),
        ({"username": "a b", "email": "ada"}, [NAME, EMAIL]),
        ({"username": None, "email": []}, [("Must be a string", "username"), ("Must be a string", "email")]),
        ({"username": "deleted:1:ada", "email": "a@b"}, [NAME]),
        ({"username": "ada", "email": "a@b", "restricted": "no"}, [("Must be true or false", "restricted")]),
        (
            {"username": "Acme_0123456789abcdef", "email": "a@b"},
            [("Must not end in an underscore and 16 hexadecimal digits, as proxy users' names do", "username")],
        ),
        ({"username": "admin", "email": "a@b"}, [("Username is already taken", "username")]),
        (
            {"username": "ada", "email": "a@b", "language": "fr"},
            [("Must be one of en, de", "language")],
        ),
    ],
)
def test_refused_creation_names_every_fault(
    app_on_each_engine: App, body: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    app = app_on_each_engine
    answer = app.client.post(USERS, headers=app.bearer, content=json.dumps(body))
    assert (answer.status_code, faults(answer)) == (400, expected)
    assert app.client.get(USERS, headers=app.bearer).json()["results"] == 1


def test_name_address_and_rank_change_and_the_rest_stays(app: App) -> None:
    ada = create(app, "ada")
    body = {"username": "countess", "restricted": False, "ssh_keys": ["x"], "tfa_enabled": True}
    changed = app.client.put(f"{USERS}/ada", headers=app.bearer, json=body).json()
    assert changed == {**ada, "username": "countess", "restricted": False}
    assert app.client.get(f"{USERS}/ada", headers=app.bearer).status_code == 404
    assert app.client.put(f"{USERS}/countess", headers=app.bearer, json={}).json() == changed
    assert [action for action, _ in actions(app)][:2] == ["user.update", "user.create"]


def test_renamed_user_keeps_the_tokens_and_is_called_anew_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    bearer = bearer_of(app, "ada")
    assert app.client.get("/verify", headers=bearer).headers["x-auth-user"] == "ada"
    app.client.put(f"{USERS}/ada", headers=app.bearer, json={"username": "countess"})
    assert app.client.get("/verify", headers=bearer).headers["x-auth-user"] == "countess"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"username": "", "email": ""}, [NAME, EMAIL]),
        (
            {"username": 1, "restricted": None},
            [("Must be a string", "username"), ("Must be true or false", "restricted")],
        ),
        ({"username": "admin"}, [("Username is already taken", "username")]),
    ],
)
def test_refused_change_names_every_fault(
    app_on_each_engine: App, body: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    app = app_on_each_engine
    ada = create(app, "ada")
    answer = app.client.put(f"{USERS}/ada", headers=app.bearer, json=body)
    assert (answer.status_code, faults(answer)) == (400, expected)
    assert app.client.get(f"{USERS}/ada", headers=app.bearer).json() == ada


def test_administrator_steps_back_while_there_is_another(app: App) -> None:
    answer = app.client.put(f"{USERS}/admin", headers=app.bearer, json={"restricted": True})
    assert (answer.status_code, faults(answer)) == (400, [(LAST, "restricted")])
    create(app, "boss", restricted=False)
    assert app.client.put(f"{USERS}/admin", headers=app.bearer, json={"restricted": True}).status_code == 200
    assert app.client.get(USERS, headers=app.bearer).status_code == 403


def test_disabled_administrator_does_not_count(app: App) -> None:
    create(app, "boss", restricted=False)
    disable(app, "boss")
    answer = app.client.put(f"{USERS}/admin", headers=app.bearer, json={"restricted": True})
    assert (answer.status_code, faults(answer)) == (400, [(LAST, "restricted")])


def test_nobody_deletes_himself(app: App) -> None:
    create(app, "boss", restricted=False)
    answer = app.client.delete(f"{USERS}/admin", headers=app.bearer)
    assert (answer.status_code, faults(answer)) == (400, [("You cannot delete yourself", None)])


def test_deleted_users_tokens_are_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    bearer = bearer_of(app, "ada")
    made = app.client.post("/v4/profile/tokens", headers=bearer, json={}).json()
    assert verified(app, bearer) == 200
    answer = app.client.delete(f"{USERS}/ada", headers=app.bearer)
    assert (answer.status_code, answer.text) == (200, "{}")
    assert verified(app, bearer) == verified(app, {"Authorization": f"Bearer {made['token']}"}) == 401
    assert app.client.get(f"{USERS}/ada", headers=app.bearer).status_code == 404
    assert app.client.get(USERS, headers=app.bearer).json()["results"] == 1
    recent = [action for action, _ in actions(app)][:3]
    assert sorted(recent) == ["token.revoke", "token.revoke", "user.delete"]


def test_name_of_a_deleted_user_is_free_after_a_year_and_its_row_out_of_reach(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    create(app, "ada")
    app.client.delete(f"{USERS}/ada", headers=app.bearer)
    app.clock.seconds += YEAR - 1
    for name in ("ada", "ADA"):
        answer = app.client.post(USERS, headers=app.bearer, json={"username": name, "email": "a@b"})
        assert (answer.status_code, faults(answer)) == (400, [RESERVED])
    app.clock.seconds += 1
    assert create(app, "ADA")["username"] == "ADA"
    for method in ("GET", "PUT", "DELETE"):
        assert app.client.request(method, f"{USERS}/deleted:2:ada", headers=app.bearer).status_code == 404


def test_former_name_of_a_user_is_reserved_for_that_user(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    for name in ("ada", "bob"):
        create(app, name)
    assert app.client.put(f"{USERS}/ada", headers=app.bearer, json={"username": "countess"}).status_code == 200
    answer = app.client.put(f"{USERS}/bob", headers=app.bearer, json={"username": "Ada"})
    assert (answer.status_code, faults(answer)) == (400, [RESERVED])
    assert app.client.get(f"{USERS}/bob", headers=app.bearer).status_code == 200
    assert app.client.put(f"{USERS}/countess", headers=app.bearer, json={"username": "ada"}).status_code == 200
    assert app.client.put(f"{USERS}/ada", headers=app.bearer, json={"username": "ADA"}).status_code == 200


def test_name_that_differs_by_case_only_is_taken(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    create(app, "ada")
    create(app, "bob")
    answer = app.client.post(USERS, headers=app.bearer, json={"username": "ADA", "email": "a@b"})
    assert (answer.status_code, faults(answer)) == (400, [TAKEN])
    answer = app.client.put(f"{USERS}/bob", headers=app.bearer, json={"username": "Ada"})
    assert (answer.status_code, faults(answer)) == (400, [TAKEN])


def test_no_reservation_frees_a_name_at_once(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock, username_reservation_days=0)
    create(app, "ada")
    app.client.delete(f"{USERS}/ada", headers=app.bearer)
    assert create(app, "ada")["username"] == "ada"


def test_grant_of_child_accounts_is_given_and_taken(app: App) -> None:
    create(app, "ada")
    path = f"{USERS}/ada/grants"
    before = app.client.get(path, headers=app.bearer).json()
    body = {"global": {"child_account_access": True, "add_linodes": False}, "linode": []}
    after = app.client.put(path, headers=app.bearer, json=body).json()
    assert after == {**before, "global": {**before["global"], "child_account_access": True}}
    assert app.client.put(path, headers=app.bearer, json={}).json() == after
    assert app.client.put(path, headers=app.bearer, json={"global": {"child_account_access": False}}).json() == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"global": []}, [("Must be a JSON object", "global")]),
        ({"global": {"child_account_access": None}}, [("Must be true or false", "global.child_account_access")]),
        (
            {
                "linode": [{"id": 1, "permissions": "read_only"}],
                "widget": [{"id": 1}],
                "global": {"child_account_access": True, "add_linodes": True, "account_access": "read_only"},
            },
            [
                (NOT_KEPT, "linode"),
                (NOT_KEPT, "widget"),
                (NOT_KEPT, "global.add_linodes"),
                (NOT_KEPT, "global.account_access"),
            ],
        ),
        ({"global": {"add_linodes": 0}, "vpc": "*"}, [(NOT_KEPT, "vpc"), (NOT_KEPT, "global.add_linodes")]),
    ],
)
def test_refused_grant_names_the_fault(app: App, body: dict[str, object], expected: list[tuple[str, str]]) -> None:
    create(app, "ada")
    answer = app.client.put(f"{USERS}/ada/grants", headers=app.bearer, json=body)
    assert (answer.status_code, faults(answer)) == (400, expected)
    assert not app.client.get(f"{USERS}/ada/grants", headers=app.bearer).json()["global"]["child_account_access"]


def test_administrator_has_no_grants_and_gets_none(app: App) -> None:
    path = f"{USERS}/admin/grants"
    assert app.client.get(path, headers=app.bearer).status_code == 204
    answer = app.client.put(path, headers=app.bearer, json={"global": {"child_account_access": True}})
    assert (answer.status_code, faults(answer)) == (
        400,
        [("Unrestricted users have no grants: they already have full access", None)],
    )


def test_account_is_that_of_the_tokens_user(app: App) -> None:
    answer = app.client.get("/v4/account", headers=app.bearer)
    assert answer.json() == {
        "company": "tokenry",
        **dict.fromkeys(("email", "first_name", "last_name", "address_1", "address_2", "city", "state", "zip"), ""),
        **dict.fromkeys(("country", "phone", "tax_id"), ""),
        "balance": 0.0,
        "balance_uninvoiced": 0.0,
        "billing_source": "akamai",
        "credit_card": {"last_four": None, "expiry": None},
        "active_since": "2025-06-15T15:06:40",
        "capabilities": [],
        "active_promotions": [],
        "euuid": answer.headers["x-customer-uuid"],
    }
