"""The header Idempotency-Key, against the whole application."""

import threading
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from tests.api.parts import TOKENS, create, opens, token_of_another_user, write_uses_down
from tests.conftest import App
from tests.issuing import bearer
from tokenry.storage.database import Database, database_url
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.schema import token_uses

ARRIVED = {
    "reason": "The first answer has evidently arrived: its secret was used or replaced",
    "field": "Idempotency-Key",
}
ANOTHER = {"reason": "Has been used for another request", "field": "Idempotency-Key"}


def ask(app: App, path: str, key: str, body: object, by: str | None = None) -> httpx2.Response:
    headers = {**bearer(by or app.token), "Idempotency-Key": key}
    answer: httpx2.Response = app.client.post(path, headers=headers, json=body)
    return answer


def made(app: App, path: str, key: str, body: object = None) -> dict[str, Any]:
    answer = ask(app, path, key, body or {})
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()
    return token


def results(app: App) -> int:
    number: int = app.client.get(TOKENS, headers=app.bearer).json()["results"]
    return number


def note_use(app: App, token_id: int) -> None:
    """As if the token had been used just now, and a worker had written that down."""
    database = Database(database_url(app.settings.database_url, app.settings.data_dir), timeout=TIMEOUT_SECONDS)
    with database.write() as connection:
        connection.execute(insert(token_uses).values(token_id=token_id, used_at=int(app.clock())))
    database.close()


def test_repeated_creation_makes_one_token_with_a_fresh_secret(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    first = made(app, TOKENS, "k", {"label": "ci", "scopes": "linodes:read_only"})
    app.clock.seconds += 60
    second, third = (made(app, TOKENS, "k", {"scopes": "linodes:read_only", "label": "ci"}) for _ in range(2))
    assert first["token"] != second["token"] != third["token"]
    assert {**first, "token": ""} == {**second, "token": ""} == {**third, "token": ""}
    assert opens(app, first["token"], second["token"], third["token"]) == [False, False, True]
    assert results(app) == 2
    assert app.client.get(f"{TOKENS}/{first['id']}", headers=app.bearer).json()["token"] == third["token"][:16]


def test_both_versions_of_the_interface_are_the_same_request(app: App) -> None:
    first, second = (made(app, f"/{version}/profile/tokens", "k") for version in ("v4", "v4beta"))
    assert first["id"] == second["id"]


def test_without_a_key_everything_is_done_again(app: App) -> None:
    assert create(app)["id"] != create(app)["id"]


def test_another_key_is_another_request(app: App) -> None:
    assert made(app, TOKENS, "k")["id"] != made(app, TOKENS, "K")["id"]


def test_key_of_another_user_is_another_key(app: App) -> None:
    first = made(app, TOKENS, "k")
    other = ask(app, TOKENS, "k", {}, by=token_of_another_user(app)[1])
    assert (other.status_code, other.json()["id"] == first["id"]) == (200, False)


def test_key_of_another_request_is_refused(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_id = made(app, TOKENS, "k", {"label": "ci"})["id"]
    for path, body in ((TOKENS, {"label": "CI"}), (TOKENS, {}), (f"{TOKENS}/{token_id}/rotate", {"label": "ci"})):
        answer = ask(app, path, "k", body)
        assert (answer.status_code, answer.json()["errors"]) == (400, [ANOTHER])
    assert results(app) == 2


def test_refused_request_leaves_its_key_free(app: App) -> None:
    assert ask(app, TOKENS, "k", {"label": ""}).status_code == 400
    made(app, TOKENS, "k", {"label": "ci"})


def test_key_stands_for_its_request_for_a_day(app: App) -> None:
    first = made(app, TOKENS, "k")
    app.clock.seconds += 24 * 60 * 60 - 1
    again = made(app, TOKENS, "k")
    app.clock.seconds += 1
    assert [token["id"] == first["id"] for token in (again, made(app, TOKENS, "k"))] == [True, False]


def test_secret_that_was_used_is_not_replaced(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    first = made(app, TOKENS, "k")
    note_use(app, first["id"])
    answer = ask(app, TOKENS, "k", {})
    assert (answer.status_code, answer.json()["errors"]) == (409, [ARRIVED])
    assert (opens(app, first["token"]), results(app)) == ([True], 2)


def test_secret_that_repeats_its_own_creation_has_arrived(app: App) -> None:
    first = made(app, TOKENS, "k")
    assert ask(app, TOKENS, "k", {}, by=first["token"]).json()["errors"] == [ARRIVED]
    assert opens(app, first["token"]) == [True]


def test_token_that_was_rotated_or_revoked_is_not_given_again(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    rotated, revoked = made(app, TOKENS, "a"), made(app, TOKENS, "b")
    app.client.post(f"{TOKENS}/{rotated['id']}/rotate", headers=app.bearer)
    app.client.delete(f"{TOKENS}/{revoked['id']}", headers=app.bearer)
    assert [ask(app, TOKENS, key, {}).status_code for key in "ab"] == [409, 409]
    assert opens(app, rotated["token"], revoked["token"]) == [True, False]


def test_narrower_token_does_not_get_at_a_wider_one_by_its_key(app: App) -> None:
    narrow = create(app, scopes="account:read_write")["token"]
    wide = made(app, TOKENS, "k")
    assert ask(app, TOKENS, "k", {}, by=narrow).status_code == 400
    assert opens(app, wide["token"]) == [True]


def test_repeated_rotation_rotates_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    path = f"{TOKENS}/{created['id']}/rotate"
    first, second = (made(app, path, "k", {"grace": 60}) for _ in range(2))
    assert opens(app, created["token"], first["token"], second["token"]) == [True, False, True]
    write_uses_down(app, [second["token"]])
    app.clock.seconds += 60
    assert opens(app, created["token"], second["token"]) == [False, True]
    assert ask(app, path, "k", {"grace": 60}).json()["errors"] == [ARRIVED]
    assert opens(app, second["token"]) == [True]


@pytest.mark.parametrize("by_itself", [False, True])
def test_repetition_neither_shortens_nor_extends_a_grace_that_runs(app_on_each_engine: App, *, by_itself: bool) -> None:
    app = app_on_each_engine
    created = create(app)
    path, body = f"{TOKENS}/{created['id']}/rotate", {"grace": 60, "activate": "now"}
    by = created["token"] if by_itself else app.token
    for _ in range(3):
        answer = ask(app, path, "k", body, by=by)
        assert answer.status_code == 200
        app.clock.seconds += 19
    app.clock.seconds += 2
    assert opens(app, created["token"]) == [True]
    app.clock.seconds += 1
    assert opens(app, created["token"], answer.json()["token"]) == [False, True]


def test_repetition_after_a_later_rotation_is_refused(app: App) -> None:
    created = create(app)
    path = f"{TOKENS}/{created['id']}/rotate"
    made(app, path, "a")
    later = made(app, path, "b")
    assert ask(app, path, "a", {}).json()["errors"] == [ARRIVED]
    assert opens(app, created["token"], later["token"]) == [True, True]


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 256, "a\tb"])
def test_key_that_is_none_is_refused(app: App, key: str) -> None:
    fault = {"reason": "Must be 1-255 visible ASCII characters", "field": "Idempotency-Key"}
    for path in (TOKENS, f"{TOKENS}/1/rotate"):
        headers = [
            (b"authorization", app.bearer["Authorization"].encode()),
            (b"idempotency-key", key.encode("latin-1")),
        ]
        answer = app.client.post(path, headers=headers, json={})
        assert (answer.status_code, answer.json()["errors"]) == (400, [fault])
    assert results(app) == 1


def test_key_that_holds_a_token_is_refused(app: App) -> None:
    answer = ask(app, TOKENS, f"for-{app.token}", {})
    assert answer.json()["errors"] == [{"reason": "Must not hold a token", "field": "Idempotency-Key"}]


def test_longest_key_is_taken(app: App) -> None:
    assert made(app, TOKENS, "k" * 255)["id"] == made(app, TOKENS, "k" * 255)["id"]


def test_two_keys_are_refused(app: App) -> None:
    headers = [*app.bearer.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = app.client.post(TOKENS, headers=headers, json={})
    assert answer.json()["errors"] == [{"reason": "Must be sent only once", "field": "Idempotency-Key"}]


def at_once(app: App, path: str, body: object) -> list[httpx2.Response]:
    """The answers to six requests with one key that come together."""
    together = threading.Barrier(6)
    answers: list[httpx2.Response] = []

    def repeat() -> None:
        together.wait(timeout=10)
        answers.append(ask(app, path, "k", body))

    threads = [threading.Thread(target=repeat) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_rotations_with_one_key_at_once_rotate_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    answers = at_once(app, f"{TOKENS}/{created['id']}/rotate", {"grace": 60, "activate": "now"})
    assert [answer.status_code for answer in answers] == [200] * 6
    assert sum(opens(app, *(answer.json()["token"] for answer in answers))) == 1
    assert opens(app, created["token"]) == [True]


def test_requests_with_one_key_at_once_make_one_token(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    answers = at_once(app, TOKENS, {})
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(opens(app, *(answer.json()["token"] for answer in answers))) == 1
    assert results(app) == 2
