"""Whatever a client sends for users and child accounts: an answer of the described shape, no write without a 2xx."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.api.generating import any_json, any_text, bounded, emails, header_values, queries, raw_bodies, rows, send
from tests.conftest import App
from tokenry.domain.accounts import Origin
from tokenry.wiring import open_installation

pytestmark = pytest.mark.usefixtures("narrow")

USERS = "/v4/account/users"
CHILDREN = "/v4/account/child-accounts"
NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

usernames = (
    st.from_regex(r"[A-Za-z0-9._-]{0,20}", fullmatch=True)
    | st.integers(0, 10**9).map(lambda number: f"made-{number}")
    | st.sampled_from(["admin", "deleted:1:x", "a" * 64, "a" * 65, "x_0123456789abcdef", "a/b", "a\n", "é", ""])
)
near_bodies = st.fixed_dictionaries(
    {},
    optional={
        "username": usernames | usernames | any_json,
        "email": emails | emails | any_json,
        "restricted": st.booleans() | any_json,
        "ssh_keys": any_json,
        "tfa_enabled": any_json,
    },
)
json_bodies = (near_bodies | near_bodies | any_json).map(lambda body: json.dumps(body).encode("ascii"))
grants = st.fixed_dictionaries(
    {}, optional={"global": st.fixed_dictionaries({}, optional={"child_account_access": any_json}) | any_json}
)
paths = st.one_of(any_text, usernames, st.integers().map(str)).map(lambda text: quote(text.encode("utf-8", "replace")))


@pytest.fixture(scope="module", autouse=True)
def child(whole: App) -> Iterator[str]:
    """The euuid of a child account."""
    installation = open_installation(whole.settings, whole.clock)
    yield installation.accounts.create_account(Origin("test"), company="Kind", parent="tokenry").euuid
    installation.database.close()


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {table for table in after if after[table] != before[table]}


@bounded
@given(body=json_bodies | raw_bodies)
def test_any_body_makes_one_user_or_nothing(whole: App, body: bytes) -> None:
    before = rows(whole)
    headers = {**whole.bearer, "Content-Type": "application/json"}
    answer = send(whole, "POST", USERS, {200, 400, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        asked, made, after = json.loads(body), answer.json(), rows(whole)
        assert NAME.fullmatch(made["username"])
        assert (made["username"], made["email"]) == (asked["username"], asked["email"])
        assert made["restricted"] is asked.get("restricted", True)
        assert changed(before, after) == {"users", "audit_events"}
        assert len(after["users"]) - len(before["users"]) == 1
        assert len(after["audit_events"]) - len(before["audit_events"]) == 1
        assert whole.client.get(f"{USERS}/{made['username']}", headers=whole.bearer).json() == made


@bounded
@given(body=json_bodies | raw_bodies, username=st.sampled_from(["admin", "nobody"]))
def test_any_body_changes_one_user_or_nothing(whole: App, body: bytes, username: str) -> None:
    before = rows(whole)
    headers = {**whole.bearer, "Content-Type": "application/json"}
    answer = send(whole, "PUT", f"{USERS}/{username}", {200, 400, 404, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        after = answer.json()
        assert changed(before, rows(whole)) in (set(), {"users", "audit_events"})
        back = {"username": "admin", "restricted": False}
        kept = whole.client.put(f"{USERS}/{after['username']}", headers=whole.bearer, json=back)
        assert kept.status_code == 200


@bounded
@given(body=grants | any_json)
def test_any_grant_is_given_or_nothing(whole: App, body: object) -> None:
    whole.client.post(USERS, headers=whole.bearer, json={"username": "granted", "email": "a@b"})
    before = rows(whole)
    request = {"headers": whole.bearer, "content": json.dumps(body)}
    answer = send(whole, "PUT", f"{USERS}/granted/grants", {200, 400}, **request)
    if answer.status_code == 200:
        assert isinstance(body, dict)
        asked = body.get("global", {}).get("child_account_access")
        assert asked in (None, answer.json()["global"]["child_account_access"])
        assert changed(before, rows(whole)) in (set(), {"users", "audit_events"})


@bounded
@given(name=paths, method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]), end=st.sampled_from(["", "/grants"]))
def test_any_name_in_a_path_is_a_users_or_not_found(whole: App, name: str, method: str, end: str) -> None:
    assume(name and name != "admin" and not (method == "DELETE" and end))
    answer = send(whole, method, f"{USERS}/{name}{end}", {200, 404}, headers=whole.bearer)
    if answer.status_code == 200 and method == "GET" and not end:
        assert answer.json()["username"] == name


@bounded
@given(query=queries, value=header_values | any_json.map(lambda data: json.dumps(data).encode("ascii")))
@pytest.mark.parametrize("path", [USERS, CHILDREN])
def test_any_question_is_a_page_or_refused(whole: App, path: str, query: str, value: bytes) -> None:
    headers = [*whole.bearer.items(), (b"X-Filter", value)]
    answer = send(whole, "GET", f"{path}?{query}", {200, 400}, headers=headers)
    if answer.status_code == 400:
        assert {error["field"] for error in answer.json()["errors"]} <= {"page", "page_size", "X-Filter"}


@bounded
@given(euuid=paths, end=st.sampled_from(["", "/token"]))
def test_any_euuid_that_is_no_childs_is_not_found(whole: App, euuid: str, end: str) -> None:
    assume(euuid)
    send(whole, "POST" if end else "GET", f"{CHILDREN}/{euuid}{end}", {404}, headers=whole.bearer)


@bounded
@given(body=raw_bodies | any_json.map(lambda data: json.dumps(data).encode("ascii")), content_type=header_values)
def test_any_body_enters_a_child_account(whole: App, child: str, body: bytes, content_type: bytes) -> None:
    before = rows(whole)
    headers = [*whole.bearer.items(), (b"Content-Type", content_type)]
    answer = send(whole, "POST", f"{CHILDREN}/{child}/token", {200, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        after = rows(whole)
        assert (
            len(after["tokens"]) - len(before["tokens"]) == len(after["credentials"]) - len(before["credentials"]) == 1
        )
        bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
        assert whole.client.get("/v4/account", headers=bearer).json()["euuid"] == child
