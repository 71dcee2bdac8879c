"""Recorded replies of the service whose wire format this is, replayed against the whole application.

Each conversation runs in its recorded order. What cannot be the same is put in place of what was recorded: ids, the
text of tokens, and times, which the recorder had masked (`edited_by_the_recorder` in the data file).
"""

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import App

VECTORS = json.loads(Path(__file__).with_name("vectors_tokens.json").read_text("utf-8"))["vectors"]
CONVERSATIONS = tuple(dict.fromkeys(vector["id"].partition(".")[0] for vector in VECTORS))
ACTING = {"id": 56990571, "token": "9853aa8891ad9fe2", "label": "token"}
"""The token the recordings were made with, as the recorded list shows it."""

_MASKED = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
_MASK = "2018-01-02T03:04:05"

NOT_COMPARED = {"connection", "date", "x-ratelimit-limit", "expires", "content-length"}
"""Of the connection, of a rate limit, or told apart below: the time of the reply, and its length."""
REMOVED_OR_OURS = {"allow", "www-authenticate", "x-request-id", "x-customer-uuid", "x-spec-version"}
"""Removed by the recorder, or added by this service on purpose."""
KNOWN = {
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "content-length",
    "content-security-policy",
    "content-type",
    "expires",
    "pragma",
    "strict-transport-security",
    "vary",
    "x-accepted-oauth-scopes",
    "x-content-type-options",
    "x-frame-options",
    "x-oauth-scopes",
    "x-xss-protection",
    "date",
    *REMOVED_OR_OURS,
}


@dataclass
class Exchange:
    """A recorded reply, its body with this run's ids and tokens, and the reply of this service."""

    status: int
    headers: dict[str, list[str]]
    body: str
    answer: httpx2.Response


@pytest.fixture(params=CONVERSATIONS)
def exchanges(request: pytest.FixtureRequest, app: App) -> list[Exchange]:
    """One conversation, replayed at the time it was recorded by a token like the one that was used."""
    vectors = [vector for vector in VECTORS if vector["id"].startswith(f"{request.param}.")]
    app.clock.seconds = parsedate_to_datetime(vectors[0]["response"]["headers"]["Expires"][0]).timestamp()
    bearer = _acting_token_alone(app)
    acting = app.client.get("/v4/profile/tokens", headers=bearer).json()["data"][0]
    return _replay(app.client, vectors, bearer, _stand_ins(ACTING, acting))


def _acting_token_alone(app: App) -> dict[str, str]:
    asked = {"label": ACTING["label"], "expiry": "2030-01-01T00:00:00"}
    created = app.client.post("/v4/profile/tokens", headers=app.bearer, json=asked).json()
    bearer = {"Authorization": f"Bearer {created['token']}"}
    app.client.delete("/v4/profile/tokens/1", headers=bearer)
    return bearer


def _stand_ins(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    """What to write in place of each recorded id and token text: whole ones first, since they start with the short."""
    return {
        f'"id": {recorded["id"]},': f'"id": {ours["id"]},',
        f"/tokens/{recorded['id']}": f"/tokens/{ours['id']}",
        recorded["token"]: ours["token"],
        recorded["token"][:16]: ours["token"][:16],
    }


def _replay(
    client: Any, vectors: list[dict[str, Any]], bearer: dict[str, str], stand_ins: dict[str, str]
) -> list[Exchange]:
    exchanges = []
    for vector in vectors:
        request, recorded = vector["request"], vector["response"]
        headers = {name: values[0] for name, values in request["headers"].items()}
        answer = client.request(
            request["method"],
            _in_place(request["path"], stand_ins),
            headers={**headers, **bearer},
            content=request["body"],
        )
        if request["method"] == "POST":
            stand_ins |= _stand_ins(json.loads(recorded["body_raw"]), answer.json())
        body = _in_place(recorded["body_raw"], stand_ins)
        exchanges.append(Exchange(recorded["status"], recorded["headers"], body, answer))
    return exchanges


def _in_place(text: str, stand_ins: dict[str, str]) -> str:
    for recorded, ours in stand_ins.items():
        text = text.replace(recorded, ours)
    return text


def _compared(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in headers if name not in NOT_COMPARED | REMOVED_OR_OURS)


def test_replies_have_the_recorded_status(exchanges: list[Exchange]) -> None:
    assert [exchange.answer.status_code for exchange in exchanges] == [exchange.status for exchange in exchanges]


def test_replies_have_the_recorded_body_byte_for_byte(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert _MASKED.sub(_MASK, exchange.answer.text) == exchange.body


def test_replies_have_the_recorded_headers_as_often_as_recorded(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        recorded = [(name.lower(), value) for name, values in exchange.headers.items() for value in values]
        assert _compared(exchange.answer.headers.multi_items()) == _compared(recorded)


def test_replies_expire_at_once(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        (expires,) = exchange.answer.headers.get_list("expires")
        assert parsedate_to_datetime(expires).tzinfo is not None


def test_replies_say_how_long_their_body_is(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert exchange.answer.headers.get_list("content-length") == [str(len(exchange.answer.content))]


def test_replies_have_no_header_that_the_format_does_not_know(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert set(exchange.answer.headers) <= KNOWN


def test_every_conversation_of_the_data_file_is_replayed() -> None:
    assert len(VECTORS) == 10
    assert CONVERSATIONS == ("TestToken_GetFound", "TestToken_GetMissing", "TestToken_GetNoExpiry", "TestTokens_List")
