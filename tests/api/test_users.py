"""`/account/users`: what an administrator sees and does."""

import pytest

from tests.api.test_profile import bearer_of, faults
from tests.conftest import App

USERS = "/v4/account/users"


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
        ('{"username": {"+contains": "A"}}', ["admin", "ada", "Ada"]),
        ('{"+order_by": "username", "+order": "desc"}', ["bob", "admin", "ada", "Ada"]),
    ],
)
def test_users_are_filtered_and_ordered(app_on_each_engine: App, asked: str, names: list[str]) -> None:
    app = app_on_each_engine
    for name in ("ada", "Ada", "bob"):
        bearer_of(app, name)
    page = app.client.get(USERS, headers={**app.bearer, "X-Filter": asked}).json()
    assert [user["username"] for user in page["data"]] == names


@pytest.mark.parametrize("path", [USERS, f"{USERS}?page=0", f"{USERS}/ada", f"{USERS}/nobody"])
def test_restricted_user_manages_nobody(app: App, path: str) -> None:
    answer = app.client.get(path, headers=bearer_of(app, "ada"))
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


@pytest.mark.parametrize("username", ["nobody", "Admin", "a%20b", "%E2%82%AC"])
def test_user_that_is_not_there_is_not_found(app: App, username: str) -> None:
    answer = app.client.get(f"{USERS}/{username}", headers=app.bearer)
    assert (answer.status_code, faults(answer)) == (404, [("Not found", None)])
