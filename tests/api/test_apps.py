"""`/profile/apps`: what a user let OAuth clients in for, in the wire format."""

import json
from datetime import timedelta

from tests.api.parts import faults, token_of_another_user
from tests.conftest import App
from tests.issuing import bearer
from tests.making import NOW
from tests.oauth_making import add_client, give
from tokenry.domain.oauth import ACCESS_LIFETIME_SECONDS
from tokenry.service.grants.issuing import Issued
from tokenry.wiring import open_installation

APPS = "/v4/profile/apps"


def let_in(app: App, label: str = "Calendar", **options: str) -> Issued:
    installation = open_installation(app.settings, app.clock)
    client = add_client(installation.database, label=label, website="https://calendar.example")
    issued = give(installation.transactions, installation.peppers, client, **options)  # type: ignore[arg-type]
    installation.database.close()
    return issued


def test_app_is_shown_as_the_wire_format_has_it(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    let_in(app)
    shown = {
        "id": 1,
        "label": "Calendar",
        "scopes": "linodes:read_only",
        "created": "2025-06-15T15:06:40",
        "expiry": f"{NOW + timedelta(days=365):%Y-%m-%dT%H:%M:%S}",
        "thumbnail_url": None,
        "website": "https://calendar.example",
    }
    answer = app.client.get(APPS, headers=app.bearer)
    assert answer.text == json.dumps({"data": [shown], "page": 1, "pages": 1, "results": 1})
    assert app.client.get(f"{APPS}/1", headers=app.bearer).json() == shown
    app.clock.seconds += 366 * 86400
    assert app.client.get(f"{APPS}/1", headers=app.bearer).json()["expiry"] is None


def test_apps_are_filtered_ordered_and_paged_as_tokens_are(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    for label in ("b", "C", "a"):
        let_in(app, label)

    def labels(filter: dict[str, object]) -> list[str]:
        answer = app.client.get(APPS, headers={**app.bearer, "X-Filter": json.dumps(filter)})
        return [each["label"] for each in answer.json()["data"]]

    assert labels({}) == ["b", "C", "a"]
    assert labels({"+order_by": "label", "+order": "desc"}) == ["b", "a", "C"]
    assert labels({"+order_by": "expiry"}) == ["b", "C", "a"]
    assert labels({"label": {"+contains": "c"}}) == ["C"]
    assert labels({"expiry": {"+gt": "2026-01-01T00:00:00"}, "created": {"+lte": "2026-01-01T00:00:00"}, "id": 2}) == [
        "C"
    ]
    wrong = app.client.get(f"{APPS}?page_size=3", headers={**app.bearer, "X-Filter": '{"website": "x"}'})
    assert faults(wrong) == [("Must be 25-500", "page_size"), ("Cannot filter on website", "X-Filter")]


def test_ended_app_has_no_token_left_and_is_gone(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    issued, kept = let_in(app), let_in(app, "other")
    token = bearer(issued.access.reveal())
    assert app.client.get("/verify", headers=token).status_code == 200  # and is remembered
    answer = app.client.delete(f"{APPS}/1", headers=app.bearer)
    assert (answer.status_code, answer.text) == (200, "{}")
    assert app.client.get("/verify", headers=token).status_code == 401
    assert app.client.get("/verify", headers=bearer(kept.access.reveal())).status_code == 200
    assert [each["label"] for each in app.client.get(APPS, headers=app.bearer).json()["data"]] == ["other"]
    for method in ("GET", "DELETE"):
        assert app.client.request(method, f"{APPS}/1", headers=app.bearer).status_code == 404


def test_app_may_end_itself(app: App) -> None:
    token = bearer(let_in(app, scopes="account:read_write").access.reveal())
    assert app.client.delete(f"{APPS}/1", headers=token).status_code == 200
    assert app.client.delete(f"{APPS}/1", headers=token).status_code == 401


def test_apps_of_others_are_not_there(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    let_in(app)
    other = bearer(token_of_another_user(app)[1])
    assert app.client.get(APPS, headers=other).json()["results"] == 0
    for method in ("GET", "DELETE"):
        for app_id in ("1", "x", "0", "9" * 30):
            assert app.client.request(method, f"{APPS}/{app_id}", headers=other).status_code == 404
    assert app.client.get(f"{APPS}/1", headers=app.bearer).status_code == 200


def test_apps_need_the_scope(app: App) -> None:
    token = bearer(let_in(app, scopes="account:read_only").access.reveal())
    assert app.client.get(APPS, headers=token).status_code == 200
    assert app.client.delete(f"{APPS}/1", headers=token).status_code == 401


def test_access_token_is_found_in_no_list_of_tokens(app: App) -> None:
    """And is one for everything else: it says in its answers when it ends."""
    token = bearer(let_in(app, scopes="account:read_only").access.reveal())
    answer = app.client.get("/v4/profile/tokens", headers=token)
    assert [each["label"] for each in answer.json()["data"]] == ["first token"]
    ends = NOW + timedelta(seconds=ACCESS_LIFETIME_SECONDS)
    assert answer.headers["x-token-expires"] == f"{ends:%Y-%m-%dT%H:%M:%S}"
