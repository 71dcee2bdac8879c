"""Rotation, against the whole application."""

import pytest

from tests.api.parts import TOKENS, create, opens, rotate, token_of_another_user, write_uses_down
from tests.conftest import START, App
from tests.issuing import bearer

DAY = 24 * 60 * 60


def refused(app: App, token_id: int, by: str, body: object = None) -> tuple[int, list[dict[str, str]]]:
    answer = app.client.post(f"{TOKENS}/{token_id}/rotate", headers=bearer(by), json=body or {})
    return answer.status_code, answer.json()["errors"]


def test_rotated_token_is_the_same_token_with_another_secret(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app, label="ci", scopes="linodes:read_only", expiry="2025-07-01T00:00:00")
    app.clock.seconds += 60
    rotated = rotate(app, created["id"])
    assert rotated == {**created, "token": rotated["token"]}
    assert len(rotated["token"]) == 54
    assert rotated["token"][4:16] != created["token"][4:16]
    shown = {**created, "token": rotated["token"][:16]}
    assert app.client.get(f"{TOKENS}/{created['id']}", headers=app.bearer).json() == shown
    assert app.client.get(TOKENS, headers=app.bearer).json()["data"][1] == shown


def test_gateways_are_told_the_same_token(app: App) -> None:
    created = create(app)
    rotated = rotate(app, created["id"])
    answers = [app.client.get("/verify", headers=bearer(text)) for text in (created["token"], rotated["token"])]
    assert [answer.headers["x-auth-token-id"] for answer in answers] == [str(created["id"])] * 2


def test_old_secret_stays_until_a_grace_after_the_new_one_is_used(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    rotated = rotate(app, created["id"], grace=60)
    app.clock.seconds += 30 * DAY
    assert opens(app, created["token"], rotated["token"]) == [True, True]
    write_uses_down(app, [rotated["token"]])
    app.clock.seconds += 59
    assert opens(app, created["token"], rotated["token"]) == [True, True]
    app.clock.seconds += 1
    assert opens(app, created["token"], rotated["token"]) == [False, True]


def test_lost_answer_costs_nothing(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    lost = rotate(app, created["id"], by=created["token"])
    again = rotate(app, created["id"], by=created["token"])
    assert opens(app, created["token"], lost["token"], again["token"]) == [True, False, True]


def test_grace_that_begins_now_ends_whoever_uses_what(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    rotated = rotate(app, created["id"], grace=60, activate="now")
    app.clock.seconds += 59
    assert opens(app, created["token"], rotated["token"]) == [True, True]
    app.clock.seconds += 1
    assert opens(app, created["token"], rotated["token"]) == [False, True]


def test_without_any_grace_the_next_request_is_refused(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    rotated = rotate(app, created["id"], grace=0, activate="now", by=created["token"])
    assert opens(app, created["token"], rotated["token"]) == [False, True]


def test_token_that_leaked_is_rid_of_every_earlier_secret_at_once(app: App) -> None:
    created = create(app)
    first = rotate(app, created["id"])
    write_uses_down(app, [first["token"]])
    second = rotate(app, created["id"])
    third = rotate(app, created["id"], grace=0, activate="now")
    texts = [answer["token"] for answer in (created, first, second, third)]
    assert opens(app, *texts) == [False, False, False, True]


def test_grace_never_outlasts_the_token(app: App) -> None:
    created = create(app, expiry="2025-06-15T15:07:00")
    rotated = rotate(app, created["id"], activate="now")
    app.clock.seconds += 20
    assert opens(app, created["token"], rotated["token"]) == [False, False]


def test_third_secret_takes_the_place_of_the_oldest(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    second = rotate(app, created["id"])
    write_uses_down(app, [second["token"]])
    third = rotate(app, created["id"])
    assert opens(app, created["token"], second["token"], third["token"]) == [False, True, True]


def test_new_secret_that_rotates_is_in_use_though_nobody_wrote_that_down(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    second = rotate(app, created["id"])
    third = rotate(app, created["id"], by=second["token"])
    assert opens(app, created["token"], second["token"], third["token"]) == [False, True, True]


def test_nobody_rotates_away_the_secret_he_holds_when_its_successor_is_in_use(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    second = rotate(app, created["id"])
    write_uses_down(app, [second["token"]])
    reason = "A newer secret of this token is in use: rotate with that one"
    assert refused(app, created["id"], created["token"]) == (409, [{"reason": reason}])
    assert opens(app, created["token"], second["token"]) == [True, True]


def test_revoked_token_loses_both_secrets_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    created = create(app)
    rotated = rotate(app, created["id"])
    assert app.client.delete(f"{TOKENS}/{created['id']}", headers=app.bearer).status_code == 200
    assert opens(app, created["token"], rotated["token"]) == [False, False]


def test_token_that_may_do_more_is_not_rotated(app: App) -> None:
    narrow = create(app, scopes="account:read_write linodes:read_only")["token"]
    wide = create(app, scopes="account:read_write linodes:read_write")
    status, errors = refused(app, wide["id"], narrow)
    assert (status, [list(error) for error in errors]) == (400, [["reason"]])
    assert errors[0]["reason"].endswith("(maximum scopes: account:read_write linodes:read_only)")
    assert app.client.get(f"{TOKENS}/{wide['id']}", headers=app.bearer).json()["token"] == wide["token"][:16]


def test_token_that_is_not_there_is_not_rotated(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    foreign, _ = token_of_another_user(app)
    expired, revoked = create(app, expiry="2025-06-15T15:07:00")["id"], create(app)["id"]
    app.client.delete(f"{TOKENS}/{revoked}", headers=app.bearer)
    app.clock.seconds += 20
    for token_id in (foreign, expired, revoked, 999):
        assert refused(app, token_id, app.token) == (404, [{"reason": "Not found"}])
    assert app.client.post(f"{TOKENS}/abc/rotate", headers=app.bearer).status_code == 404


def test_reading_scope_does_not_rotate(app: App) -> None:
    reader = create(app, scopes="account:read_only")
    assert refused(app, reader["id"], reader["token"])[0] == 401


def test_every_fault_is_named_at_once(app: App) -> None:
    assert refused(app, 1, app.token, {"grace": -1, "activate": "later"}) == (
        400,
        [
            {"reason": "Must be 0-604800", "field": "grace"},
            {"reason": "Must be one of first_use, now", "field": "activate"},
        ],
    )


@pytest.mark.parametrize("grace", [604801, 1.5, "60", True, None, [60]])
def test_grace_is_whole_seconds_up_to_a_week(app: App, grace: object) -> None:
    assert refused(app, 1, app.token, {"grace": grace}) == (400, [{"reason": "Must be 0-604800", "field": "grace"}])


@pytest.mark.parametrize("activate", [None, 1, "", "NOW", ["now"]])
def test_grace_begins_now_or_with_the_first_use(app: App, activate: object) -> None:
    assert refused(app, 1, app.token, {"activate": activate})[0] == 400


def test_whole_number_may_be_written_with_a_fraction(app: App) -> None:
    created = create(app)
    rotate(app, created["id"], grace=60.0)


def test_grace_may_be_a_week(app: App) -> None:
    created = create(app)
    rotate(app, created["id"], grace=604800, activate="now")
    app.clock.seconds = START + 604799
    assert opens(app, created["token"]) == [True]
