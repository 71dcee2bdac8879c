"""What the wire format leaves open and this service decides, and the order in which a request is judged."""

from typing import Any

import pytest

from tests.api.parts import faults
from tests.conftest import App

TOKENS = "/v4/profile/tokens"
TOO_WIDE = (
    "You may not create a token with scopes greater than those of the token you are using for the request "
    "(maximum scopes: {})"
)
FORM = "Must be a date and time such as 2018-01-01T13:46:32"


def create(app: App, token: str | None = None, **body: Any) -> dict[str, Any]:
    bearer = {"Authorization": f"Bearer {token or app.token}"}
    answer = app.client.post(TOKENS, headers=bearer, json=body)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"label": ""}, [("Length must be 1-100 characters", "label")]),
        ({"label": None}, [("Length must be 1-100 characters", "label")]),
        ({"label": "x" * 101}, [("Length must be 1-100 characters", "label")]),
        ({"label": 5}, [("Must be a string", "label")]),
        ({"label": "a\0b"}, [("Must not contain NUL or unpaired surrogates", "label")]),
        ({"scopes": ""}, [("Must contain at least one scope", "scopes")]),
        ({"scopes": " , "}, [("Must contain at least one scope", "scopes")]),
        ({"scopes": None}, [("Must be a string", "scopes")]),
        ({"scopes": []}, [("Must be a string", "scopes")]),
        ({"scopes": "foo:read_only"}, [("Invalid scope: foo:read_only", "scopes")]),
        (
            {"scopes": "linodes:delete linodes"},
            [("Invalid scope: linodes:delete", "scopes"), ("Invalid scope: linodes", "scopes")],
        ),
        ({"scopes": "vpc:read_only"}, [("Invalid scope: vpc:read_only", "scopes")]),
        ({"expiry": "2025-06-15T15:06:40"}, [("Must be in the future", "expiry")]),
        ({"expiry": "2001-01-01T00:00:00"}, [("Must be in the future", "expiry")]),
        ({"expiry": "3000-01-01T00:00:00"}, [("Must be before 2999-12-12T05:00:00", "expiry")]),
        ({"expiry": "soon"}, [(FORM, "expiry")]),
        ({"expiry": ""}, [(FORM, "expiry")]),
        ({"expiry": 5}, [(FORM, "expiry")]),
        ({"expiry": "2030-02-30T00:00:00"}, [(FORM, "expiry")]),
        (
            {"expiry": "2001-01-01T00:00:00", "scopes": "a:b c:d", "label": ""},
            [
                ("Length must be 1-100 characters", "label"),
                ("Invalid scope: a:b", "scopes"),
                ("Invalid scope: c:d", "scopes"),
                ("Must be in the future", "expiry"),
            ],
        ),
    ],
)
def test_refused_creation_names_every_fault(app: App, body: dict[str, object], expected: list[tuple[str, str]]) -> None:
    answer = app.client.post(TOKENS, headers=app.bearer, json=body)
    assert answer.status_code == 400
    assert faults(answer) == expected


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"label": "x" * 100}, "label", "x" * 100),
        ({"label": " spaces "}, "label", " spaces "),
        ({"label": "Grüße 🎉"}, "label", "Grüße 🎉"),
        ({}, "label", "token-2"),
        ({}, "scopes", "*"),
        ({"scopes": "*"}, "scopes", "*"),
        ({"scopes": "linodes:read_only,domains:read_write"}, "scopes", "linodes:read_only domains:read_write"),
        ({"scopes": "linodes:read_only  linodes:read_write"}, "scopes", "linodes:read_write"),
        ({"expiry": None}, "expiry", "2999-12-12T05:00:00"),
        ({"expiry": "2999-12-12T05:00:00"}, "expiry", "2999-12-12T05:00:00"),
        ({"expiry": "2025-06-15T15:06:41"}, "expiry", "2025-06-15T15:06:41"),
        ({"expiry": "2222-08-19T00:00:00"}, "expiry", "2222-08-19T00:00:00"),
        ({"expiry": "2030-01-01T00:00:00Z"}, "expiry", "2030-01-01T00:00:00"),
        ({"expiry": "2030-01-01T02:00:00+02:00"}, "expiry", "2030-01-01T00:00:00"),
        ({"expiry": "2030-8-01T00:00:01"}, "expiry", "2030-08-01T00:00:01"),
        ({"state": "present", "api_token": None, "label": "ansible"}, "label", "ansible"),
    ],
)
def test_accepted_creation(app: App, body: dict[str, Any], field: str, value: str) -> None:
    assert create(app, **body)[field] == value


def test_scopes_left_out_or_star_are_those_of_the_acting_token(app: App) -> None:
    narrow = create(app, scopes="linodes:read_only account:read_write")["token"]
    assert create(app, narrow)["scopes"] == "linodes:read_only account:read_write"
    assert create(app, narrow, scopes="*")["scopes"] == "linodes:read_only account:read_write"


@pytest.mark.parametrize("asked", ["linodes:read_write", "account:read_write domains:read_only"])
def test_scopes_wider_than_the_acting_token_are_refused(app: App, asked: str) -> None:
    scopes = "linodes:read_only account:read_write"
    bearer = {"Authorization": f"Bearer {create(app, scopes=scopes)['token']}"}
    answer = app.client.post(TOKENS, headers=bearer, json={"scopes": asked})
    assert (answer.status_code, faults(answer)) == (400, [(TOO_WIDE.format(scopes), "scopes")])


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (b"{", 400, "Invalid JSON"),
        (b"\xff", 400, "Invalid JSON"),
        (b'{"label": NaN}', 400, "Invalid JSON"),
        (b"[" * 60_000, 400, "Invalid JSON"),
        (b'{"label": ' + b"9" * 5000 + b"}", 400, "Invalid JSON"),
        (b"[]", 400, "Must be a JSON object"),
        (b'"label"', 400, "Must be a JSON object"),
        (b" " * 65_537, 413, "Request body too large"),
    ],
)
def test_body_that_is_no_json_object(app: App, raw: bytes, status: int, reason: str) -> None:
    answer = app.client.post(TOKENS, headers=app.bearer, content=raw)
    assert (answer.status_code, faults(answer)) == (status, [(reason, None)])


def test_empty_body_counts_as_an_empty_object(app: App) -> None:
    assert app.client.post(TOKENS, headers=app.bearer).json()["label"] == "token-2"


def test_other_content_type_is_refused(app: App) -> None:
    headers = {**app.bearer, "Content-Type": "application/x-www-form-urlencoded"}
    answer = app.client.post(TOKENS, headers=headers, content=b"label=x")
    assert (answer.status_code, faults(answer)) == (415, [("Unsupported Media Type", None)])


def test_content_type_with_a_charset_is_json(app: App) -> None:
    headers = {**app.bearer, "Content-Type": "Application/JSON; charset=utf-8"}
    assert app.client.post(TOKENS, headers=headers, content=b"{}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"scopes": "linodes:read_only", "expiry": "2001-01-01T00:00:00", "id": 9}])
def test_update_ignores_all_but_the_label(app: App, body: dict[str, object]) -> None:
    created = create(app, label="kept")
    answer = app.client.put(f"{TOKENS}/{created['id']}", headers=app.bearer, json=body)
    assert (answer.status_code, answer.json()) == (200, {**created, "token": created["token"][:16]})


@pytest.mark.parametrize("label", ["", None, "x" * 101, 5])
def test_update_with_a_wrong_label_is_refused(app: App, label: object) -> None:
    answer = app.client.put(f"{TOKENS}/1", headers=app.bearer, json={"label": label})
    assert answer.status_code == 400


@pytest.mark.parametrize("token_id", ["abc", "0", "-1", "1.5", "99999999999999999999999", "987654", "%00", "1%20"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_id_that_is_not_there_is_not_found(app: App, method: str, token_id: str) -> None:
    answer = app.client.request(method, f"{TOKENS}/{token_id}", headers=app.bearer)
    assert (answer.status_code, faults(answer)) == (404, [("Not found", None)])


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v4/nothing", {"Authorization": "Bearer wrong"}, 404),
        ("PATCH", TOKENS, {"Authorization": "Bearer wrong"}, 405),
        ("POST", f"{TOKENS}/1", {}, 405),
        ("GET", f"{TOKENS}/987654", {}, 401),
        ("POST", TOKENS, {"Authorization": "Bearer wrong", "Content-Type": "text/plain"}, 401),
    ],
)
def test_order_of_checks(app: App, method: str, path: str, headers: dict[str, str], status: int) -> None:
    assert app.client.request(method, path, headers=headers, content=b"{").status_code == status


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TOKENS, "GET, HEAD, OPTIONS, POST"),
        (f"{TOKENS}/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/verify", "GET, HEAD, POST"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
    ],
)
def test_wrong_method_is_told_the_right_ones(app: App, path: str, allowed: str) -> None:
    answer = app.client.request("TRACE", path, headers=app.bearer)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert faults(answer) == [("Method Not Allowed", None)]


def test_scope_is_checked_before_the_body_and_the_id(app: App) -> None:
    bearer = {"Authorization": f"Bearer {create(app, scopes='account:read_only')['token']}"}
    answer = app.client.put(f"{TOKENS}/987654", headers=bearer, content=b"{")
    assert answer.status_code == 401
    assert faults(answer) == [("Your OAuth token is not authorized to use this endpoint.", None)]
    assert answer.headers["x-oauth-scopes"] == "account:read_only"
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="account:read_write"')


def test_read_write_covers_read_only(app: App) -> None:
    bearer = {"Authorization": f"Bearer {create(app, scopes='account:read_write')['token']}"}
    assert app.client.get(TOKENS, headers=bearer).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pat_nonsense"}, {"Authorization": "Basic eDp5"}])
def test_missing_and_wrong_tokens_get_the_same_body(app: App, headers: dict[str, str]) -> None:
    answer = app.client.get(TOKENS, headers=headers)
    assert (answer.status_code, answer.text) == (401, '{"errors": [{"reason": "Invalid Token"}]}')
    assert answer.headers["x-oauth-scopes"] == "unknown"
    assert answer.headers["x-accepted-oauth-scopes"] == "account:read_only"


def test_unknown_path_looks_at_no_token(app: App) -> None:
    answer = app.client.get("/v4/nothing", headers=app.bearer)
    assert (answer.headers["x-oauth-scopes"], answer.headers["x-accepted-oauth-scopes"]) == ("unknown", "*")


def test_scopes_header_is_sorted(app: App) -> None:
    bearer = {"Authorization": f"Bearer {create(app, scopes='volumes:read_only account:read_only')['token']}"}
    assert app.client.get(TOKENS, headers=bearer).headers["x-oauth-scopes"] == "account:read_only volumes:read_only"


def test_head_is_get_without_a_body(app: App) -> None:
    answer = app.client.head(TOKENS, headers=app.bearer)
    assert (answer.status_code, answer.content) == (200, b"")


def test_options_asks_for_no_token(app: App) -> None:
    answer = app.client.options(TOKENS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "HEAD, GET, OPTIONS, POST, PUT, DELETE"
