"""`/account`, and that what was read can be sent back."""

from typing import Any

import pytest

from tests.api.parts import actions, bearer_of, faults
from tests.conftest import App
from tokenry.domain.accounts import Origin
from tokenry.wiring import open_installation

ACCOUNT = "/v4/account"
NAMES = ("company", "email", "first_name", "last_name", "address_1", "address_2", "city", "state", "zip", "country")
SENT = {
    **{name: name for name in (*NAMES, "phone", "tax_id")},
    "email": "office@example.org",
    "country": "de",
    "company": "Ångström & Söhne",
}


def put(app: App, body: object, bearer: dict[str, str] | None = None) -> Any:
    return app.client.put(ACCOUNT, headers=bearer or app.bearer, json=body)


def test_account_is_changed_key_by_key(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    before = app.client.get(ACCOUNT, headers=app.bearer).json()
    assert put(app, SENT).json() == {**before, **SENT}
    assert put(app, {"city": "", "balance": 5, "euuid": "x"}).json() == {**before, **SENT, "city": ""}
    assert app.client.get(ACCOUNT, headers=app.bearer).json() == {**before, **SENT, "city": ""}


def test_change_of_an_account_is_audited_and_none_is_not(app: App) -> None:
    put(app, {"email": "office@example.org"})
    assert actions(app)[0] == ("account.update", {"email": {"from": "", "to": "office@example.org"}})
    recorded = len(actions(app))
    put(app, {"email": "office@example.org"})
    assert len(actions(app)) == recorded


def test_every_fault_of_an_account_is_named_at_once(app: App) -> None:
    answer = put(app, {"company": "", "email": "x", "first_name": "a" * 51, "zip": 5, "country": "DEU", "city": "\n"})
    assert (answer.status_code, faults(answer)) == (
        400,
        [
            ("Must be a string", "zip"),
            ("Must be 1-128 printable characters", "company"),
            ("Must be an email address", "email"),
            ("Must be 0-50 printable characters", "first_name"),
            ("Must be 0-24 printable characters", "city"),
            ("Must be a two-letter country code", "country"),
        ],
    )


@pytest.mark.parametrize("body", [{"email": "a@b"}, {"email": 5}])
def test_account_is_its_administrators_to_change(app: App, body: dict[str, object]) -> None:
    answer = put(app, body, bearer_of(app, "ada"))
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


def test_what_was_read_can_be_sent_back(app: App) -> None:
    """Clients send a whole object to change one key of it, and what nobody has set yet is empty."""
    installation = open_installation(app.settings, app.clock)
    installation.users.create_user(Origin("test"), username="ada")
    installation.database.close()
    for path in (
        ACCOUNT,
        "/v4/profile",
        "/v4/account/users/admin",
        "/v4/account/users/ada",
        "/v4/account/users/ada/grants",
        "/v4/profile/tokens/1",
        "/v4/profile/tokens/1/details",
    ):
        read = app.client.get(path, headers=app.bearer)
        answer = app.client.put(path, headers=app.bearer, json=read.json())
        assert (answer.status_code, answer.text) == (200, read.text), path


KEYS = {
    ACCOUNT: "company email first_name last_name address_1 address_2 city state zip country phone balance tax_id "
    "billing_source credit_card balance_uninvoiced active_since capabilities active_promotions euuid",
    "/v4/profile": "uid username email verified_phone_number timezone email_notifications referrals "
    "ip_whitelist_enabled lish_auth_method authorized_keys two_factor_auth restricted authentication_type user_type",
    "/v4/account/users/admin": "username email restricted tfa_enabled ssh_keys user_type last_login password_created "
    "verified_phone_number",
    "/v4/profile/tokens/1": "id scopes created label token expiry",
    "/v4/account/users": "data page pages results",
}


@pytest.mark.parametrize("path", KEYS)
def test_keys_come_in_the_order_of_the_wire_format(app: App, path: str) -> None:
    """Of what was recorded whole, `test_vectors.py` compares every byte."""
    assert [*app.client.get(path, headers=app.bearer).json()] == KEYS[path].split()
