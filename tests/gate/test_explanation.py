"""`/verify/explain`: what an administrator is told of a token that was presented."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.parts import bearer_of, create, faults, token_of_another_account, token_of_another_user
from tests.conftest import App, Clock, make_app
from tests.issuing import bearer
from tests.verification.dpop_making import Prover, bound_token
from tokenry.domain.secrets import Secret
from tokenry.storage.schema import token_uses
from tokenry.wiring import open_installation

EXPLAIN = "/verify/explain"


def explain(app: App, **body: object) -> Any:
    return app.client.post(EXPLAIN, headers=app.bearer, json=body).json()


def failed(explanation: Any) -> list[str]:
    return [step["check"] for step in explanation["steps"] if not step["passed"]]


def test_valid_token_passes_every_check(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    _, token = token_of_another_user(app)
    told = explain(app, token=token, scope="linodes:read_only", address="203.0.113.7")
    assert (told["active"], told["token"], failed(told)) == (True, token[:16], [])
    assert [step["check"] for step in told["steps"]] == [
        *(
            "prefix",
            "shape",
            "checksum",
            "known",
            "revocation",
            "secret",
            "enabled",
            "not_before",
            "expiry",
            "user",
            "networks",
            "audience",
            "scopes",
            "limit",
        )
    ]


def test_revoked_token_is_explained_by_who_revoked_it(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = create(app)
    app.client.delete(f"/v4/profile/tokens/{made['id']}", headers=app.bearer)
    told = explain(app, token=made["token"])
    assert (told["active"], told["steps"][-1]) == (
        False,
        {"check": "revocation", "passed": False, "reason": "revoked at 2025-06-15T15:06:40Z by admin"},
    )


def test_scope_and_address_are_taken_into_account(app: App) -> None:
    made = create(app, scopes="linodes:read_only")
    path = f"/v4/profile/tokens/{made['id']}/details"
    app.client.put(path, headers=app.bearer, json={"networks": ["10.0.0.0/8"]})
    told = explain(app, token=made["token"], scope="domains:read_only", address="203.0.113.7")
    assert (told["active"], failed(told)) == (False, ["networks", "scopes"])
    told = explain(app, token=made["token"], scope="linodes:read_only", address="10.0.0.1")
    assert (told["active"], failed(told)) == (True, [])


def test_administrators_own_token_has_the_scopes_of_management(app: App) -> None:
    _, restricted = token_of_another_user(app)
    for token, lacks in ((app.token, []), (restricted, ["scopes"])):
        told = explain(app, token=token, scope="tokenry_users:read_only")
        assert (told["active"], failed(told)) == (not lacks, lacks)


def test_token_of_another_account_is_told_apart_from_none_by_nothing(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    foreign, made_up = token_of_another_account(app)[1], Secret.generate().reveal()
    first, second = explain(app, token=foreign), explain(app, token=made_up)
    assert (first["active"], failed(first)) == (False, ["known"])
    assert first["steps"] == second["steps"]


@pytest.mark.parametrize("text", ["", "x", "sk_live_0123456789abcdef", "pat_0123456789abcdef", "é", "\ud800", "\0"])
def test_of_what_is_no_token_nothing_is_repeated(app: App, text: str) -> None:
    answer = app.client.post(EXPLAIN, headers=app.bearer, content=json.dumps({"token": text}))
    assert (answer.json()["active"], answer.json()["token"]) == (False, None)
    assert "0123456789" not in answer.text


def test_of_a_token_no_more_is_repeated_than_its_preview(app: App) -> None:
    answer = app.client.post(EXPLAIN, headers=app.bearer, json={"token": app.token})
    assert app.token[:16] in answer.text
    assert app.token[:17] not in answer.text
    assert app.token[16:24] not in answer.text


def test_verify_itself_still_tells_nothing(app: App) -> None:
    made = create(app)
    app.client.delete(f"/v4/profile/tokens/{made['id']}", headers=app.bearer)
    unknown = app.client.get("/verify", headers=bearer(Secret.generate().reveal()))
    revoked = app.client.get("/verify", headers=bearer(made["token"]))
    assert (revoked.status_code, revoked.content, revoked.headers) == (401, unknown.content, unknown.headers)


def test_user_who_is_no_administrator_is_forbidden(app: App) -> None:
    answer = app.client.post(EXPLAIN, headers=bearer_of(app, "ada"), json={})
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


def test_scope_that_does_not_suffice_is_forbidden_as_below_verify(app: App) -> None:
    narrow = bearer(create(app, scopes="linodes:read_write")["token"])
    answer = app.client.post(EXPLAIN, headers=narrow, json={"token": app.token})
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="account:read_only"' in answer.headers["www-authenticate"]


def test_no_token_is_unauthorized(app: App) -> None:
    assert app.client.post(EXPLAIN, json={"token": app.token}).status_code == 401


def test_every_fault_is_reported_at_once(app: App) -> None:
    answer = app.client.post(EXPLAIN, headers=app.bearer, json={"scope": "x:y", "address": "here"})
    assert (answer.status_code, faults(answer)) == (
        400,
        [("Must be sent", "token"), ("Invalid scope: x:y", "scope"), ("Must be an IP address", "address")],
    )
    answer = app.client.post(EXPLAIN, headers=app.bearer, json={"token": 1, "scope": [], "address": None})
    assert faults(answer) == [("Must be a string", field) for field in ("token", "scope", "address")]


def test_being_explained_is_no_use_of_a_token(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock)
    with app.client:
        _, token = token_of_another_user(app)
        assert explain(app, token=token)["active"] is True
    installation = open_installation(app.settings)
    with installation.database.read() as connection:
        assert connection.execute(token_uses.select()).scalars().all() == [1], "the caller's own token was used"
    installation.database.close()


def test_token_that_is_bound_to_a_key_is_explained_and_not_active(app: App) -> None:
    told = explain(app, token=bound_token(app, Prover().jkt))
    assert (told["active"], failed(told)) == (False, ["prefix"])
    assert "a proof" in told["steps"][0]["reason"]
