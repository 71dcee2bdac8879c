"""`/profile/logins`, `/profile/devices`, and what `/account/users` tells of how users sign in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.parts import faults, new_bearer
from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.sessions import PASSWORD
from tokenry.service.installation import Installation
from tokenry.service.passwords import SigningIn
from tokenry.storage.users import find_user
from tokenry.wiring import open_installation

LOGINS, DEVICES = "/v4/profile/logins", "/v4/profile/devices"
AT = "2025-06-15T15:06:40"


@pytest.fixture
def do(app_on_each_engine: App) -> Iterator[Installation]:
    app = app_on_each_engine
    installation = open_installation(app.settings, app.clock)
    yield installation
    installation.database.close()


@pytest.fixture
def signed_in(app_on_each_engine: App, do: Installation) -> App:
    """Admin and eve each chose a password, signed in from somewhere, and once could not."""
    do.users.create_user(OPERATOR, username="eve", admin=True)
    for name in ("admin", "eve"):
        link = do.links.make_link(OPERATOR, name).reveal()
        do.links.use_link(link, "hash", address="192.0.2.1", agent="Firefox")
        app_on_each_engine.clock.seconds += 60
        with do.transactions.read() as connection:
            user = find_user(connection, name)
        assert user is not None
        do.passwords.note_failure(user.id, address=None)
        do.passwords.sign_in(SigningIn(user, "hash", known_address=False), address=None, agent=None)
    return app_on_each_engine


def listed(app: App, path: str, **filter: object) -> Any:
    return app.client.get(path, headers={**app.bearer, "X-Filter": json.dumps(filter)}).json()["data"]


def test_logins_are_those_of_the_caller(signed_in: App) -> None:
    found = listed(signed_in, LOGINS)
    assert [list(each.values())[1:] for each in found] == [
        [AT, "192.0.2.1", "admin", "successful", False],
        ["2025-06-15T15:07:40", None, "admin", "failed", False],
        ["2025-06-15T15:07:40", None, "admin", "successful", False],
    ]
    one = signed_in.client.get(f"{LOGINS}/{found[0]['id']}", headers=signed_in.bearer)
    assert one.json() == found[0]


@pytest.mark.parametrize(
    ("filter", "number"),
    [
        ({"status": "failed"}, 1),
        ({"status": {"+contains": "SUCC"}}, 2),
        ({"ip": "192.0.2.1"}, 1),
        ({"username": "admin"}, 3),
        ({"username": {"+neq": "admin"}}, 0),
        ({"datetime": {"+gt": AT}}, 2),
        ({"+order_by": "status", "+order": "desc"}, 3),
        ({"+order_by": "username"}, 3),
        ({"+order_by": "ip", "+limit": 2}, 2),
    ],
)
def test_logins_are_filtered_and_ordered(signed_in: App, filter: dict[str, object], number: int) -> None:
    assert len(listed(signed_in, LOGINS, **filter)) == number


def test_devices_are_the_sessions_of_the_caller(signed_in: App) -> None:
    found = listed(signed_in, DEVICES, **{"+order_by": "created", "+order": "asc"})
    assert [list(each.values())[1:] for each in found] == [
        [AT, "2025-06-16T03:06:40", AT, "192.0.2.1", "Firefox"],
        ["2025-06-15T15:07:40", "2025-06-16T03:07:40", "2025-06-15T15:07:40", None, None],
    ]
    one = signed_in.client.get(f"{DEVICES}/{found[0]['id']}", headers=signed_in.bearer)
    assert one.json() == found[0]
    assert len(listed(signed_in, DEVICES, user_agent="Firefox")) == 1
    assert len(listed(signed_in, DEVICES, last_remote_addr={"+neq": "192.0.2.1"})) == 0


def test_device_that_is_deleted_is_signed_out_at_once(app_on_each_engine: App, do: Installation) -> None:
    app = app_on_each_engine
    with do.transactions.change(OPERATOR) as change:
        secret = do.sessions.begin_session(change, 1, method=PASSWORD, address=None, agent=None).reveal()
    [device] = listed(app, DEVICES)
    path = f"{DEVICES}/{device['id']}"
    reading = new_bearer(app, scopes="account:read_only")
    assert app.client.delete(path, headers=reading).status_code == 401
    assert do.sessions.find_session(secret) is not None
    assert app.client.delete(path, headers=app.bearer).json() == {}
    assert do.sessions.find_session(secret) is None
    assert app.client.delete(path, headers=app.bearer).status_code == 404


def test_those_of_others_are_not_there(signed_in: App) -> None:
    own = {each["id"] for each in listed(signed_in, LOGINS)}
    others = set(range(1, 7)) - own
    assert len(others) == 3
    for id in others:
        assert signed_in.client.get(f"{LOGINS}/{id}", headers=signed_in.bearer).status_code == 404
    devices = {each["id"] for each in listed(signed_in, DEVICES)}
    for id in set(range(1, 5)) - devices:
        assert signed_in.client.get(f"{DEVICES}/{id}", headers=signed_in.bearer).status_code == 404
        assert signed_in.client.delete(f"{DEVICES}/{id}", headers=signed_in.bearer).status_code == 404


@pytest.mark.parametrize("path", [f"{LOGINS}/x", f"{LOGINS}/0", f"{DEVICES}/x", f"{DEVICES}/99999999999999999999"])
def test_what_is_no_id_is_not_there(app: App, path: str) -> None:
    assert app.client.get(path, headers=app.bearer).status_code == 404


def test_what_cannot_be_filtered_is_refused(app: App) -> None:
    answer = app.client.get(LOGINS, headers={**app.bearer, "X-Filter": '{"restricted": true}'})
    assert faults(answer) == [("Cannot filter on restricted", "X-Filter")]


def test_users_show_their_last_login_and_password(signed_in: App, do: Installation) -> None:
    do.users.create_user(OPERATOR, username="new")
    answer = signed_in.client.get("/v4/account/users", headers=signed_in.bearer).json()["data"]
    told = {each["username"]: (each["last_login"], each["password_created"]) for each in answer}
    assert told["new"] == (None, None)
    assert told["admin"] == ({"login_datetime": "2025-06-15T15:07:40", "status": "successful"}, AT)
    one = signed_in.client.get("/v4/account/users/eve", headers=signed_in.bearer).json()
    assert (one["last_login"], one["password_created"]) == told["eve"]
    changed = signed_in.client.put("/v4/account/users/eve", headers=signed_in.bearer, json={"email": "e@example.org"})
    assert changed.json()["last_login"] == told["eve"][0]
