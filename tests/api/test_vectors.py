"""Recorded replies of the service whose wire format this is, replayed against the whole application.

Each conversation runs in its recorded order. What cannot be the same is put in place of what was recorded: ids, names,
the text of tokens, and times, which the recorder had masked (`edited_by_the_recorder` in the data files).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import App, Clock, make_app

VECTORS = [
    vector
    for name in ("vectors_tokens.json", "vectors_neighbours.json")
    for vector in json.loads(Path(__file__).with_name(name).read_text("utf-8"))["vectors"]
]
CONVERSATIONS = tuple(dict.fromkeys(vector["id"].partition(".")[0] for vector in VECTORS))
ACTING = {"id": 56990571, "token": "9853aa8891ad9fe2", "label": "token"}
"""The token the recordings were made with, as the recorded list shows it."""
PROFILE = {"email": "person@example.com", "timezone": "GMT", "lish_auth_method": "password_keys"}
"""What was set in the recorded profile."""

_MASKED = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
_MASK = "2018-01-02T03:04:05"

NOT_COMPARED = {"connection", "date", "expires", "content-length"}
"""Of the connection, or told apart below: the time of the reply, and its length."""
REMOVED_OR_OURS = {
    "akamai-internal-account",
    "allow",
    "retry-after",
    "www-authenticate",
    "x-customer-uuid",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-spec-version",
}
"""Removed by the recorder, of the recorded account's staff, or added by this service on purpose."""
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
    "x-ratelimit-limit",
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
    at: float


@dataclass
class Stage:
    """What is there before a conversation: who speaks, and what stands in place of what was recorded."""

    bearer: dict[str, str]
    stand_ins: dict[str, str]


@pytest.fixture(params=CONVERSATIONS)
def vectors(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """One conversation as it was recorded."""
    return [vector for vector in VECTORS if vector["id"].startswith(f"{request.param}.")]


@pytest.fixture
def app(vectors: list[dict[str, Any]], tmp_path: Path, clock: Clock) -> Iterator[App]:
    """The application with the rate limit that was in force when the conversation was recorded."""
    limit = int(vectors[0]["response"]["headers"]["X-Ratelimit-Limit"][0])
    app = make_app(tmp_path / "data", clock, rate_limit=limit)
    with app.client:
        yield app


@pytest.fixture
def exchanges(vectors: list[dict[str, Any]], app: App) -> list[Exchange]:
    """One conversation, replayed at the time it was recorded by somebody like the one who spoke."""
    recorded_at = vectors[0]["response"]["headers"].get("Expires")
    if recorded_at:
        app.clock.seconds = parsedate_to_datetime(recorded_at[0]).timestamp()
    stage = STAGES[vectors[0]["id"].partition(".")[0]](app)
    return _replay(app, vectors, stage.bearer, stage.stand_ins)


def _with_a_token(app: App) -> Stage:
    bearer = _acting_token_alone(app)
    acting = app.client.get("/v4/profile/tokens", headers=bearer).json()["data"][0]
    return Stage(bearer, _stand_ins(ACTING, acting))


def _with_a_profile(app: App) -> Stage:
    """The recorded user had a second factor, which nobody has here."""
    assert app.client.put("/v4/profile", headers=app.bearer, json=PROFILE).status_code == 200
    names = {'"uid": 6368933, "username": "exampleusr"': '"uid": 1, "username": "admin"'}
    factor = {
        '"two_factor_auth": true': '"two_factor_auth": false',
        '"two_factor_auth":true': '"two_factor_auth":false',
    }
    return Stage(app.bearer, names | factor)


STAGES: dict[str, Callable[[App], Stage]] = {
    "TestToken_GetFound": _with_a_token,
    "TestToken_GetMissing": _with_a_token,
    "TestToken_GetNoExpiry": _with_a_token,
    "TestTokens_List": _with_a_token,
    "TestProfile_Get": _with_a_profile,
    "TestProfile_Update": _with_a_profile,
    "TestGrantsList": lambda app: Stage(app.bearer, {}),
}


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
    app: App, vectors: list[dict[str, Any]], bearer: dict[str, str], stand_ins: dict[str, str]
) -> list[Exchange]:
    exchanges = []
    for vector in vectors:
        request, recorded = vector["request"], vector["response"]
        headers = {name: values[0] for name, values in request["headers"].items()}
        answer = app.client.request(
            request["method"],
            _in_place(request["path"], stand_ins),
            headers={**headers, **bearer},
            content=None if request["body"] is None else _in_place(request["body"], stand_ins),
        )
        if request["method"] == "POST":
            stand_ins |= _stand_ins(json.loads(recorded["body_raw"]), answer.json())
        body = _in_place(recorded["body_raw"], stand_ins)
        exchanges.append(
            Exchange(recorded["status"], _of_the_edge(recorded["headers"]), body, answer, app.clock.seconds)
        )
    return exchanges


def _of_the_edge(recorded: dict[str, list[str]]) -> dict[str, list[str]]:
    """Headers as they are today: some recordings were made before a proxy stood in front, which forbids all caching."""
    if recorded.get("Server") != ["nginx"]:
        return recorded
    vary = [value for value in recorded["Vary"] if value != "Accept-Encoding"]
    kept = {name: values for name, values in recorded.items() if name != "Server"}
    return {**kept, "Vary": vary, "Cache-Control": ["max-age=0, no-cache, no-store"], "Pragma": ["no-cache"]}


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


def test_replies_say_what_the_recorder_removed_of_the_rate_limit(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        headers = {name: exchange.answer.headers.get_list(name) for name in REMOVED_OR_OURS}
        (remaining,), (reset,) = headers["x-ratelimit-remaining"], headers["x-ratelimit-reset"]
        assert 0 <= int(remaining) < int(exchange.answer.headers["x-ratelimit-limit"])
        assert headers["retry-after"] == [str(int(reset) - int(exchange.at) - 1)]


def test_replies_expire_at_once(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        (expires,) = exchange.answer.headers.get_list("expires")
        assert parsedate_to_datetime(expires).tzinfo is not None


def test_replies_say_how_long_their_body_is(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        length = [] if exchange.status == 204 else [str(len(exchange.answer.content))]
        assert exchange.answer.headers.get_list("content-length") == length


def test_replies_have_no_header_that_the_format_does_not_know(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        assert set(exchange.answer.headers) <= KNOWN


def test_every_conversation_of_the_data_file_is_replayed() -> None:
    assert len(VECTORS) == 14
    assert tuple(STAGES) == CONVERSATIONS
