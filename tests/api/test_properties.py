"""Whatever a client sends: an answer of a documented shape, and no write without a 2xx."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.api.conftest import NARROW
from tests.api.generating import (
    CATALOGUE,
    TABLES,
    any_json,
    bounded,
    content_types,
    expiries,
    header_values,
    json_bodies,
    labels,
    queries,
    raw_bodies,
    rows,
    scopes,
    send,
)
from tests.api.parts import KEYS, TOKENS
from tests.conftest import App

NARROW_COVERS = {*NARROW.split(), "account:read_only", "linodes:read_only"}

pytestmark = pytest.mark.usefixtures("narrow")


def assert_token(body: Any, *, whole_text: bool) -> None:
    assert list(body) == KEYS
    assert isinstance(body["id"], int)
    assert 1 <= len(body["label"]) <= 100
    assert re.fullmatch(r"pat_[0-9A-Za-z]{50}" if whole_text else r"pat_[0-9A-Za-z]{12}", body["token"])
    assert body["scopes"] == "*" or set(body["scopes"].split(" ")) <= set(CATALOGUE)
    for field in ("created", "expiry"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", body[field])


def create(app: App, statuses: set[int], **request: Any) -> httpx2.Response:
    """Try to create; a 200 means exactly one token, one credential and one event more, and a token that works."""
    before = rows(app)
    answer = send(app, "POST", TOKENS, statuses, **request)
    if answer.status_code == 200:
        body = answer.json()
        assert_token(body, whole_text=True)
        after = rows(app)
        for table in TABLES:
            grown = table in {"tokens", "credentials", "audit_events"}
            assert len(after[table]) == len(before[table]) + grown
            assert set(before[table]) <= set(after[table])
        verified = app.client.get("/verify", headers={"Authorization": f"Bearer {body['token']}"})
        assert verified.headers["x-auth-token-id"] == str(body["id"])
    return answer


@bounded
@given(body=json_bodies)
def test_any_json_creates_one_token_or_nothing(whole: App, body: bytes) -> None:
    headers = {**whole.bearer, "Content-Type": "application/json"}
    create(whole, {200, 400}, headers=headers, content=body)


@bounded
@given(label=labels, scopes=scopes, expiry=expiries)
def test_what_is_created_is_what_was_asked_for(whole: App, label: str, scopes: str, expiry: str | None) -> None:
    body = json.dumps({"label": label, "scopes": scopes, "expiry": expiry})
    answer = create(whole, {200, 400}, headers=whole.bearer, content=body.encode("ascii"))
    if answer.status_code == 200:
        created = answer.json()
        assert created["label"] == label
        asked = {name for name in re.split("[ ,]+", scopes) if name}
        assert set(created["scopes"].split(" ")) <= asked
        expected = datetime.fromisoformat(expiry or "2999-12-12T05:00:00")
        expected = expected.astimezone(UTC) if expected.tzinfo else expected
        assert created["expiry"] == expected.strftime("%Y-%m-%dT%H:%M:%S")


@bounded
@given(names=st.lists(st.sampled_from(CATALOGUE), min_size=1, max_size=4))
def test_created_token_is_never_wider_than_its_maker(whole: App, narrow: dict[str, str], names: list[str]) -> None:
    answer = create(whole, {200, 400}, headers=narrow, json={"scopes": " ".join(names)})
    assert (answer.status_code == 200) == (set(names) <= NARROW_COVERS)


@bounded
@given(body=raw_bodies, content_type=content_types)
def test_any_bytes_create_one_token_or_nothing(whole: App, body: bytes, content_type: bytes) -> None:
    headers = [*whole.bearer.items(), (b"Content-Type", content_type)]
    create(whole, {200, 400, 413, 415}, headers=headers, content=body)


@bounded
@given(body=raw_bodies | json_bodies, token_id=st.sampled_from([1, 1, 999_999]))
def test_any_body_renames_or_changes_nothing(whole: App, body: bytes, token_id: int) -> None:
    headers = {**whole.bearer, "Content-Type": "application/json"}
    before = rows(whole)
    answer = send(whole, "PUT", f"{TOKENS}/{token_id}", {200, 400, 404, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        assert_token(answer.json(), whole_text=False)
        after = rows(whole)
        assert after["credentials"] == before["credentials"]
        renamed = before["tokens"] != after["tokens"]
        assert len(after["tokens"]) == len(before["tokens"])
        assert renamed <= (len(after["audit_events"]) - len(before["audit_events"])) <= 1


@bounded
@given(
    value=header_values | header_values.map(lambda text: b"Bearer " + text) | st.just(b"Bearer "),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    path=st.sampled_from([TOKENS, "/verify", f"{TOKENS}/1"]),
)
def test_no_made_up_authorization_is_let_in(whole: App, value: bytes, method: str, path: str) -> None:
    statuses = {405} if (method, path) == ("POST", f"{TOKENS}/1") else {401}
    send(whole, method, path, statuses, headers=[(b"Authorization", value)])


@bounded
@given(data=st.data())
def test_no_altered_token_is_let_in(whole: App, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(whole.token) - 1))
    character = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    altered = whole.token[:place] + character + whole.token[place + 1 :]
    assume(altered != whole.token)
    send(whole, "GET", "/verify", {401}, headers={"Authorization": f"Bearer {altered}"})


@bounded
@given(value=header_values | any_json.map(lambda data: json.dumps(data).encode("ascii")))
def test_any_filter_is_applied_or_refused(whole: App, value: bytes) -> None:
    answer = send(whole, "GET", TOKENS, {200, 400}, headers=[*whole.bearer.items(), (b"X-Filter", value)])
    if answer.status_code == 400:
        assert {error["field"] for error in answer.json()["errors"]} == {"X-Filter"}
    else:
        assert list(answer.json()) == ["data", "page", "pages", "results"]


ids = st.one_of(
    st.text(min_size=1, max_size=30),
    st.integers(-5, 60).map(str),
    st.sampled_from(["0", "01", "+1", "-1", "1.0", "1e0", "0x1", "\uff11", " 1", "1 ", "1\n", "1\0"]),
    st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, 10**19, 10**40]).map(str),
)


@bounded
@given(token_id=ids, method=st.sampled_from(["GET", "HEAD", "PUT"]))
def test_any_id_is_found_or_not_found(whole: App, token_id: str, method: str) -> None:
    path = f"{TOKENS}/{quote(token_id, safe='')}"
    answer = send(whole, method, path, {200, 404}, headers=whole.bearer)
    if answer.status_code == 200 and method == "GET":
        assert_token(answer.json(), whole_text=False)
        assert answer.json()["id"] == int(token_id)


@bounded
@given(token_id=ids)
def test_any_id_revokes_one_token_or_nothing(whole: App, narrow: dict[str, str], token_id: str) -> None:
    assume(not re.fullmatch("0*[12]", token_id))  # the tokens that this module acts with
    create(whole, {200}, headers=whole.bearer, json={})
    before = rows(whole)
    answer = send(whole, "DELETE", f"{TOKENS}/{quote(token_id, safe='')}", {200, 404}, headers=whole.bearer)
    after = rows(whole)
    revoked = int(answer.status_code == 200)
    assert len(before["credentials"]) - len(after["credentials"]) == revoked
    assert len(after["audit_events"]) - len(before["audit_events"]) == revoked
    assert len(after["tokens"]) == len(before["tokens"])


@bounded
@given(query=queries)
def test_any_query_is_a_page_or_refused(whole: App, query: str) -> None:
    answer = send(whole, "GET", f"{TOKENS}?{query}", {200, 400}, headers=whole.bearer)
    if answer.status_code == 400:
        assert {error["field"] for error in answer.json()["errors"]} <= {"page", "page_size"}
        return
    page = answer.json()
    assert page["page"] >= 1
    assert page["pages"] == max(1, page["pages"])
    assert len(page["data"]) <= min(page["results"], 500)
    for token in page["data"]:
        assert_token(token, whole_text=False)


@bounded
@given(text=scopes | st.text(max_size=60), others=st.lists(scopes, max_size=2))
def test_any_question_about_scopes_is_answered(whole: App, text: str, others: list[str]) -> None:
    values = [text, *others]
    query = "&".join(f"scope={quote(scope, safe='')}" for scope in values)
    answer = send(whole, "GET", f"/verify?{query}", {200, 400}, headers=whole.bearer)
    asked = [{name for name in re.split("[ ,]+", value) if name} for value in values]
    assert (answer.status_code == 200) == all(names and names <= {*CATALOGUE, "*"} for names in asked)


@bounded
@given(names=st.lists(st.sampled_from([*CATALOGUE, "*"]), min_size=1, max_size=4))
def test_scopes_are_covered_or_refused(whole: App, narrow: dict[str, str], names: list[str]) -> None:
    answer = send(whole, "GET", f"/verify?scope={'+'.join(names)}", {200, 403}, headers=narrow)
    assert (answer.status_code == 200) == (set(names) <= NARROW_COVERS)


@bounded
@given(query=st.text(min_size=1, max_size=60).map(lambda text: quote(text, safe="=&+;%")))
def test_any_query_of_verify_is_answered(whole: App, query: str) -> None:
    send(whole, "GET", f"/verify?{query}", {200, 400}, headers=whole.bearer)


@bounded
@given(path=st.text(max_size=60), method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]))
def test_any_other_path_is_not_found(whole: App, path: str, method: str) -> None:
    path = "/" + quote(path)
    assume(path not in {"/", "/verify", "/healthz", "/readyz"})
    send(whole, method, path, {404}, headers=whole.bearer)
