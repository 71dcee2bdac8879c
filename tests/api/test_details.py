"""The details of a token, against the whole application."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.api.parts import KEYS, MORE, TOKENS, create, token_of_another_user
from tests.conftest import START, App
from tests.issuing import bearer
from tokenry.domain.details import STATES


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
    assert [details[key] for key in MORE] == [
        "active",
        "",
        [],
        0,
        "admin",
        None,
        None,
        None,
        None,
        None,
        None,
        False,
        None,
        None,
        {},
        False,
    ]


def test_wire_format_gains_no_field(app: App) -> None:
    token_id = create(app)["id"]
    update(app, token_id, {"description": "the second", "networks": ["203.0.113.0/24"]})
    assert list(app.client.get(f"{TOKENS}/{token_id}", headers=app.bearer).json()) == KEYS


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
    token_id = create(app, label="ci")["id"]
    networks = ["203.0.113.7", "2001:DB8::/32", "203.0.113.7/32", "10.0.0.0/8"]
    update(app, token_id, {"networks": networks})
    status, details = update(app, token_id, {"description": "Straße", "label": "ignored", "state": "revoked"})
    assert status == 200
    assert (details["description"], details["networks"], details["label"]) == (
        "Straße",
        ["203.0.113.7/32", "2001:db8::/32", "10.0.0.0/8"],
        "ci",
    )
    assert update(app, token_id, {"description": "", "networks": []})[1]["networks"] == []
    assert read(app, token_id)["description"] == ""


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
    assert update(app, create(app)["id"], {"networks": networks})[1]["networks"] == networks


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


def listed(app: App, query: str = "", filter: object = None) -> Any:
    headers = app.bearer if filter is None else {**app.bearer, "X-Filter": json.dumps(filter)}
    return app.client.get(f"{TOKENS}/details{query}", headers=headers).json()


def ids(page: Any) -> list[int]:
    return [row["id"] for row in page["data"]]


def test_list_has_rows_as_single_reads_have_them(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    create(app, label="ci")
    assert listed(app) == {"data": [read(app, 1), read(app, 2)], "page": 1, "pages": 1, "results": 2}


def test_list_is_of_active_tokens_unless_another_state_is_named(app: App) -> None:
    expired, revoked = create(app, expiry="2025-06-15T15:06:41"), create(app)
    app.clock.seconds += 1
    app.client.delete(f"{TOKENS}/{revoked['id']}", headers=app.bearer)
    found = [ids(listed(app, query)) for query in ("", *(f"?state={state}" for state in STATES))]
    assert found == [[1], [1], [], [], [expired["id"]], [revoked["id"]], [1, 2, 3]]


def test_list_knows_pages_filters_and_bounds_at_once(app: App) -> None:
    for number in range(30):
        create(app, label=f"ci-{number}", expiry="2030-01-01T00:00:00" if number % 2 else None)
    filter = {"label": {"+contains": "CI"}, "+order_by": "last_used", "+order": "desc"}
    page = listed(
        app, "?page=1&page_size=25&expires_after=2030-01-01T00:00:00&last_used_before=2000-01-01T00:00:00", filter
    )
    assert (page["results"], ids(page)) == (15, list(range(30, 0, -2)))


def test_every_wrong_parameter_is_named_at_once(app: App) -> None:
    query = "?page=0&state=dead&last_used_before=&last_used_after=x&expires_before=2025-02-30T00:00:00&expires_after=1"
    time = "Must be a date and time such as 2018-01-01T13:46:32"
    assert listed(app, query, {"token": "pat_"}) == {
        "errors": [
            {"reason": "Must be 1 or greater", "field": "page"},
            {"reason": "Cannot filter on token", "field": "X-Filter"},
            {"reason": "Must be one of active, pending, disabled, expired, revoked, all", "field": "state"},
            {"reason": time, "field": "last_used_before"},
            {"reason": time, "field": "last_used_after"},
            {"reason": time, "field": "expires_before"},
            {"reason": time, "field": "expires_after"},
        ]
    }


def test_list_is_of_the_callers_own_tokens(app: App) -> None:
    _, other = token_of_another_user(app)
    answer = app.client.get(f"{TOKENS}/details?state=all", headers=bearer(other)).json()
    assert ids(answer) == [2]
    assert ids(listed(app, "?state=all")) == [1]
