"""One exchange, step by step: what is sent, and what is sent again. Nothing here waits or connects."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from tests.client.hostile import ROW, TOKEN
from tokenry.client import (
    ONCE,
    Answer,
    ConnectionFailed,
    NotFound,
    Redirected,
    Request,
    Retries,
    Secret,
    ServerError,
    TimedOut,
    TokenExpiresSoon,
    TooManyRequests,
)
from tokenry.client.calls import (
    Call,
    create_token,
    get_token,
    list_tokens,
    own_tokens,
    rename_token,
    revoke_token,
    rotate_token,
)
from tokenry.client.session import Outcome, Send, Session, Wait

T = TypeVar("T")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RESET = ConnectionFailed("reset")
NOTHING = Answer(200, body=b"{}")


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "application/json", **named}, json.dumps(body).encode())


def refusal(status: int, reason: str = "no", **headers: str) -> Answer:
    return answer({"errors": [{"reason": reason}]}, status, **headers)


def new_session(retries: Retries | None = None) -> Session:
    patient = Retries(random=lambda: 1.0) if retries is None else retries
    return Session("http://127.0.0.1:8470/", Secret(TOKEN), retries=patient, now=lambda: NOW)


class Carried:
    """A call that was carried out, with these outcomes of its attempts."""

    def __init__(self, call: Call[T], outcomes: Sequence[Outcome], session: Session | None = None) -> None:
        self.requests: list[Request] = []
        self.waits: list[float] = []
        self.value: object = None
        left = iter(outcomes)
        steps = (session or new_session()).exchange(call)
        step = next(steps)
        try:
            while True:
                if isinstance(step, Wait):
                    self.waits.append(step.seconds)
                    step = steps.send(None)
                else:
                    assert isinstance(step, Send)
                    self.requests.append(step.request)
                    step = steps.send(next(left))
        except StopIteration as end:
            self.value = end.value
        assert list(left) == []


def test_request_has_what_it_needs() -> None:
    call = list_tokens(page=2, page_size=25, filter={"label": "ü"})
    (request,) = Carried(call, [answer({"data": [], "page": 2, "pages": 1, "results": 0})]).requests
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:8470/v4/profile/tokens?page=2&page_size=25")
    headers = dict(request.all_headers())
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["X-Filter"] == '{"label": "\\u00fc"}'
    assert "Content-Type" not in headers
    assert request.body is None


def test_creation_sends_what_was_given_and_nothing_else() -> None:
    (request,) = Carried(create_token(own_tokens("v4beta"), label="x"), [answer(ROW)]).requests
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:8470/v4beta/profile/tokens")
    assert request.body == b'{"label": "x"}'
    assert dict(request.headers)["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "call",
    [get_token(7), rename_token(7, "x"), create_token(idempotency_key="k"), rotate_token(7, idempotency_key="k")],
    ids=["read", "rename", "creation with a key", "rotation with a key"],
)
def test_what_may_be_repeated_is(call: Call[object]) -> None:
    carried = Carried(call, [RESET, refusal(503), refusal(429, retry_after="5"), answer(ROW)])
    assert carried.waits == [0.25, 0.5, 5 + 1 + 1.0]
    assert len(set(carried.requests)) == 1
    assert len(carried.requests) == 4


@pytest.mark.parametrize("outcome", [RESET, TimedOut("slow"), refusal(429, retry_after="0"), refusal(503)])
def test_creation_without_a_key_is_never_repeated(outcome: Outcome) -> None:
    with pytest.raises((ConnectionFailed, TooManyRequests, ServerError)):
        Carried(create_token(label="x"), [outcome])


def test_last_failure_is_raised() -> None:
    with pytest.raises(TooManyRequests) as caught:
        Carried(get_token(7), [RESET, RESET, RESET, refusal(429, "Too many requests", retry_after="7")])
    assert (caught.value.reason, caught.value.retry_after) == ("Too many requests", 7)
    with pytest.raises(ConnectionFailed):
        Carried(get_token(7), [RESET], new_session(ONCE))


def test_revocation_whose_answer_was_lost_is_done() -> None:
    assert Carried(revoke_token(7), [RESET, refusal(404)]).value is None


def test_revocation_of_what_is_not_there_is_not_found() -> None:
    for outcomes in ([refusal(404)], [refusal(503), refusal(404)]):
        with pytest.raises(NotFound):
            Carried(revoke_token(7), outcomes)
    with pytest.raises(NotFound):
        Carried(get_token(7), [RESET, refusal(404)])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    with pytest.raises(Redirected) as caught:
        Carried(get_token(7), [Answer(status, {"location": "https://elsewhere.example/v4?token=1"})])
    assert caught.value.location == "https://elsewhere.example/v4"


def test_failure_of_the_service_needs_no_body_that_can_be_read() -> None:
    with pytest.raises(ServerError) as caught:
        Carried(get_token(7), [Answer(500, {"content-type": "text/html"}, b"<html>")])
    assert (caught.value.status, caught.value.reason) == (500, "no readable reason")


def test_token_in_use_that_expires_soon_is_warned_of_once() -> None:
    session = new_session()
    seen = answer({**ROW, "token": TOKEN[:16], "expiry": "2026-01-09T03:04:05"})
    with pytest.warns(TokenExpiresSoon, match="2026-01-09 03:04 UTC"):
        Carried(get_token(7), [seen], session)
    Carried(get_token(7), [seen], session)  # a warning would be an error


def test_service_may_say_when_the_token_in_use_expires() -> None:
    session = new_session()
    with pytest.warns(TokenExpiresSoon, match="2026-01-09 03:04 UTC"):
        Carried(get_token(7), [answer(ROW, x_token_expires="2026-01-09T03:04:05")], session)
    for later in ("2026-01-09T03:04:06", "2999-12-12T05:00:00", "soon"):
        Carried(get_token(7), [answer(ROW, x_token_expires=later)])


def test_refusal_tells_of_it_too() -> None:
    with pytest.warns(TokenExpiresSoon), pytest.raises(NotFound):
        Carried(get_token(7), [refusal(404, x_token_expires="2026-01-02T03:04:06")])


def test_nobody_is_warned_of_a_token_that_is_replaced_in_time() -> None:
    session = Session("http://host", lambda: TOKEN, now=lambda: NOW)
    Carried(get_token(7), [answer(ROW, x_token_expires="2026-01-02T03:04:06")], session)


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "expiry": "2026-01-09T03:04:05"},
        {**ROW, "token": TOKEN[:16], "expiry": "2026-01-09T03:04:06"},
        {**ROW, "token": TOKEN[:16]},
    ],
    ids=["another token", "later", "never"],
)
def test_nobody_is_warned_of_anything_else(row: dict[str, object]) -> None:
    Carried(get_token(7), [answer(row)])


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8470", "ftp://host", "http://", "http://user:word@host", "http://host?a=b", "http://host#a"],
)
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        Session(url, Secret(TOKEN))


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ü" * 40])
def test_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        Session("http://host", Secret(token))


def test_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="v4 and v4beta"):
        own_tokens("v5")


def test_id_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        get_token("7/../8")  # type: ignore[arg-type]


def test_timeout_is_that_of_the_session() -> None:
    session = Session("http://host", Secret(TOKEN), timeout=timedelta(seconds=3).total_seconds())
    step = next(session.exchange(get_token(7)))
    assert isinstance(step, Send)
    assert step.timeout == 3
