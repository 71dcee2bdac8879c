"""`/verify/batch`: many tokens in one request."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.parts import bearer_of, create, faults, token_of_another_account, token_of_another_user
from tests.conftest import START, App, Clock, make_app
from tests.issuing import bearer
from tests.oauth_making import add_client, give
from tests.verification.dpop_making import Prover, bound_token
from tokenry.domain.secrets import Secret
from tokenry.storage.schema import token_uses
from tokenry.verification.lookups import Answered, Line
from tokenry.wiring import open_installation

BATCH = "/verify/batch"
INVALID = {"active": False, "status": "invalid"}


def ask(app: App, *tokens: str, **circumstances: str) -> Any:
    return app.client.post(BATCH, headers=app.bearer, json={"tokens": [*tokens], **circumstances}).json()


def statuses(app: App, *tokens: str, **circumstances: str) -> list[str]:
    return [verdict["status"] for verdict in ask(app, *tokens, **circumstances)]


def test_answers_are_in_the_order_of_the_tokens(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_id, other = token_of_another_user(app)
    made = create(app, scopes="volumes:read_only,domains:read_write", expiry="2025-06-15T15:07:40")
    assert ask(app, made["token"], "junk", other, made["token"]) == [
        valid := {
            "active": True,
            "status": "valid",
            "user": "admin",
            "user_id": 1,
            "account_id": 1,
            "token_id": made["id"],
            "scopes": "domains:read_write volumes:read_only",
            "expires": int(START) + 60,
            "client_id": None,
            "external_id": None,
            "metadata": {"user": {}, "token": {}},
        },
        INVALID,
        {
            "active": True,
            "status": "valid",
            "user": "other",
            "user_id": 2,
            "account_id": 1,
            "token_id": token_id,
            "scopes": "*",
            "expires": None,
            "client_id": None,
            "external_id": None,
            "metadata": {"user": {}, "token": {}},
        },
        valid,
    ]


def test_access_token_is_told_of_with_its_client_and_to_whom_it_is_meant_for(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    installation = open_installation(app.settings, app.clock)
    client = add_client(installation.database)
    audience = ("https://mcp.example/",)
    meant = give(installation.transactions, installation.peppers, client, audience=audience).access.reveal()
    for_all = give(installation.transactions, installation.peppers, client).access.reveal()
    installation.database.close()
    assert statuses(app, meant, for_all) == ["invalid", "valid"]
    assert statuses(app, meant, for_all, audience="https://other.example/") == ["invalid", "valid"]
    told = ask(app, meant, for_all, audience=audience[0], scope="linodes:read_only")
    assert [verdict["client_id"] for verdict in told] == [client.client_id] * 2
    wrong = app.client.post(BATCH, headers=app.bearer, json={"tokens": ["x"], "audience": "mcp"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "audience")


def test_every_kind_of_invalid_token_is_the_same_answer(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    expired, revoked = create(app, expiry="2025-06-15T15:07:40")["token"], create(app)
    _, foreign = token_of_another_account(app)
    app.client.delete(f"/v4/profile/tokens/{revoked['id']}", headers=app.bearer)
    app.clock.seconds += 60
    unknown = Secret.generate().reveal()
    assert ask(app, "", expired, revoked["token"], foreign, unknown, app.token[:16]) == [INVALID] * 6


def test_token_that_may_not_do_what_is_asked_is_not_active(app: App) -> None:
    narrow = create(app, scopes="linodes:read_only")["token"]
    verdicts = ask(app, narrow, app.token, scope="linodes:read_write")
    assert verdicts[0] == {"active": False, "status": "insufficient_scope"}
    assert verdicts[1]["active"] is True


def test_foreign_token_that_lacks_the_scope_does_not_stand_out(app: App) -> None:
    _, foreign = token_of_another_account(app)
    narrow = app.client.post("/v4/profile/tokens", headers=bearer(foreign), json={"scopes": "linodes:read_only"})
    assert ask(app, narrow.json()["token"], scope="linodes:read_write") == [INVALID]


def test_address_is_that_of_all(app: App) -> None:
    made = create(app)
    path = f"/v4/profile/tokens/{made['id']}/details"
    app.client.put(path, headers=app.bearer, json={"networks": ["203.0.113.0/24"]})
    assert statuses(app, made["token"], app.token) == ["invalid", "valid"]
    assert statuses(app, made["token"], app.token, address="203.0.113.9") == ["valid", "valid"]


def test_look_ups_of_a_batch_go_out_together(
    new_postgres_database: Any, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, sizes = Line.ask, []

    def count(line: Line, previews: list[str], answered: Answered) -> None:
        sizes.append(len(previews))
        ask(line, previews, answered)

    app = make_app(tmp_path / "data", clock, new_postgres_database.render_as_string(hide_password=False))
    with app.client:
        tokens = [create(app)["token"] for _ in range(3)] + [Secret.generate().reveal() for _ in range(97)]
        monkeypatch.setattr(Line, "ask", count)
        assert statuses(app, *tokens) == ["valid"] * 3 + ["invalid"] * 97
    assert sizes == [1, 100], "the caller's own token, then all of the batch"


def test_being_asked_about_is_no_use_of_a_token(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock)
    with app.client:
        assert statuses(app, token_of_another_user(app)[1]) == ["valid"]
    installation = open_installation(app.settings)
    with installation.database.read() as connection:
        assert connection.execute(token_uses.select()).scalars().all() == [1], "the caller's own token was used"
    installation.database.close()


@pytest.mark.parametrize("tokens", [[], ["x"] * 101, "x", None, [1], ["x", None], {}])
def test_what_is_no_list_of_tokens_is_refused(app: App, tokens: object) -> None:
    answer = app.client.post(BATCH, headers=app.bearer, json={"tokens": tokens})
    assert (answer.status_code, faults(answer)) == (400, [("Must be a list of 1-100 strings", "tokens")])


def test_every_fault_is_reported_at_once(app: App) -> None:
    answer = app.client.post(BATCH, headers=app.bearer, json={"scope": "x:y", "address": "here"})
    assert faults(answer) == [
        ("Must be a list of 1-100 strings", "tokens"),
        ("Invalid scope: x:y", "scope"),
        ("Must be an IP address", "address"),
    ]


def test_user_who_is_no_administrator_is_forbidden(app: App) -> None:
    answer = app.client.post(BATCH, headers=bearer_of(app, "ada"), json={"tokens": ["x"]})
    assert (answer.status_code, faults(answer)) == (403, [("Unauthorized", None)])


def test_scope_that_does_not_suffice_is_forbidden_as_below_verify(app: App) -> None:
    narrow = bearer(create(app, scopes="linodes:read_write")["token"])
    answer = app.client.post(BATCH, headers=narrow, json={"tokens": ["x"]})
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="account:read_only"' in answer.headers["www-authenticate"]


def test_no_token_is_unauthorized(app: App) -> None:
    assert app.client.post(BATCH, json={"tokens": [app.token]}).status_code == 401


def test_token_that_is_bound_to_a_key_is_told_with_it_and_not_active(app_on_each_engine: App) -> None:
    """Whoever does not know what that means refuses it."""
    app, jkt = app_on_each_engine, Prover().jkt
    bound, free = bound_token(app, jkt, "linodes:read_only"), bound_token(app, None, "linodes:read_only")
    told, other, again = ask(app, bound, free, bound, scope="linodes:read_only")
    assert (told["active"], told["status"], told.pop("cnf"), again["status"]) == (False, "bound", {"jkt": jkt}, "bound")
    assert told.keys() == other.keys()
    assert other["active"] is True
    assert statuses(app, bound, scope="linodes:read_write") == ["insufficient_scope"]
    assert app.client.delete("/v4/profile/apps/1", headers=app.bearer).status_code == 200
    assert ask(app, bound) == [INVALID]
