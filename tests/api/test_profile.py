"""`/profile`, `/profile/grants`, and the lists beside them that are always empty."""

import json

import pytest

from tests.api.parts import actions, bearer_of, faults
from tests.conftest import App

PROFILE = "/v4/profile"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB2 ada@example.org"
EMPTY_LISTS = ("/v4/profile/logins", "/v4/profile/devices", "/v4/profile/apps")


def test_profile_is_that_of_the_tokens_user(app: App) -> None:
    answer = app.client.get(PROFILE, headers=bearer_of(app, "ada", scopes="linodes:read_only"))
    assert list(answer.json()) == [
        "uid",
        "username",
        "email",
        "verified_phone_number",
        "timezone",
        "email_notifications",
        "referrals",
        "ip_whitelist_enabled",
        "lish_auth_method",
        "authorized_keys",
        "two_factor_auth",
        "restricted",
        "authentication_type",
        "user_type",
    ]
    assert (answer.json()["uid"], answer.json()["username"], answer.json()["restricted"]) == (2, "ada", True)
    assert answer.headers["x-accepted-oauth-scopes"] == "*"
    assert answer.headers["x-oauth-scopes"] == "linodes:read_only"


def test_every_setting_is_kept(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    change = {
        "email": "é@example.org",
        "timezone": "America/Argentina/Buenos_Aires",
        "email_notifications": False,
        "ip_whitelist_enabled": True,
        "lish_auth_method": "disabled",
        "authorized_keys": [KEY, KEY.partition(" ada")[0]],
    }
    answer = app.client.put(PROFILE, headers=app.bearer, json={**change, "two_factor_auth": False})
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in change} == change
    assert app.client.get(PROFILE, headers=app.bearer).json() == answer.json()


def test_what_is_not_sent_stays(app: App) -> None:
    before = app.client.put(PROFILE, headers=app.bearer, json={"email": "a@b", "authorized_keys": [KEY]}).json()
    after = app.client.put(PROFILE, headers=app.bearer, json={"timezone": "UTC"}).json()
    assert after == before


@pytest.mark.parametrize("none", [[], None])
def test_no_keys_come_back_as_null(app: App, none: object) -> None:
    app.client.put(PROFILE, headers=app.bearer, json={"authorized_keys": [KEY]})
    answer = app.client.put(PROFILE, headers=app.bearer, json={"authorized_keys": none})
    assert answer.json()["authorized_keys"] is None


def test_read_only_and_unknown_keys_are_ignored(app: App) -> None:
    before = app.client.get(PROFILE, headers=app.bearer).json()
    body = {"restricted": True, "username": "x", "uid": 9, "user_type": "parent", "referrals": None, "state": 1}
    assert app.client.put(PROFILE, headers=app.bearer, json=body).json() == before


NO_FACTOR = "Two-factor authentication is turned on and off in a browser, at /sign-in/security"
METHODS = "Must be one of password_keys, keys_only, disabled"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": " "}, [("Must be an email address", "email")]),
        ({"email": "\ud800@b"}, [("Must be an email address", "email")]),
        ({"email": None}, [("Must be a string", "email")]),
        ({"timezone": "Mars/"}, [("Must be the name of a time zone such as Europe/Berlin", "timezone")]),
        ({"timezone": "x" * 65}, [("Must be the name of a time zone such as Europe/Berlin", "timezone")]),
        ({"email_notifications": 1}, [("Must be true or false", "email_notifications")]),
        ({"ip_whitelist_enabled": "true"}, [("Must be true or false", "ip_whitelist_enabled")]),
        ({"lish_auth_method": "password"}, [(METHODS, "lish_auth_method")]),
        ({"authorized_keys": "x"}, [("Must be a list of strings", "authorized_keys")]),
        ({"authorized_keys": [1]}, [("Must be a list of strings", "authorized_keys")]),
        (
            {"authorized_keys": [KEY, "x", f"{KEY}\n"]},
            [
                ("Must be a public SSH key: a type, base64 and an optional comment", "authorized_keys[1]"),
                ("Must be a public SSH key: a type, base64 and an optional comment", "authorized_keys[2]"),
            ],
        ),
        ({"authorized_keys": [KEY] * 101}, [("Must be at most 100 keys", "authorized_keys")]),
        ({"two_factor_auth": True}, [(NO_FACTOR, "two_factor_auth")]),
        ({"two_factor_auth": None}, [("Must be true or false", "two_factor_auth")]),
        (
            {"email": 5, "lish_auth_method": "", "two_factor_auth": True},
            [("Must be a string", "email"), (METHODS, "lish_auth_method"), (NO_FACTOR, "two_factor_auth")],
        ),
    ],
)
def test_refused_change_names_every_fault_and_changes_nothing(
    app: App, body: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    before = app.client.get(PROFILE, headers=app.bearer).json()
    answer = app.client.put(PROFILE, headers=app.bearer, content=json.dumps({"timezone": "GMT", **body}))
    assert (answer.status_code, faults(answer)) == (400, expected)
    assert app.client.get(PROFILE, headers=app.bearer).json() == before


def test_change_is_in_the_audit_by_the_names_of_the_settings(app: App) -> None:
    app.client.put(PROFILE, headers=app.bearer, json={"email": "a@b", "timezone": "GMT", "email_notifications": True})
    app.client.put(PROFILE, headers=app.bearer, json={"email": "a@b"})
    assert actions(app)[0] == ("profile.update", {"changed": ["email", "timezone"]})
    assert [action for action, _ in actions(app)].count("profile.update") == 1


def test_change_needs_the_scope(app: App) -> None:
    bearer = bearer_of(app, "ada", scopes="account:read_only")
    assert app.client.get(PROFILE, headers=bearer).status_code == 200
    assert app.client.put(PROFILE, headers=bearer, json={}).status_code == 401


def test_unrestricted_user_has_no_grants_to_show(app: App) -> None:
    answer = app.client.get("/v4/profile/grants", headers=app.bearer)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {"content-type", "content-length"}.isdisjoint(answer.headers)


def test_restricted_user_is_granted_nothing(app: App) -> None:
    answer = app.client.get("/v4/profile/grants", headers=bearer_of(app, "ada", scopes="vpc:read_write"))
    grants = answer.json()
    assert answer.status_code == 200
    assert not any(grants.pop("global").values())
    assert grants["linode"] == []
    assert not any(grants.values())


@pytest.mark.parametrize("path", EMPTY_LISTS)
def test_empty_list_is_a_page(app: App, path: str) -> None:
    answer = app.client.get(f"{path}?page=2&page_size=25", headers=app.bearer)
    assert (answer.status_code, answer.text) == (200, '{"data": [], "page": 2, "pages": 1, "results": 0}')
    assert answer.headers["x-accepted-oauth-scopes"] == "account:read_only"


@pytest.mark.parametrize("path", EMPTY_LISTS)
def test_question_to_an_empty_list_is_judged_as_to_any(app: App, path: str) -> None:
    asked = {**app.bearer, "X-Filter": '{"nothing": 1}'}
    answer = app.client.get(f"{path}?page_size=3", headers=asked)
    assert (answer.status_code, faults(answer)) == (
        400,
        [("Must be 25-500", "page_size"), ("Cannot filter on nothing", "X-Filter")],
    )


def test_apps_are_ordered_as_the_tokens_beside_them(app: App) -> None:
    asked = {**app.bearer, "X-Filter": '{"+order": "desc", "+order_by": "created"}'}
    assert app.client.get("/v4/profile/apps", headers=asked).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v4/profile/logins/1"),
        ("GET", "/v4/profile/devices/1"),
        ("DELETE", "/v4/profile/devices/1"),
        ("GET", "/v4/profile/apps/1"),
        ("DELETE", "/v4/profile/apps/x"),
    ],
)
def test_row_of_an_empty_list_is_not_found(app: App, method: str, path: str) -> None:
    answer = app.client.request(method, path, headers=app.bearer)
    assert (answer.status_code, answer.text) == (404, '{"errors": [{"reason": "Not found"}]}')
    assert app.client.request(method, path).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
@pytest.mark.parametrize("path", ["/v4/regions", "/v4beta/linode/types", "/v4/images?page=1&page_size=100"])
def test_public_list_is_for_everybody(app: App, path: str, headers: dict[str, str]) -> None:
    answer = app.client.get(path, headers=headers)
    assert (answer.status_code, answer.text) == (200, '{"data": [], "page": 1, "pages": 1, "results": 0}')
    assert (answer.headers["x-oauth-scopes"], answer.headers["x-accepted-oauth-scopes"]) == ("unknown", "*")
    assert "x-customer-uuid" not in answer.headers


EMPTY = ("profile/logins", "profile/devices", "profile/apps", "regions", "linode/types", "images")


@pytest.mark.parametrize("path", EMPTY)
def test_empty_list_judges_what_is_asked_as_a_list_with_rows_does(app: App, path: str) -> None:
    headers = {**app.bearer, "X-Filter": '{"nonsense": 1, "+order_by": "rubbish"}'}
    answer = app.client.get(f"/v4/{path}?page=0&page_size=7", headers=headers)
    assert answer.status_code == 400
    assert faults(answer) == [
        ("Must be 1 or greater", "page"),
        ("Must be 25-500", "page_size"),
        ("Cannot filter on nonsense", "X-Filter"),
        ("Cannot filter on rubbish", "X-Filter"),
    ]


def test_images_are_filtered_as_clients_do(app: App) -> None:
    for filter in ('{"is_public": true, "label": {"+contains": "deb"}}', '{"deprecated": {"+neq": false}}'):
        assert app.client.get("/v4/images", headers={"X-Filter": filter}).status_code == 200
    for filter in ('{"is_public": 1}', '{"is_public": {"+gt": true}}', '{"size": true}'):
        assert app.client.get("/v4/images", headers={"X-Filter": filter}).status_code == 400
