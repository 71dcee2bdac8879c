"""What surrounds every request: malformed headers, request ids, the log, and defects."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.api.parts import ask
from tests.conftest import App
from tokenry.faces import WIRE
from tokenry.serving.logs import make_harmless
from tokenry.web.guard import Guard


def guarding(answer: Callable[[Scope, Receive, Send], Any]) -> Guard:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, receive, send)

    return Guard(app, WIRE, direct={})


@pytest.mark.parametrize("name", ["Host", "Authorization", "X-Filter", "Content-Type"])
def test_doubled_header_is_refused(app: App, name: str) -> None:
    twice = [(name.lower().encode(), b"a"), (name.lower().encode(), b"b")]
    host = [] if name == "Host" else [(b"host", b"x")]
    status, _, body = ask(app.client.app, [*host, *twice])
    assert (status, body) == (400, {"errors": [{"reason": "Must be sent only once", "field": name}]})


def test_doubled_authorization_is_refused_by_verify_even_if_both_are_valid(app: App) -> None:
    value = f"Bearer {app.token}".encode()
    headers = [(b"host", b"x"), (b"authorization", value), (b"authorization", value)]
    assert ask(app.client.app, headers, path="/verify")[0] == 400


def test_missing_host_is_refused(app: App) -> None:
    status, _, body = ask(app.client.app, [])
    assert (status, body) == (400, {"errors": [{"reason": "Must be sent", "field": "Host"}]})


def test_http_1_0_needs_no_host(app: App) -> None:
    assert ask(app.client.app, [], version="1.0")[0] == 404


def test_defect_is_a_500_that_says_nothing() -> None:
    def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("something inside")

    status, headers, body = ask(guarding(broken), [(b"host", b"x")])
    assert (status, body) == (500, {"errors": [{"reason": "Internal server error"}]})
    assert b"x-request-id" in headers


def test_defect_after_the_answer_began_closes_the_connection() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        ask(guarding(broken), [(b"host", b"x")])


def test_request_id_is_kept_when_it_is_harmless(app: App) -> None:
    answer = app.client.get("/x", headers={"X-Request-Id": "from-the-proxy_1.2"})
    assert answer.headers["x-request-id"] == "from-the-proxy_1.2"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'quote"'])
def test_request_id_is_replaced_otherwise(app: App, given: str) -> None:
    assert app.client.get("/x", headers={"X-Request-Id": given}).headers["x-request-id"] != given


@pytest.mark.parametrize(
    ("path", "logged"),
    [("/a%2Ftokens", "/a%2Ftokens"), ("/a%2f%C3%A9", "/a%2Fé"), ("/%C3%A9", "/é"), (f"/{'x' * 16}%2F{'y' * 16}", "/…")],
)
def test_slash_within_a_name_is_logged_as_one(
    app: App, capsys: pytest.CaptureFixture[str], path: str, logged: str
) -> None:
    ask(app.client.app, [(b"host", b"x")], path=f"/v4/tokenry/users{path}")
    assert f"path=/v4/tokenry/users{logged} " in capsys.readouterr().out


def test_masking_cuts_tokens_wherever_they_are() -> None:
    token = "pat_" + "A" * 12 + "B" * 38
    event = {"event": f"x {token} y", "list": [token], "nested": {"key": (token, 5)}}
    assert "B" not in repr(make_harmless(None, "info", event))
