"""The inventory, against the whole application."""

import csv
import io
import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from tests.api.parts import KEYS, MORE, create, token_of_another_account, token_of_another_user
from tests.conftest import App
from tests.issuing import bearer
from tests.servers import Server, serving

TOKENS = "/v4/account/tokens"


def listed(app: App, query: str = "", filter: object = None) -> Any:
    headers = app.bearer if filter is None else {**app.bearer, "X-Filter": json.dumps(filter)}
    return app.client.get(f"{TOKENS}{query}", headers=headers).json()


def revoke(app: App, body: object) -> Any:
    return app.client.post(f"{TOKENS}/revoke", headers=app.bearer, json=body).json()


def test_inventory_has_everybodys_tokens_with_their_owner(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_of_another_user(app)
    page = listed(app)
    assert [(row["id"], row["username"]) for row in page["data"]] == [(1, "admin"), (2, "other")]
    assert list(page["data"][0]) == [*KEYS, *MORE, "username"]
    details = app.client.get("/v4/profile/tokens/1/details", headers=app.bearer).json()
    assert page["data"][0] == {**details, "username": "admin"}


def test_inventory_is_selected_filtered_and_of_one_user(app: App) -> None:
    token_of_another_user(app)
    create(app, label="ci", expiry="2025-06-15T15:06:41")
    app.clock.seconds += 1
    found = [
        [row["id"] for row in listed(app, query, filter)["data"]]
        for query, filter in (
            ("?username=other", None),
            ("?username=nobody", None),
            ("?state=expired", None),
            ("?state=all&expires_before=2100-01-01T00:00:00", None),
            ("?last_used_before=2000-01-01T00:00:00", {"username": {"+contains": "OTH"}}),
            ("", {"+order_by": "username", "+order": "desc"}),
        )
    ]
    assert found == [[2], [], [3], [3], [2], [2, 1]]


def test_administrator_sees_and_revokes_in_the_own_account_only(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    eve_id, eve = token_of_another_account(app)
    assert [row["username"] for row in listed(app, "?state=all")["data"]] == ["admin"]
    assert revoke(app, {"ids": [eve_id]}) == {"data": [{"id": eve_id, "revoked": False}]}
    assert app.client.get("/verify", headers=bearer(eve)).status_code == 200
    theirs = app.client.get(TOKENS, headers=bearer(eve)).json()
    assert [row["username"] for row in theirs["data"]] == ["eve"]


def test_many_are_revoked_at_once_and_refused_at_once(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    tokens = [create(app) for _ in range(3)]
    ids = [token["id"] for token in tokens]
    assert app.client.get("/verify", headers=bearer(tokens[0]["token"])).status_code == 200
    assert revoke(app, {"ids": [*ids, 999, ids[0]]}) == {
        "data": [*({"id": token_id, "revoked": True} for token_id in ids), {"id": 999, "revoked": False}]
    }
    for token in tokens:
        assert app.client.get("/verify", headers=bearer(token["token"])).status_code == 401
    assert revoke(app, {"ids": ids})["data"][0] == {"id": ids[0], "revoked": False}


@pytest.mark.parametrize("body", [{}, {"ids": None}, {"ids": 1}, {"ids": []}, {"ids": list(range(1, 502))}])
def test_ids_that_are_no_list_of_up_to_500_are_refused(app: App, body: object) -> None:
    assert revoke(app, body) == {"errors": [{"reason": "Must be a list of 1-500 ids", "field": "ids"}]}


def test_every_wrong_id_is_named_and_nothing_is_revoked(app: App) -> None:
    token = create(app)
    answer = revoke(app, {"ids": [token["id"], 0, "1", True, None, 1 << 63]})
    assert answer == {
        "errors": [{"reason": "Must be the id of a token", "field": f"ids[{index}]"} for index in range(1, 6)]
    }
    assert app.client.get("/verify", headers=bearer(token["token"])).status_code == 200


def test_500_ids_are_taken(app: App) -> None:
    assert len(revoke(app, {"ids": list(range(2, 502))})["data"]) == 500


def test_every_wrong_parameter_is_named_at_once(app: App) -> None:
    errors = listed(app, "?page=0&state=dead&expires_after=x", {"token": "pat_"})["errors"]
    assert [error["field"] for error in errors] == ["page", "X-Filter", "state", "expires_after"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", TOKENS),
        ("GET", f"{TOKENS}?page=0"),
        ("GET", f"{TOKENS}/export"),
        ("GET", f"{TOKENS}/export?format=xml"),
        ("POST", f"{TOKENS}/revoke"),
    ],
)
def test_others_are_refused_before_anything_that_is_wrong_with_their_request(app: App, method: str, path: str) -> None:
    _, other = token_of_another_user(app)
    answer = app.client.request(method, path, headers=bearer(other))
    assert (answer.status_code, answer.json()) == (403, {"errors": [{"reason": "Unauthorized"}]})


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [("account:read_write", (200, 400)), ("account:read_only", (200, 401)), ("linodes:read_write", (401, 401))],
)
def test_scope_decides(app: App, scopes: str, statuses: tuple[int, int]) -> None:
    headers = bearer(create(app, scopes=scopes)["token"])
    for path in (TOKENS, f"{TOKENS}/export"):
        assert app.client.get(path, headers=headers).status_code == statuses[0]
    assert app.client.post(f"{TOKENS}/revoke", headers=headers, json={}).status_code == statuses[1]


def test_export_as_csv_has_a_line_for_each_token(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_of_another_account(app)
    create(app, label="=1+1", expiry="2030-01-01T00:00:00")
    answer = app.client.get(f"{TOKENS}/export", headers=app.bearer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["id"], row["username"], row["label"], row["expiry"]) for row in rows] == [
        ("1", "admin", "first token", "2999-12-12T05:00:00"),
        ("3", "admin", "'=1+1", "2030-01-01T00:00:00"),
    ]
    assert set(rows[0]) == set(listed(app)["data"][0])


def test_export_as_json_lines_has_the_rows_of_the_list(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    token_of_another_user(app)
    create(app, expiry="2025-06-15T15:06:41")
    app.clock.seconds += 1
    for query in ("", "&state=all", "&state=expired", "&username=other", "&username=nobody"):
        answer = app.client.get(f"{TOKENS}/export?format=jsonl{query}", headers=app.bearer)
        assert answer.headers["content-type"] == "application/jsonl"
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert rows == listed(app, f"?{query}")["data"]


def test_export_takes_no_filter_and_names_every_wrong_parameter(app: App) -> None:
    def errors(query: str, **headers: str) -> Any:
        return app.client.get(f"{TOKENS}/export?{query}", headers={**app.bearer, **headers}).json()["errors"]

    assert errors("", **{"X-Filter": "{}"}) == [{"reason": "Could not apply filter", "field": "X-Filter"}]
    found = errors("format=xml&state=dead&last_used_after=x")
    assert [error["field"] for error in found] == ["format", "state", "last_used_after"]
    assert found[0]["reason"] == "Must be one of csv, jsonl"


def test_head_of_an_export_has_no_body(app: App) -> None:
    answer = app.client.head(f"{TOKENS}/export", headers=app.bearer)
    assert (answer.status_code, answer.content) == (200, b"")


def test_export_that_cannot_begin_is_an_answer_like_any_other(app: App) -> None:
    with closing(sqlite3.connect(app.settings.data_dir / "tokenry.db")) as connection:
        connection.execute("ALTER TABLE tokens RENAME COLUMN description TO gone")
        answer = app.client.get(f"{TOKENS}/export", headers=app.bearer)
        connection.execute("ALTER TABLE tokens RENAME COLUMN gone TO description")
    assert (answer.status_code, answer.json()) == (500, {"errors": [{"reason": "Internal server error"}]})


ROWS = 20_000
CHUNK_BYTES = 4096


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service with more tokens than fit between it and a client: some 14 MB."""
    with serving(tmp_path_factory.mktemp("crowded") / "data") as server:
        with closing(sqlite3.connect(server.data_dir / "tokenry.db")) as connection:
            connection.executemany(
                "INSERT INTO tokens "
                "(user_id, label, label_folded, scopes, created_at, expires_at, preview, description) "
                "VALUES (1, 'l', 'l', '*', 1, 32000000000, ?, ?)",
                ((f"pat_{number:012}", "d" * 500) for number in range(ROWS)),
            )
            connection.commit()
        yield server


def begin_export(server: Server, token: str) -> socket.socket:
    """Ask for all tokens, and take no more than the first bytes."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK_BYTES)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    question = f"GET {TOKENS}/export?format=jsonl HTTP/1.1"
    headers = f"Host: {server.address}\r\nAuthorization: Bearer {token}\r\nConnection: close"
    connection.sendall(f"{question}\r\n{headers}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def take_rest(connection: socket.socket) -> bytes:
    received = bytearray()
    with connection:
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def new_token(server: Server) -> str:
    bearer = {"Authorization": f"Bearer {server.token}"}
    token: str = httpx2.post(f"{server.url}/v4/profile/tokens", headers=bearer, json={}).json()["token"]
    return token


def test_long_export_is_whole(crowded: Server) -> None:
    token = new_token(crowded)
    received = take_rest(begin_export(crowded, token))
    assert received.endswith(b"\r\n0\r\n\r\n")
    assert received.count(b'"state": "active"') >= ROWS


def test_export_ends_unfinished_when_the_acting_token_is_revoked(crowded: Server) -> None:
    token = new_token(crowded)
    connection = begin_export(crowded, token)
    bearer = {"Authorization": f"Bearer {crowded.token}"}
    preview = {**bearer, "X-Filter": '{"+order_by": "id", "+order": "desc", "+limit": 1}'}
    newest = httpx2.get(f"{crowded.url}/v4/profile/tokens", headers=preview).json()["data"][0]
    assert newest["token"] == token[:16]
    httpx2.delete(f"{crowded.url}/v4/profile/tokens/{newest['id']}", headers=bearer)
    received = take_rest(connection)
    assert not received.endswith(b"0\r\n\r\n")
    assert received.count(b'"state": "active"') < ROWS


def test_client_that_hangs_up_ends_an_export(crowded: Server) -> None:
    before = crowded.log.count('"status": 499')
    begin_export(crowded, crowded.token).close()
    deadline = time.monotonic() + 30
    while crowded.log.count('"status": 499') == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
