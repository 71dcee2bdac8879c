"""Bad servers and bad networks: a clear exception, nothing that hangs, no secret shown, the token nowhere else."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.client.conftest import NewClient
from tests.client.hostile import CALLS, HTML, QUICK, RESET, ROW, TOKEN, Pieces, http, refusal, saying
from tokenry.client import (
    ApiError,
    Client,
    ConnectionFailed,
    NotFound,
    Redirected,
    Retries,
    ServerError,
    TimedOut,
    TokenryError,
    TooManyRequests,
    UnreadableAnswer,
)
from tokenry.client.transport import BODY_BYTES_MAX

SECONDS = 0.3
SOON = 5.0
"""Within what a call ends that had `SECONDS`, however busy the machine is."""
PAGE = {"data": [ROW], "page": 1, "pages": 1, "results": 1}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Client], object]:
    """Every operation in turn."""
    return CALLS[request.param]


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b'{"id": 7, "label": "c'),
        http(200, b""),
        http(200, HTML, "Content-Type: text/html"),
        http(200, b"[" * 100_000),
        http(200, b'"text"'),
        http(200, b"\xff\xfe"),
        http(200, b"\x1f\x8b\x08garbage", "Content-Encoding: gzip"),
        http(200, []),
    ],
    ids=["truncated", "empty", "page", "deep", "text", "no UTF-8", "compressed", "list"],
)
def test_answer_that_is_no_json_object_is_unreadable(
    call: Callable[[Client], object], new_client: NewClient, answer: Pieces
) -> None:
    with saying(answer) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        with pytest.raises(UnreadableAnswer, match=r"was answered 200, and the answer is unreadable"):
            call(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "7"),
        ("id", True),
        ("id", 7.5),
        ("id", None),
        ("label", 7),
        ("scopes", ["linodes:read_only"]),
        ("created", "yesterday"),
        ("created", 1_700_000_000),
        ("created", "9999-99-99T00:00:00"),
        ("created", "0001-01-01T00:00:00+23:00"),
        ("token", None),
        ("token", {"text": "pat_"}),
        ("expiry", "never"),
        ("expiry", False),
    ],
)
def test_key_of_a_wrong_type_is_named(new_client: NewClient, key: str, value: object) -> None:
    with saying(http(200, {**ROW, key: value}), http(200, {**PAGE, "data": [{**ROW, key: value}]})) as server:
        client = new_client(server.url, TOKEN)
        for call in (CALLS["get"], CALLS["list"]):
            with pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
                call(client)


@pytest.mark.parametrize(
    ("key", "value"),
    [("data", None), ("data", {}), ("data", [7]), ("page", "1"), ("pages", None), ("results", [])],
)
def test_page_of_a_wrong_shape_is_unreadable(new_client: NewClient, key: str, value: object) -> None:
    with saying(http(200, {**PAGE, key: value})) as server:
        client = new_client(server.url, TOKEN)
        with pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
            CALLS["list"](client)


@pytest.mark.parametrize("key", ROW)
def test_missing_key_is_named(new_client: NewClient, key: str) -> None:
    with saying(http(200, {name: value for name, value in ROW.items() if name != key})) as server:
        client = new_client(server.url, TOKEN)
        if key == "expiry":
            assert client.tokens.get(7).expiry is None
        else:
            with pytest.raises(UnreadableAnswer, match=f"`{key}` should be"):
                client.tokens.get(7)


def test_proxys_page_is_a_server_error(call: Callable[[Client], object], new_client: NewClient) -> None:
    with saying(http(502, HTML, "Content-Type: text/html")) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        with pytest.raises(ServerError, match="502") as caught:
            call(client)
        assert caught.value.status == 502
        assert "html" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
@pytest.mark.parametrize(
    "body", [HTML, b"{}", b'{"errors": []}', b'{"errors": "no"}', b'{"errors": [{"reason": 5}]}', b'{"errors": [{}]}']
)
def test_refusal_that_cannot_be_read_has_its_status(new_client: NewClient, status: int, body: bytes) -> None:
    with saying(http(status, body)) as server:
        client = new_client(server.url, TOKEN)
        with pytest.raises(TokenryError, match=str(status)) as caught:
            client.tokens.get(7)
        assert isinstance(caught.value, UnreadableAnswer | ApiError)


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_by_something_in_between_is_no_verdict(new_client: NewClient, status: int) -> None:
    with saying(http(status, HTML, "Content-Type: text/html")) as server:
        client = new_client(server.url)
        with pytest.raises(UnreadableAnswer):
            client.verify(TOKEN)


VERDICT = {
    "X-Auth-User": "ada",
    "X-Auth-User-Id": "3",
    "X-Auth-Account-Id": "1",
    "X-Auth-Token-Id": "7",
    "X-Auth-Scopes": "*",
    "X-Auth-Expires": "",
    "X-Auth-Client-Id": "",
    "X-Auth-External-Id": "",
}


def verdict(**changed: str) -> Pieces:
    """A yes, with some headers changed."""
    headers = VERDICT | {name.replace("_", "-"): value for name, value in changed.items()}
    return http(200, b"", *[f"{name}: {value}" for name, value in headers.items()])


def test_verdict_is_in_the_headers(new_client: NewClient) -> None:
    with saying(verdict(), verdict(X_Auth_Expires="1767323045")) as server:
        client = new_client(server.url)
        for expires in (None, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)):
            said = client.verify(TOKEN)
            assert (said.active, said.user, said.user_id, said.account_id, said.token_id) == (True, "ada", 3, 1, 7)
            assert (said.scopes, said.expires) == (("*",), expires)


@pytest.mark.parametrize("name", [name for name in VERDICT if name != "X-Auth-Scopes"])
def test_verdict_without_one_of_its_headers_is_unreadable(new_client: NewClient, name: str) -> None:
    headers = [f"{key}: {value}" for key, value in VERDICT.items() if key != name]
    with saying(http(200, b"", *headers)) as server:
        client = new_client(server.url)
        with pytest.raises(UnreadableAnswer, match="X-Auth"):
            client.verify(TOKEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_Auth_User", ""),
        ("X_Auth_User_Id", "one"),
        ("X_Auth_Token_Id", "-1"),
        ("X_Auth_Account_Id", "9" * 5000),
        ("X_Auth_Expires", "soon"),
        ("X_Auth_Expires", "9" * 17),
        ("X_Auth_Expires", "9" * 30),
        ("X_Auth_External_Id", "a@b"),
        ("X_Auth_External_Id", "%FF"),
    ],
)
def test_verdict_with_a_wrong_header_is_unreadable(new_client: NewClient, name: str, value: str) -> None:
    with saying(verdict(**{name: value})) as server:
        client = new_client(server.url)
        with pytest.raises(UnreadableAnswer, match="X-Auth"):
            client.verify(TOKEN)


def test_storm_of_refusals_ends(new_client: NewClient) -> None:
    with saying(refusal(429, "Too many requests", "Retry-After: 9999")) as server:
        client = new_client(server.url, TOKEN)
        with pytest.raises(TooManyRequests) as caught:
            client.tokens.get(7)
        assert caught.value.retry_after == 9999
        assert len(server.requests) == 1
    with saying(refusal(429)) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        with pytest.raises(TooManyRequests):
            client.tokens.get(7)
        assert len(server.requests) == 4


def test_client_comes_back_when_it_was_told_to(new_client: NewClient) -> None:
    with saying(refusal(429, "Too many requests", "Retry-After: 0"), http(200, ROW)) as server:
        started = time.monotonic()
        assert new_client(server.url, TOKEN, retries=QUICK).tokens.get(7).label == "ci"
        assert time.monotonic() - started >= 1


@pytest.mark.parametrize("failure", [[RESET], [], [b"HTTP/1.1 200 OK\r\nContent-"]], ids=["reset", "closed", "cut"])
def test_reading_survives_a_broken_connection(new_client: NewClient, failure: Pieces) -> None:
    with saying(failure, failure, http(200, ROW)) as server:
        assert new_client(server.url, TOKEN, retries=QUICK).tokens.get(7).label == "ci"
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "failure",
    [[RESET], [], refusal(503), refusal(429, "later", "Retry-After: 0"), http(502, HTML)],
    ids=["reset", "closed", "unavailable", "too many", "bad gateway"],
)
def test_creation_is_sent_once(new_client: NewClient, failure: Pieces) -> None:
    with saying(failure) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        with pytest.raises(TokenryError):
            client.tokens.create(label="x")
        assert len(server.requests) == 1


@pytest.mark.parametrize("options", [{}, {"idempotent_creates": True}], ids=["own key", "every creation"])
def test_creation_with_a_key_is_repeated_with_the_same(new_client: NewClient, options: dict[str, bool]) -> None:
    with saying([RESET], http(200, {**ROW, "token": TOKEN})) as server:
        client = new_client(server.url, TOKEN, retries=QUICK, **options)
        client.tokens.create(label="x", idempotency_key=None if options else "mine")
        keys = {line for request in server.requests for line in request.split(b"\r\n") if b"Idempotency-Key" in line}
        assert len(server.requests) == 2
        assert len(keys) == 1


def test_revocation_whose_answer_is_lost_is_done(new_client: NewClient) -> None:
    with saying([RESET], refusal(404, "Not found")) as server:
        new_client(server.url, TOKEN, retries=QUICK).tokens.revoke(7)
        assert len(server.requests) == 2
    with saying(refusal(404, "Not found")) as server:
        client = new_client(server.url, TOKEN, retries=QUICK)
        with pytest.raises(NotFound):
            client.tokens.revoke(7)


def test_nobody_there(new_client: NewClient) -> None:
    with saying([]) as server:
        url = server.url
    client = new_client(url, TOKEN, retries=QUICK)
    with pytest.raises(ConnectionFailed, match="ConnectError"):
        client.tokens.get(7)


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\n", *[b"X-Slow: 1\r\n"] * 400],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 400],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 400],
    ],
    ids=["silence", "slow head", "slow body", "slow chunks"],
)
def test_slow_answer_ends_at_the_timeout(new_client: NewClient, pieces: Pieces) -> None:
    with saying(pieces, pause=20 if len(pieces) == 1 else 0.05) as server:
        client = new_client(server.url, TOKEN, timeout=SECONDS, retries=Retries(attempts_max=1))
        started = time.monotonic()
        with pytest.raises(TimedOut, match=rf"No answer from {server.url} within 0\.3 seconds"):
            client.tokens.get(7)
        assert SECONDS <= time.monotonic() - started < SOON


def test_body_without_an_end_is_given_up(new_client: NewClient) -> None:
    endless = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"[" * (BODY_BYTES_MAX + 1)]
    with saying(endless) as server:
        client = new_client(server.url, TOKEN, retries=Retries(attempts_max=1))
        with pytest.raises(ConnectionFailed, match=f"The answer of {server.url} is longer than"):
            client.tokens.get(7)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_token_does_not_follow_a_redirect(call: Callable[[Client], object], new_client: NewClient, status: int) -> None:
    with saying(http(200, ROW)) as elsewhere:
        location = f"http://localhost:{elsewhere.port}/v4/profile/tokens"
        with saying(http(status, b"", f"Location: {location}?a=b")) as server:
            client = new_client(server.url, TOKEN, retries=QUICK)
            with pytest.raises(Redirected) as caught:
                call(client)
            assert caught.value.location == location
            assert len(server.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["Location: http://[", "Location: ", "X-Other: 1", "Location: /v4/elsewhere"])
def test_redirect_to_nowhere_is_one_too(new_client: NewClient, location: str) -> None:
    with saying(http(302, b"", location)) as server:
        client = new_client(server.url, TOKEN)
        with pytest.raises(Redirected):
            client.tokens.get(7)
        assert len(server.requests) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_token_goes_through_no_proxy_of_the_environment(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with saying([]) as proxy, saying(http(200, ROW)) as server:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        new_client(server.url, TOKEN).tokens.get(7)
        assert proxy.requests == []


def test_cookie_is_not_kept(new_client: NewClient) -> None:
    with saying(http(200, ROW, "Set-Cookie: a=b; Path=/")) as server:
        client = new_client(server.url, TOKEN)
        for _ in range(2):
            client.tokens.get(7)
        assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("method", ["list", "page"])
def test_list_that_has_no_end_ends_with_its_rows(new_client: NewClient, method: str) -> None:
    """A server that claims pages it does not have is not asked for all of them."""
    with saying(
        http(200, {**PAGE, "pages": 10**9}), http(200, {"data": [], "page": 2, "pages": 10**9, "results": 1})
    ) as server:
        client = new_client(server.url, TOKEN)
        rows = list(client.tokens.list()) if method == "list" else client.tokens.page().rows
        assert [row.id for row in rows] == [7]
        assert len(server.requests) <= 2


def test_slow_call_leaves_other_threads_alone() -> None:
    """The deadline is that of the thread that waits."""
    with saying([b""], http(200, ROW), pause=20) as server:
        client = Client(server.url, TOKEN, timeout=SECONDS, retries=Retries(attempts_max=1))
        failures: list[TokenryError] = []

        def wait() -> None:
            try:
                client.tokens.get(7)
            except TokenryError as error:
                failures.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not server.requests:
            time.sleep(0.01)
        assert client.tokens.get(7).label == "ci"
        waiting.join(SOON)
        assert [type(failure) for failure in failures] == [TimedOut]
        client.close()
