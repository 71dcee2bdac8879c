"""The details of a token, against the whole application."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.api.test_lifecycle import bearer, create, token_of_another_user
from tests.conftest import START, App

TOKENS = "/v4/profile/tokens"
KEYS = ["id", "scopes", "created", "label", "token", "expiry"]
MORE = [
    "state",
    "description",
    "networks",
    "created_by",
    "last_used",
    "last_used_address",
    "last_used_agent",
    "revoked",
    "revoked_by",
]


def read(app: App, token_id: int) -> dict[str, Any]:
    answer = app.client.get(f"{TOKENS}/{token_id}/details", headers=app.bearer)
    assert answer.status_code == 200, answer.text
    details: dict[str, Any] = answer.json()
    return details


def update(app: App, token_id: int, body: object) -> tuple[int, Any]:
    answer = app.client.put(f"{TOKENS}/{token_id}/details", headers=app.bearer, json=body)
    return answer.status_code, answer.json()


def test_details_go_on_where_the_wire_format_ends(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app, label="ci")
    details = read(app, created["id"])
    assert list(details) == KEYS + MORE
    assert {key: details[key] for key in KEYS} == {**created, "token": created["token"][:16]}
    assert [details[key] for key in MORE] == ["active", "", [], "admin", None, None, None, None, None]


def test_wire_format_gains_no_field(app: App) -> None:
    update(app, 1, {"description": "the first", "networks": ["203.0.113.0/24"]})
    assert list(app.client.get(f"{TOKENS}/1", headers=app.bearer).json()) == KEYS


def test_last_use_is_shown_as_it_was_noted(app: App) -> None:
    with closing(sqlite3.connect(app.settings.data_dir / "tokenry.db")) as connection:
        connection.execute("INSERT INTO token_uses VALUES (1, ?, '203.0.113.9', 'curl/8')", (int(START),))
        connection.commit()
    details = read(app, 1)
    assert (details["last_used"], details["last_used_address"], details["last_used_agent"]) == (
        "2025-06-15T15:06:40",
        "203.0.113.9",
        "curl/8",
    )


def test_expired_and_revoked_tokens_keep_their_details(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    expired, revoked = create(app, expiry="2025-06-15T15:06:41"), create(app)
    app.clock.seconds += 1
    app.client.delete(f"{TOKENS}/{revoked['id']}", headers=app.bearer)
    assert app.client.get(f"{TOKENS}/{expired['id']}", headers=app.bearer).status_code == 404
    assert read(app, expired["id"])["state"] == "expired"
    details = read(app, revoked["id"])
    assert (details["state"], details["revoked"], details["revoked_by"], details["networks"]) == (
        "revoked",
        "2025-06-15T15:06:41",
        "admin",
        None,
    )


def test_description_and_networks_are_changed_apart(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    networks = ["203.0.113.7", "2001:DB8::/32", "203.0.113.7/32", "10.0.0.0/8"]
    update(app, 1, {"networks": networks})
    status, details = update(app, 1, {"description": "Straße", "label": "ignored", "state": "revoked"})
    assert status == 200
    assert (details["description"], details["networks"], details["label"]) == (
        "Straße",
        ["203.0.113.7/32", "2001:db8::/32", "10.0.0.0/8"],
        "first token",
    )
    assert update(app, 1, {"description": "", "networks": []})[1]["networks"] == []
    assert read(app, 1)["description"] == ""


def test_every_fault_is_named_at_once_and_nothing_changes(app: App) -> None:
    before = read(app, 1)
    assert update(app, 1, {"description": 5, "networks": ["10.0.0.0/8", "10.0.0.1/8", None]}) == (
        400,
        {
            "errors": [
                {"reason": "Must be a string", "field": "description"},
                {"reason": "Must be an address or a network such as 203.0.113.0/24", "field": "networks[1]"},
                {"reason": "Must be an address or a network such as 203.0.113.0/24", "field": "networks[2]"},
            ]
        },
    )
    assert read(app, 1) == before


@pytest.mark.parametrize(
    ("networks", "reason"),
    [
        (None, "Must be a list of networks"),
        ("10.0.0.0/8", "Must be a list of networks"),
        (["10.0.0.0/8"] * 51, "Must be at most 50 networks"),
    ],
)
def test_networks_that_are_no_list_of_up_to_50_are_refused(app: App, networks: object, reason: str) -> None:
    assert update(app, 1, {"networks": networks}) == (400, {"errors": [{"reason": reason, "field": "networks"}]})


def test_50_networks_are_kept(app: App) -> None:
    networks = [f"10.0.{number}.0/24" for number in range(50)]
    assert update(app, 1, {"networks": networks})[1]["networks"] == networks


@pytest.mark.parametrize("token_id", ["2", "999", "x", "0", "99999999999999999999"])
def test_token_that_is_not_there_and_not_yours_are_the_same(app: App, token_id: str) -> None:
    assert token_of_another_user(app)[0] == 2
    for method in ("GET", "PUT"):
        answer = app.client.request(method, f"{TOKENS}/{token_id}/details", headers=app.bearer)
        assert (answer.status_code, answer.json()) == (404, {"errors": [{"reason": "Not found"}]})


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [("account:read_write", (200, 200)), ("account:read_only", (200, 401)), ("linodes:read_write", (401, 401))],
)
def test_scope_decides(app: App, scopes: str, statuses: tuple[int, int]) -> None:
    headers = bearer(create(app, scopes=scopes)["token"])
    answers = [
        app.client.get(f"{TOKENS}/1/details", headers=headers),
        app.client.put(f"{TOKENS}/1/details", headers=headers, json={}),
    ]
    assert tuple(answer.status_code for answer in answers) == statuses
    assert [answer.headers["x-accepted-oauth-scopes"] for answer in answers] == [
        "account:read_only",
        "account:read_write",
    ]
