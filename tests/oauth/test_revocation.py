"""`/oauth/revoke` (RFC 7009): a token is given back by its text."""

import random

import httpx2
import pytest

from tests.api.parts import bearer_of, create, token_of_another_account, token_of_another_user
from tests.conftest import App
from tests.issuing import bearer
from tokenry.domain.secrets import Secret
from tokenry.storage.audit import list_events
from tokenry.wiring import open_installation

UNKNOWN = Secret.generate(random.Random(1).randbytes).reveal()  # the same in every test process: it names a test

REVOKE = "/oauth/revoke"


def revoke(app: App, token: str, headers: dict[str, str] | None = None, **parameters: str) -> httpx2.Response:
    return app.client.post(REVOKE, headers=headers or app.bearer, data={"token": token, **parameters})


def is_valid(app: App, token: str) -> bool:
    return app.client.get("/verify", headers=bearer(token)).status_code == 200


def revocations(app: App) -> list[tuple[str, str, str | None]]:
    """Who revoked what, and from where."""
    installation = open_installation(app.settings)
    with installation.database.read() as connection:
        events = list_events(connection, limit=100)
    installation.database.close()
    return [(event.subject, event.actor, event.address) for event in events if event.action == "token.revoke"]


def test_token_is_refused_at_once_and_the_answer_is_empty(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = create(app)
    assert is_valid(app, made["token"])
    answer = revoke(app, made["token"])
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert not is_valid(app, made["token"])
    assert revocations(app) == [(f"token:{made['id']}", "admin", "testclient")]


def test_second_time_is_the_same_answer_and_no_event(app_on_each_engine: App) -> None:
    token = create(app_on_each_engine)["token"]
    assert [revoke(app_on_each_engine, token).status_code for _ in range(2)] == [200, 200]
    assert len(revocations(app_on_each_engine)) == 1


def test_token_may_revoke_itself(app: App) -> None:
    token = create(app)["token"]
    assert revoke(app, token, bearer(token)).status_code == 200
    assert revoke(app, token, bearer(token)).status_code == 401


def test_either_secret_of_a_rotated_token_revokes_both(app: App) -> None:
    made = create(app)
    newer = app.client.post(f"/v4/profile/tokens/{made['id']}/rotate", headers=app.bearer, json={}).json()["token"]
    assert revoke(app, made["token"]).status_code == 200
    assert not is_valid(app, newer)


def test_administrator_revokes_tokens_of_the_account(app_on_each_engine: App) -> None:
    token_id, token = token_of_another_user(app_on_each_engine)
    assert revoke(app_on_each_engine, token).status_code == 200
    assert not is_valid(app_on_each_engine, token)
    assert revocations(app_on_each_engine) == [(f"token:{token_id}", "admin", "testclient")]


def test_token_of_another_account_is_left_alone_and_its_finder_told_so(app_on_each_engine: App) -> None:
    _, token = token_of_another_account(app_on_each_engine)
    answer = revoke(app_on_each_engine, token)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert is_valid(app_on_each_engine, token)


def test_other_user_revokes_only_its_own(app: App) -> None:
    ada = bearer_of(app, "ada")
    own = app.client.post("/v4/profile/tokens", headers=ada, json={}).json()["token"]
    assert revoke(app, own, ada).status_code == 200
    assert revoke(app, app.token, ada).status_code == 403
    assert (is_valid(app, own), is_valid(app, app.token)) == (False, True)


@pytest.mark.parametrize("text", ["x", "pat_", "é", "\0", "Bearer x", UNKNOWN])
def test_what_is_no_token_here_is_the_same_answer(app: App, text: str) -> None:
    assert revoke(app, text).status_code == 200
    assert revocations(app) == []


def test_public_part_alone_revokes_nothing(app: App) -> None:
    token = create(app)["token"]
    for text in (token[:16], token[:-1], token[:16] + Secret.generate().reveal()[16:]):
        assert revoke(app, text).status_code == 200
    assert is_valid(app, token)


def test_expired_token_is_no_token_any_more(app: App) -> None:
    token = create(app, expiry="2025-06-15T15:07:40")["token"]
    app.clock.seconds += 60
    assert revoke(app, token).status_code == 200
    assert revocations(app) == []


def test_reading_does_not_suffice(app: App) -> None:
    made = create(app)
    narrow = bearer(create(app, scopes="account:read_only")["token"])
    answer = revoke(app, made["token"], narrow)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'scope="account:read_write"' in answer.headers["www-authenticate"]
    assert is_valid(app, made["token"])


def test_possession_alone_does_not_suffice(app: App) -> None:
    answer = app.client.post(REVOKE, data={"token": app.token, "client_id": "x", "client_secret": "y"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="tokenry"')
    assert is_valid(app, app.token)


def test_parameters_of_oauth_clients_make_no_difference(app: App) -> None:
    token = create(app)["token"]
    answer = revoke(app, token, token_type_hint="refresh_token", client_id="x", client_secret="y")
    assert answer.status_code == 200
    assert not is_valid(app, token)


@pytest.mark.parametrize("body", ["", "token=", "token=a&token=b"])
def test_wrong_request_is_refused_in_words_of_oauth(app: App, body: str) -> None:
    headers = {**app.bearer, "Content-Type": "application/x-www-form-urlencoded"}
    answer = app.client.post(REVOKE, headers=headers, content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
