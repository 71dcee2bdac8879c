"""What a client may send, drawn at random, and what must hold of every answer."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from hypothesis import settings
from hypothesis import strategies as st

from tests.conftest import App
from tokenry.api.tokens.details import MOMENTS
from tokenry.domain.details import STATES
from tokenry.storage.catalogue import default_catalogue

TABLES = ("accounts", "users", "tokens", "credentials", "audit_events", "installation")
CATALOGUE = [f"{resource.name}:{level.word}" for resource in default_catalogue().resources for level in resource.levels]

bounded = settings(deadline=None, derandomize=os.environ.get("CI") == "true")

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
numbers = (
    st.integers(-2, 600).map(str) | any_text | st.sampled_from(["", "1" * 20, "1" * 21, "01", "\uff11", "1.0", "NaN"])
)
queries = st.one_of(
    st.text(max_size=60).map(lambda text: quote(text, safe="=&+;%")),
    st.lists(st.tuples(st.sampled_from(["page", "page_size", "x"]), numbers), max_size=4).map(
        lambda pairs: "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in pairs)
    ),
)
moments = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
    st.text(max_size=30),
    st.sampled_from(["", "2025-06-15T15:06:40Z", "2025-06-15T15:06:40+02:00", "0001-01-01T00:00:00+23:59", "9" * 400]),
)
details_queries = st.dictionaries(
    st.sampled_from(["state", "page", "page_size", *MOMENTS, "other", ""]),
    st.sampled_from([*STATES, "1", "25", "x"]) | moments,
).map(urlencode)
emails = st.emails() | st.sampled_from(
    ["", "a@b", "a@b@c", "é@ö", "a\0@b", "\ud800@b", "a" * 252 + "@b", "a" * 253 + "@b"]
)


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
