"""The policy over HTTP, for administrators of the first account."""

from dataclasses import replace
from typing import Any

import pytest

from tests.api.parts import bearer_of
from tests.conftest import App
from tokenry.domain.accounts import Origin
from tokenry.domain.tokens import NewToken
from tokenry.wiring import open_installation

POLICY = "/v4/tokenry/policy"
DAY = 86_400
OPERATOR = Origin("operator:root")
ANY = dict.fromkeys(("admin", "user", "proxy", "service"), "*")
NONE = dict.fromkeys(ANY)
NOTHING = {
    "max_lifetime_seconds": None,
    "expiry_required": False,
    "max_tokens": None,
    "scopes": ANY,
    "requests_per_minute": NONE,
    "second_factor": "nobody",
}


def changed(app: App, body: dict[str, Any]) -> Any:
    answer = app.client.put(POLICY, headers=app.bearer, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_policy_is_previewed_changed_and_lifted(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    shown = app.client.get(POLICY, headers=app.bearer).json()
    assert shown == {**NOTHING, "version": shown["version"], "shortening": None}
    wanted = {"max_lifetime_seconds": DAY, "scopes": {"user": "linodes:read_only"}, "requests_per_minute": {"user": 5}}
    preview = app.client.post(f"{POLICY}/preview", headers=app.bearer, json=wanted).json()
    assert (preview["version"], preview["current"]) == (shown["version"], NOTHING)
    assert preview["outliving"] == {
        "tokens": 1,
        "at_once": 0,
        "users": 1,
        "other_accounts": 0,
        "by_user": [{"username": "admin", "at_once": 0, "sooner": 1}],
    }
    assert preview["changes"] == [
        {"rule": "max_lifetime_seconds", "kind": None, "users": 1},
        {"rule": "scopes", "kind": "user", "users": 0},
        {"rule": "requests_per_minute", "kind": "user", "users": 0},
    ]
    after = changed(app, {**wanted, "version": shown["version"]})
    rules = {**NOTHING, "scopes": {**ANY, "user": "linodes:read_only"}, "requests_per_minute": {**NONE, "user": 5}}
    assert after == {**rules, "max_lifetime_seconds": DAY, "version": after["version"], "shortening": None}
    assert preview["wanted"] == {key: after[key] for key in NOTHING}
    lifted = changed(
        app, {"max_lifetime_seconds": None, "scopes": {"user": "*"}, "requests_per_minute": {"user": None}}
    )
    assert lifted["version"] == shown["version"]


def test_it_is_in_the_audit_of_whose_administrator_set_it(app: App) -> None:
    do = open_installation(app.settings, app.clock)
    do.policies.set_policy(OPERATOR, lambda policy: replace(policy, tokens_per_user_max=9))
    do.accounts.create_account(OPERATOR, company="other", admin="eve")
    _, eves = do.tokens.create_token_for(OPERATOR, "eve", NewToken())
    do.database.close()
    changed(app, {"expiry_required": True})
    only = {**app.bearer, "X-Filter": '{"action": "policy.set"}'}
    (event,) = app.client.get("/v4/tokenry/audit", headers=only).json()["data"]
    assert (event["actor"], event["subject"]) == ("admin", "policy")
    assert [event["details"][when]["expiry_required"] for when in ("from", "to")] == [False, True]
    assert event["details"]["to"].keys() == NOTHING.keys()
    other = {**only, "Authorization": f"Bearer {eves.reveal()}"}
    assert app.client.get("/v4/tokenry/audit", headers=other).json()["data"] == []


def test_stale_preview_is_refused(app: App) -> None:
    version = app.client.post(f"{POLICY}/preview", headers=app.bearer, json={}).json()["version"]
    changed(app, {"expiry_required": True})
    answer = app.client.put(POLICY, headers=app.bearer, json={"expiry_required": False, "version": version})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "version")
    assert app.client.get(POLICY, headers=app.bearer).json()["expiry_required"] is True


def test_shortening_is_asked_for_and_shown(app: App) -> None:
    lifetime = {"max_lifetime_seconds": DAY}
    of_policy = app.client.get(f"{POLICY}/outliving-tokens", headers=app.bearer)
    assert (of_policy.status_code, of_policy.json()["results"]) == (200, 0)  # it has no maximum
    page = app.client.get(f"{POLICY}/outliving-tokens", headers=app.bearer, params=lifetime).json()
    assert [(row["username"], row["expiry"], row["shortened_expiry"]) for row in page["data"]] == [
        ("admin", "2999-12-12T05:00:00", "2025-06-16T15:06:40")
    ]
    under_way = changed(app, {**lifetime, "shorten_existing": True})["shortening"]
    assert under_way == {**lifetime, **under_way, "by": "admin", "expired": 0, "expire_sooner": 0, "ended": None}


@pytest.mark.parametrize("path", ["audit", "audit/export", "profile/audit", "profile/audit/export?format=jsonl"])
def test_other_accounts_are_not_told_who_had_their_tokens_shortened(app_on_each_engine: App, path: str) -> None:
    app = app_on_each_engine
    do = open_installation(app.settings, app.clock)
    first = do.accounts.list_accounts()[0].euuid
    do.accounts.create_account(OPERATOR, company="child", parent=first, admin="eve")
    _, eves = do.tokens.create_token_for(OPERATOR, "eve", NewToken())
    changed(app, {"max_lifetime_seconds": DAY, "shorten_existing": True})
    assert do.shortenings.shorten_tokens() == 2
    do.database.close()
    for secret, actor in ((eves.reveal(), "the policy"), (app.token, "admin")):
        only = {"Authorization": f"Bearer {secret}", "X-Filter": '{"action": "token.shorten"}'}
        answer = app.client.get(f"/v4/tokenry/{path}", headers=only)
        assert (answer.status_code, actor in answer.text) == (200, True)
        assert ("admin" in answer.text, "testclient" in answer.text) == (secret == app.token,) * 2


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"max_lifetime_seconds": 0, "max_tokens": -1}, ["max_lifetime_seconds", "max_tokens"]),
        ({"max_lifetime_seconds": 3601}, ["max_lifetime_seconds"]),
        ({"max_lifetime_seconds": 10**30, "max_tokens": 10**30}, ["max_lifetime_seconds", "max_tokens"]),
        ({"max_lifetime_seconds": "90d"}, ["max_lifetime_seconds"]),
        ({"max_tokens": True}, ["max_tokens"]),
        ({"expiry_required": None}, ["expiry_required"]),
        ({"second_factor": ["everybody"]}, ["second_factor"]),
        ({"scopes": {"root": "*"}}, ["scopes"]),
        ({"scopes": "*"}, ["scopes"]),
        ({"scopes": {"user": "no:such", "admin": None}}, ["scopes", "scopes"]),
        ({"requests_per_minute": {"user": 0, "admin": 1e9}}, ["requests_per_minute", "requests_per_minute"]),
        ({"lifetime": 1}, ["lifetime"]),
        ({"shorten_existing": True}, ["shorten_existing"]),
    ],
)
def test_odd_values_are_refused_and_change_nothing(app: App, body: dict[str, Any], fields: list[str]) -> None:
    answer = app.client.put(POLICY, headers=app.bearer, json=body)
    assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (400, fields)
    assert app.client.get(POLICY, headers=app.bearer).json()["shortening"] is None


@pytest.mark.parametrize("lifetime", ["", "0", "-3600", "9" * 40, "1.5", "3601"])
def test_list_of_tokens_is_of_a_lifetime_that_there_may_be(app: App, lifetime: str) -> None:
    answer = app.client.get(
        f"{POLICY}/outliving-tokens", headers=app.bearer, params={"max_lifetime_seconds": lifetime, "page": "0"}
    )
    assert [fault["field"] for fault in answer.json()["errors"]] == ["page", "max_lifetime_seconds"]


def test_restricted_user_gets_nothing_of_it(app: App) -> None:
    ada = bearer_of(app, "ada")
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/preview"), ("GET", "/outliving-tokens")):
        assert app.client.request(method, f"{POLICY}{path}", headers=ada, params={}).status_code == 403
