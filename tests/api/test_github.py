"""Leak reports that GitHub signs, against the whole application."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from tests.api.parts import TOKENS, create, opens
from tests.conftest import App, Clock, make_app
from tests.signing import ReportKey, write_matches
from tests.sites import Site, serving_site
from tokenry.api.github import BODY_BYTES_MAX
from tokenry.api.leaks import CREDENTIALS_MAX
from tokenry.domain.secrets import Secret
from tokenry.service.leak_keys import SIGNATURE_HEADER

REPORT = "/v4/tokenry/leaks/github"
KEY = ReportKey("a")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving_site() as site:
        site.put("/keys", {"public_keys": [KEY.entry]})
        yield site


@pytest.fixture
def app(tmp_path: Path, clock: Clock, site: Site) -> Iterator[App]:
    """The application with the keys of a site."""
    app = make_app(tmp_path / "data", clock, leak_keys_url=f"{site.url}/keys")
    with app.client:
        yield app


@pytest.fixture
def app_on_each_engine(tmp_path: Path, clock: Clock, migrated_url: str | None, site: Site) -> Iterator[App]:
    """The same on SQLite and on PostgreSQL."""
    app = make_app(tmp_path / "data", clock, migrated_url, leak_keys_url=f"{site.url}/keys")
    with app.client:
        yield app


def report(app: App, content: bytes, key: ReportKey = KEY) -> httpx2.Response:
    return app.client.post(REPORT, headers=key.headers(content), content=content)


def label(text: str, label: str) -> dict[str, str]:
    return {"token_hash": sha256(text.encode()).hexdigest(), "token_type": "acme_token", "label": label}


def test_signed_report_revokes_tokens_and_says_which_texts_are_secrets(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    leaked, kept = create(app), create(app)["token"]
    texts = [leaked["token"], "é", kept[:-1], Secret.generate().reveal()]
    answer = report(app, write_matches(*texts))
    labels = ["true_positive", "false_positive", "false_positive", "true_positive"]
    assert (answer.status_code, answer.json()) == (200, list(map(label, texts, labels)))
    assert opens(app, leaked["token"], kept) == [False, True]
    details = app.client.get(f"{TOKENS}/{leaked['id']}/details", headers=app.bearer).json()
    assert (details["revoked_by"], details["revoked_reason"]) == ("leak report", "leaked")


def test_repeated_report_is_answered_alike(app: App) -> None:
    content = write_matches(create(app)["token"])
    assert report(app, content).json() == report(app, content).json()


def test_report_that_is_not_githubs_touches_nothing(app_on_each_engine: App) -> None:
    app = app_on_each_engine
    text = create(app)["token"]
    content = write_matches(text)
    other = write_matches("x")
    unsigned = {name: value for name, value in KEY.headers(content).items() if name != SIGNATURE_HEADER}
    refused = [
        report(app, content, ReportKey(KEY.identifier)),
        report(app, content, ReportKey("unknown")),
        app.client.post(REPORT, headers=KEY.headers(other), content=content),
        app.client.post(REPORT, headers=KEY.headers(content), content=content.replace(b",", b", ")),
        app.client.post(REPORT, headers=unsigned, content=content),
    ]
    assert [answer.status_code for answer in refused] == [400] * 5
    assert not [answer for answer in refused if text in answer.text]
    assert opens(app, text) == [True]


def test_nothing_is_done_while_the_keys_cannot_be_fetched(app: App, site: Site) -> None:
    site.put("/keys", {}, status=500)
    text = create(app)["token"]
    answer = report(app, write_matches(text))
    assert (answer.status_code, answer.json()) == (503, {"errors": [{"reason": "Service unavailable"}]})
    assert opens(app, text) == [True]


@pytest.mark.parametrize("more", [1, None, [], {}, {"token": "x"}, {"type": "x"}, {"token": 1, "type": "x"}])
def test_one_match_of_another_shape_refuses_all(app: App, more: object) -> None:
    text = create(app)["token"]
    content = json.dumps([*json.loads(write_matches(text)), more]).encode()
    assert report(app, content).status_code == 400
    assert opens(app, text) == [True]


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[", b"[" * 5000, b"\xff", b'{"token": "x", "type": "x"}'])
def test_body_of_another_shape_is_refused(app: App, content: bytes) -> None:
    assert report(app, content).status_code == 400


def test_text_that_is_no_text_is_answered(app: App) -> None:
    answer = report(app, rb'[{"token": "\ud800", "type": "\ud800"}]')
    assert [match["label"] for match in answer.json()] == ["false_positive"]


def test_report_may_be_long_and_is_bounded(app: App) -> None:
    text = create(app)["token"]
    assert report(app, write_matches(*["x"] * (CREDENTIALS_MAX - 1), text)).status_code == 200
    assert opens(app, text) == [False]
    assert report(app, write_matches(*["x"] * (CREDENTIALS_MAX + 1))).status_code == 400
    assert report(app, b" " * (BODY_BYTES_MAX + 1)).status_code == 413


def test_there_is_no_such_path_unless_the_operator_says_where_the_keys_are(tmp_path: Path, clock: Clock) -> None:
    app = make_app(tmp_path / "data", clock)
    with app.client:
        answer = report(app, write_matches("x"))
    assert (answer.status_code, answer.json()) == (404, {"errors": [{"reason": "Not found"}]})
