"""Whatever a client sends for a profile: a profile of the described shape, and no write without a 2xx."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.generating import any_json, any_text, bounded, content_types, emails, queries, raw_bodies, rows, send
from tests.conftest import App

pytestmark = pytest.mark.usefixtures("narrow")

PROFILE = "/v4/profile"
SETTINGS = ("email", "timezone", "email_notifications", "ip_whitelist_enabled", "lish_auth_method", "authorized_keys")

timezones = st.from_regex(r"[A-Za-z0-9_+-]{1,8}(/[A-Za-z0-9_+-]{0,8}){0,3}", fullmatch=True) | st.just("x" * 65)
keys = st.from_regex(r"[a-z0-9@.-]{0,8} [A-Za-z0-9+/]{14,20}={0,3}( .{0,8})?", fullmatch=True)
near_bodies = st.fixed_dictionaries(
    {},
    optional={
        "email": emails | any_text | any_json,
        "timezone": timezones | any_text | any_json,
        "email_notifications": st.booleans() | any_json,
        "ip_whitelist_enabled": st.booleans() | any_json,
        "lish_auth_method": st.sampled_from(["password_keys", "keys_only", "disabled", "Disabled", ""]) | any_json,
        "authorized_keys": st.lists(keys | any_text, max_size=3) | any_json,
        "two_factor_auth": st.booleans() | any_json,
        "restricted": any_json,
        "uid": any_json,
    },
)
json_bodies = (near_bodies | near_bodies | any_json).map(lambda body: json.dumps(body).encode("ascii"))


@bounded
@given(body=json_bodies | raw_bodies)
def test_any_body_changes_what_it_names_or_nothing(whole: App, body: bytes) -> None:
    """That the answer has the described shape is checked with every answer."""
    before, profile = rows(whole), whole.client.get(PROFILE, headers=whole.bearer).json()
    headers = {**whole.bearer, "Content-Type": "application/json"}
    answer = send(whole, "PUT", PROFILE, {200, 400, 413}, headers=headers, content=body)
    if answer.status_code == 200:
        asked, after = json.loads(body or b"{}"), rows(whole)
        changed = {**profile, **{name: asked[name] for name in SETTINGS if name in asked}}
        assert answer.json() == {**changed, "authorized_keys": changed["authorized_keys"] or None}
        assert len(after["audit_events"]) - len(before["audit_events"]) == (answer.json() != profile)
        assert {table for table in after if after[table] != before[table]} <= {"users", "audit_events"}


@bounded
@given(body=raw_bodies, content_type=content_types)
def test_any_bytes_are_answered(whole: App, body: bytes, content_type: bytes) -> None:
    headers = [*whole.bearer.items(), (b"Content-Type", content_type)]
    send(whole, "PUT", PROFILE, {200, 400, 413, 415}, headers=headers, content=body)


@bounded
@given(query=queries, path=st.sampled_from(["/profile/logins", "/profile/devices", "/profile/apps", "/regions"]))
def test_any_query_of_an_empty_list_is_a_page_or_refused(whole: App, query: str, path: str) -> None:
    answer = send(whole, "GET", f"/v4{path}?{query}", {200, 400}, headers=whole.bearer)
    if answer.status_code == 400:
        assert {error["field"] for error in answer.json()["errors"]} <= {"page", "page_size"}
    else:
        assert answer.json()["data"] == []
