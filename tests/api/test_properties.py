"""Whatever a client sends: an answer of a documented shape, and no write without a 2xx."""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import App, Clock, make_app
from tokenry.storage.catalogue import default_catalogue

TOKENS = "/v4/profile/tokens"
FIELDS = ["id", "scopes", "created", "label", "token", "expiry"]
TABLES = ("accounts", "users", "tokens", "credentials", "audit_events", "installation")
CATALOGUE = [f"{resource.name}:{level.word}" for resource in default_catalogue().resources for level in resource.levels]
NARROW = "account:read_write domains:read_only linodes:read_write"
NARROW_COVERS = {*NARROW.split(), "account:read_only", "linodes:read_only"}

bounded = settings(deadline=None, max_examples=100, derandomize=os.environ.get("CI") == "true")

any_text = st.text(st.characters(), max_size=120)  # with unpaired surrogates, which st.text() alone leaves out
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
labels = st.text(max_size=110) | st.sampled_from(
    ["", "a", "é" * 100, "\U0001d54f" * 101, "a\0b", "a\nb", "\ud800", " "]
)
scopes = st.one_of(
    st.lists(st.sampled_from([*CATALOGUE, "*"]), max_size=6).flatmap(
        lambda names: st.sampled_from([" ", ",", ", ", "  "]).map(lambda separator: separator.join(names))
    ),
    st.from_regex(r"[a-z_:* ,]{0,40}", fullmatch=True),
    st.sampled_from(["vpc:read_only", "linodes", "linodes:", ":read_only", "*:read_only", " , ", "linodes:READ_ONLY"]),
)
expiries = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(3001, 1, 1)).map(lambda moment: moment.isoformat()),  # noqa: DTZ001
    st.from_regex(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,12})?(Z|[+-][0-9]{2}:?[0-9]{2})?",
        fullmatch=True,
    ),
    st.sampled_from(
        [
            None,
            "2025-06-15T15:06:40",
            "2999-12-12T05:00:00",
            "2999-12-12T05:00:01",
            "2999-12-12T05:00:00-00:01",
            "9999-12-31T23:59:59-23:59",
            "0001-01-01T00:00:00+23:59",
            "2030-02-30T00:00:00",
        ]
    ),
)
near_bodies = st.fixed_dictionaries(
    {},
    optional={
        "label": labels | any_json,
        "scopes": scopes | any_json,
        "expiry": expiries | any_json,
        "id": any_json,
        "token": any_json,
        "\0": any_json,
    },
)
json_bodies = (near_bodies | near_bodies | any_json).map(lambda body: json.dumps(body).encode("ascii"))
raw_bodies = st.one_of(
    st.binary(max_size=200),
    json_bodies.flatmap(lambda body: st.integers(0, len(body)).map(lambda end: body[:end])),  # cut short
    st.sampled_from(
        [b"", b"[" * 65536, b'{"label": "' + b"x" * 65536 + b'"}', b"\xef\xbb\xbf{}", b'"\xff"', b"1" * 5000]
    ),
)
# What an HTTP/1.1 parser lets through as the value of a header.
header_values = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]) | st.just("\t"), max_size=200).map(
    lambda text: text.encode("latin-1")
)
content_types = header_values | st.sampled_from(
    [
        b"application/json",
        b"APPLICATION/JSON ; charset=utf-8",
        b"application/jsonx",
        b"text/plain",
        b";",
    ]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application for every example, since no example depends on another; its token is number 1, of scope `*`."""
    app = make_app(tmp_path_factory.mktemp("properties") / "data", Clock())
    with app.client:
        yield app


@pytest.fixture(scope="module", autouse=True)
def narrow(whole: App) -> dict[str, str]:
    """The header of token number 2, which may do little."""
    created = whole.client.post(TOKENS, headers=whole.bearer, json={"label": "narrow", "scopes": NARROW}).json()
    return {"Authorization": f"Bearer {created['token']}"}


def rows(app: App) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, read past the application."""
    with closing(sqlite3.connect(app.settings.data_dir / "tokenry.db")) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


def assert_envelope(answer: httpx2.Response) -> None:
    """A refusal: JSON as json.dumps writes it, one or more reasons, each with a field or without the key."""
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.content.decode("ascii"))
    assert answer.text == json.dumps(body)
    assert list(body) == ["errors"]
    assert body["errors"]
    for error in body["errors"]:
        assert list(error) in (["reason"], ["reason", "field"])
        assert all(isinstance(value, str) for value in error.values())
        assert error["reason"]


def assert_token(body: Any, *, whole_text: bool) -> None:
    assert list(body) == FIELDS
    assert isinstance(body["id"], int)
    assert 1 <= len(body["label"]) <= 100
    assert re.fullmatch(r"pat_[0-9A-Za-z]{50}" if whole_text else r"pat_[0-9A-Za-z]{12}", body["token"])
    assert body["scopes"] == "*" or set(body["scopes"].split(" ")) <= set(CATALOGUE)
    for field in ("created", "expiry"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", body[field])


def send(app: App, method: str, path: str, statuses: set[int], **request: Any) -> httpx2.Response:
    """Send a request; its answer has one of these statuses and, without a 2xx, has changed nothing."""
    before = rows(app)
    answer = app.client.request(method, path, **request)
    assert answer.status_code in statuses, answer.text
    if answer.status_code != 200:
        assert rows(app) == before
        if method != "HEAD":
            assert_envelope(answer)
    return answer


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


numbers = (
    st.integers(-2, 600).map(str) | any_text | st.sampled_from(["", "1" * 20, "1" * 21, "01", "\uff11", "1.0", "NaN"])
)
queries = st.one_of(
    st.text(max_size=60).map(lambda text: quote(text, safe="=&+;%")),
    st.lists(st.tuples(st.sampled_from(["page", "page_size", "x"]), numbers), max_size=4).map(
        lambda pairs: "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in pairs)
    ),
)


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
    assume(path not in {"/verify", "/healthz", "/readyz"})
    send(whole, method, path, {404}, headers=whole.bearer)
