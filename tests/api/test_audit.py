"""The audit over HTTP: each account is told of itself, and each user of its own."""

import csv
import io
import json
from typing import Any

from tests.api.managing import at, backend_of
from tests.api.parts import bearer_of, create, faults, installation_of, new_bearer, token_of_another_account
from tests.conftest import App
from tests.making import OPERATOR
from tokenry.domain.scopes import AUDIT_READS

AUDIT, OWN = "/v4/tokenry/audit", "/v4/tokenry/profile/audit"


def events(app: App, bearer: dict[str, str], path: str = AUDIT, **filter: object) -> list[dict[str, Any]]:
    answer = app.client.get(path, headers={**bearer, "X-Filter": json.dumps(filter)})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def test_event_says_who_did_what_to_what_with_what_and_from_where(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    made = create(app, label="ci")
    newest = events(app, app.bearer)[0]
    assert newest == {
        "id": newest["id"],
        "at": made["created"],
        "actor": "admin",
        "token_id": 1,
        "address": "testclient",
        "action": "token.create",
        "subject": f"token:{made['id']}",
        "details": {"label": "ci", "scopes": "*", "expiry": newest["details"]["expiry"]},
    }


def test_service_account_sees_its_account_and_no_other(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    foreign, _ = token_of_another_account(app)
    made = create(app)["id"]
    backend = backend_of(app, scopes=AUDIT_READS)
    subjects = {event["subject"] for event in events(app, backend)}
    assert f"token:{made}" in subjects
    assert f"token:{foreign}" not in subjects
    assert events(app, backend, subject=f"token:{foreign}") == []


def test_export_has_what_the_list_has_and_is_narrowed_like_it(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    ada, create_action = bearer_of(app, "ada"), {"X-Filter": '{"action": "token.create"}'}
    create(app, label="=1+1")
    for path, bearer in ((AUDIT, app.bearer), (OWN, ada)):
        lines = app.client.get(f"{path}/export?format=jsonl", headers=bearer).text.splitlines()
        assert [json.loads(line) for line in lines] == events(app, bearer, path)
    answer = app.client.get(f"{AUDIT}/export", headers={**app.bearer, **create_action})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (answer.headers["content-type"], {row["action"] for row in rows}) == (
        "text/csv; charset=utf-8",
        {"token.create"},
    )
    assert json.loads(rows[0]["details"])["label"] == "=1+1"
    wrong = app.client.get(f"{AUDIT}/export?format=xml", headers={**app.bearer, "X-Filter": '{"+limit": 1}'})
    assert [field for _, field in faults(wrong)] == ["format", "X-Filter"]


def test_what_the_operator_does_is_told_where_it_was_done(app: App) -> None:
    ada = bearer_of(app, "ada")
    do = installation_of(app)
    do.users.disable_user(OPERATOR, "ada")
    do.users.enable_user(OPERATOR, "ada")
    do.database.close()
    assert [event["actor"] for event in events(app, ada, OWN, action="user.disable")] == ["operator"]
    assert [event["actor"] for event in events(app, app.bearer, action="user.disable")] == ["operator"]


def test_user_sees_what_was_done_to_it_and_its_tokens_by_whomever(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    ada, others = bearer_of(app, "ada"), create(app)["id"]
    own = app.client.post("/v4/profile/tokens", headers=ada, json={"label": "own"}).json()["id"]
    app.client.post("/v4/account/tokens/revoke", headers=app.bearer, json={"ids": [own, others]})
    seen = events(app, ada, OWN)
    assert [(event["action"], event["actor"]) for event in seen if event["subject"] == f"token:{own}"] == [
        ("token.revoke", "admin"),
        ("token.create", "ada"),
    ]
    assert f"token:{others}" not in {event["subject"] for event in seen}


def test_events_of_a_products_user_say_for_whom_its_backend_acted(app: App) -> None:
    backend = backend_of(app, scopes=f"tokenry_users:read_write tokenry_tokens:read_write {AUDIT_READS}")
    app.client.put(at("auth0|64f2"), headers=backend, json={"username": "eve"})
    app.client.post(f"{at('auth0|64f2')}/tokens", headers=backend, json={"label": "l"})
    assert events(app, backend)[0]["details"]["on_behalf_of"] == "eve"


def test_administrators_token_needs_the_scope_or_everything(app: App) -> None:
    narrow = new_bearer(app, scopes="account:read_write")
    assert app.client.get(AUDIT, headers=narrow).status_code == 401
    assert app.client.get(AUDIT, headers=new_bearer(app, scopes=AUDIT_READS)).status_code == 200


def test_restricted_user_sees_no_account(app: App) -> None:
    assert app.client.get(AUDIT, headers=bearer_of(app, "ada")).status_code in {401, 403}


def test_events_are_filtered_paged_and_ordered(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    for number in range(30):
        create(app, label=f"label {number}")
    first, second = (app.client.get(f"{AUDIT}?page_size=25&page={page}", headers=app.bearer).json() for page in (1, 2))
    ids = [event["id"] for page in (first, second) for event in page["data"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == first["results"]
    assert [event["id"] for event in events(app, app.bearer, **{"+order_by": "id"})] == ids[::-1]
    limited: dict[str, Any] = {"+and": [{"id": {"+lt": ids[3]}}, {"+limit": 2}]}
    assert [event["id"] for event in events(app, app.bearer, **limited)] == ids[4:6]
    assert {event["action"] for event in events(app, app.bearer, action="token.create")} == {"token.create"}
    assert events(app, app.bearer, at={"+gt": "2990-01-01T00:00:00"}) == []
    answer = app.client.get(AUDIT, headers={**app.bearer, "X-Filter": '{"details": "x"}'})
    assert faults(answer) == [("Cannot filter on details", "X-Filter")]


def test_event_that_there_is_not_is_a_fault_and_the_nearest_is_named(app: App) -> None:
    wanted = {"+or": [{"action": "token.creat"}, {"action": {"+neq": "xyz"}}, {"action": {"+contains": "any"}}]}
    reasons = ("There is no event token.creat: did you mean token.create?", "There is no event xyz")
    for path in (AUDIT, OWN, f"{AUDIT}/export", f"{OWN}/export"):
        answer = app.client.get(path, headers={**app.bearer, "X-Filter": json.dumps(wanted)})
        assert faults(answer) == [(reason, "X-Filter") for reason in reasons], path
