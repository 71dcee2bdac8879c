"""Webhooks over HTTP: administrators make, change, test and delete those of their account, and nobody else."""

import json
from typing import Any

import pytest

from tests.api.parts import bearer_of, create, faults, installation_of, token_of_another_account
from tests.conftest import App
from tests.issuing import bearer
from tests.making import OPERATOR
from tokenry.description.openapi import read_description
from tokenry.domain.actions import ACTIONS
from tokenry.domain.webhooks import WEBHOOKS_MAX, WebhookChange

WEBHOOKS = "/v4/tokenry/webhooks"
URL = "https://app.example/hooks"


def make(app: App, **body: object) -> dict[str, Any]:
    made = app.client.post(WEBHOOKS, headers=app.bearer, json={"url": URL, **body})
    assert made.status_code == 200, made.text
    webhook: dict[str, Any] = made.json()
    return webhook


def deliveries(app: App, webhook_id: int, **filter: object) -> list[dict[str, Any]]:
    headers = {**app.bearer, "X-Filter": json.dumps(filter)}
    answer = app.client.get(f"{WEBHOOKS}/{webhook_id}/deliveries", headers=headers)
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def test_webhook_is_made_changed_and_deleted_and_its_secret_shown_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = make(app, events=["token.revoke", "token.create"])
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {**made, "url": URL, "events": ["token.create", "token.revoke"], "disabled": False}
    one = f"{WEBHOOKS}/{made['id']}"
    assert app.client.get(WEBHOOKS, headers=app.bearer).json()["data"] == [made]
    changed = app.client.put(one, headers=app.bearer, json={"events": [], "disabled": True}).json()
    assert changed == {**made, "events": [], "disabled": True} == app.client.get(one, headers=app.bearer).json()
    rotated = app.client.post(f"{one}/rotate-secret", headers=app.bearer, json={"grace": 60}).json()
    assert rotated["secret"] != secret
    assert rotated["previous_secret_until"] == "2025-06-15T15:07:40"
    assert app.client.delete(one, headers=app.bearer).json() == {}
    assert app.client.get(one, headers=app.bearer).status_code == 404


def test_what_it_is_told_is_listed_by_state_and_sent_again_by_hand(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    webhook_id = make(app, events=["token.create"])["id"]
    token_id = create(app)["id"]
    [waiting] = deliveries(app, webhook_id)
    assert (waiting["type"], waiting["subject"], waiting["state"]) == ("token.create", f"token:{token_id}", "pending")
    assert deliveries(app, webhook_id, state="dead") == []
    place = f"{WEBHOOKS}/{webhook_id}/deliveries"
    app.clock.seconds += 60
    again = app.client.post(f"{place}/{waiting['id']}/redeliver", headers=app.bearer)
    assert (again.status_code, again.json()) == (200, {**waiting, "due": "2025-06-15T15:07:40"})
    assert app.client.post(f"{place}/{waiting['id'] + 1}/redeliver", headers=app.bearer).status_code == 404
    assert app.client.post(f"{WEBHOOKS}/{webhook_id}/test", headers=app.bearer).status_code == 200
    assert [each["type"] for each in deliveries(app, webhook_id)] == ["webhook.test", "token.create"]


def test_others_than_the_account_s_administrators_have_no_part_in_it(app: App) -> None:
    webhook_id = make(app)["id"]
    do = installation_of(app)
    operators, _ = do.webhooks.create_webhook(OPERATOR, WebhookChange(url=URL))
    do.database.close()
    stranger, user = bearer(token_of_another_account(app)[1]), bearer_of(app, "ada")
    for headers, id, status in ((stranger, webhook_id, 404), (user, webhook_id, 403), (app.bearer, operators.id, 404)):
        one = f"{WEBHOOKS}/{id}"
        asked = [
            app.client.get(one, headers=headers),
            app.client.put(one, headers=headers, json={"disabled": True}),
            app.client.delete(one, headers=headers),
            app.client.post(f"{one}/rotate-secret", headers=headers),
            app.client.post(f"{one}/test", headers=headers),
            app.client.get(f"{one}/deliveries", headers=headers),
            app.client.post(f"{one}/deliveries/1/redeliver", headers=headers),
        ]
        assert [answer.status_code for answer in asked] == [status] * 7


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["url"]),
        ({"url": "ftp://app.example/"}, ["url"]),
        ({"url": "https://user:password@app.example/"}, ["url"]),
        ({"url": "https://app.example/#a"}, ["url"]),
        ({"url": "https://app.example:99999/"}, ["url"]),
        ({"url": "https://app.example/" + "a" * 1024}, ["url"]),
        ({"url": "https://127.0.0.1/"}, ["url"]),
        ({"url": URL, "events": ["token.explode"]}, ["events"]),
        ({"url": URL, "events": [f"token.{number}" for number in range(1000)]}, ["events"]),
        ({"url": URL, "events": "token.create"}, ["events"]),
        ({"url": URL, "secret": "whsec_"}, ["secret"]),
    ],
)
def test_every_fault_is_named(app: App, body: dict[str, object], fields: list[str]) -> None:
    assert [field for _, field in faults(app.client.post(WEBHOOKS, headers=app.bearer, json=body))] == fields


@pytest.mark.parametrize("grace", [-1, 7 * 86400 + 1, 1.5, "1d", 10**30])
def test_grace_is_at_most_a_week(app: App, grace: object) -> None:
    one = f"{WEBHOOKS}/{make(app)['id']}"
    refused = app.client.post(f"{one}/rotate-secret", headers=app.bearer, json={"grace": grace})
    assert [field for _, field in faults(refused)] == ["grace"]


def test_there_are_only_so_many(app: App) -> None:
    for _ in range(WEBHOOKS_MAX):
        make(app)
    assert app.client.post(WEBHOOKS, headers=app.bearer, json={"url": URL}).status_code == 400


def test_description_names_every_event_that_there_is() -> None:
    assert read_description()["components"]["schemas"]["AuditAction"]["enum"] == sorted(ACTIONS)
