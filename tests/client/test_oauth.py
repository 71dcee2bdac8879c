"""Signing people in: what is believed of a service, what is sent to it, and how long that takes."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.client.hostile import http, saying
from tokenry.client import (
    Answer,
    ConnectionFailed,
    OAuthError,
    Redirected,
    Request,
    TimedOut,
    TokenryError,
    UnreadableAnswer,
    WrongIssuer,
)
from tokenry.client.oauth import (
    DEVICE_CODE,
    DEVICE_SECONDS_MAX,
    INTERVAL_SECONDS_MAX,
    AccessToken,
    CodeAttempt,
    OAuthClient,
)
from tokenry.client.secrets import Secret

URL = "https://tokens.example.com"
BACK = "http://127.0.0.1:4711"
ACCESS = "toat0123456789abS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t"
DEVICE = "odc_0123456789abD3v1c3D3v1c3D3v1c3D3v1c3D3v1c3D3v1c3"
METADATA: Mapping[str, Any] = {
    "issuer": URL,
    "authorization_endpoint": f"{URL}/oauth/authorize",
    "token_endpoint": f"{URL}/oauth/token",
    "revocation_endpoint": f"{URL}/oauth/revoke",
    "device_authorization_endpoint": f"{URL}/oauth/device_authorization",
    "code_challenge_methods_supported": ["S256"],
}
GIVEN = {"access_token": ACCESS, "token_type": "bearer", "expires_in": 7200, "scope": "linodes:read_only"}
DEVICE_GIVEN: Mapping[str, Any] = {
    "device_code": DEVICE,
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{URL}/device",
    "expires_in": 600,
    "interval": 5,
}
PENDING = (400, {"error": "authorization_pending"})
SLOW_DOWN = (400, {"error": "slow_down"})

Said = tuple[int, Any] | ConnectionFailed


@dataclass
class Service:
    """Says what a test has it say, one answer after the other, and hears the requests. Its clock goes while one waits.

    What it says of itself is `metadata`.
    """

    said: list[Said]
    metadata: Mapping[str, Any] = field(default_factory=lambda: METADATA)
    heard: list[Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def send(self, request: Request, timeout: float) -> Answer:
        if request.method == "GET":
            return Answer(200, body=json.dumps(self.metadata).encode())
        self.heard.append(request)
        said = self.said.pop(0)
        if isinstance(said, ConnectionFailed):
            raise said
        return Answer(said[0], body=json.dumps(said[1]).encode())

    def close(self) -> None:
        """Nothing is open."""

    def client(self) -> OAuthClient:
        return OAuthClient(URL, "cli", transport=self, sleep=self.waits.append, monotonic=lambda: sum(self.waits))

    def form(self) -> dict[str, str]:
        """What was sent last."""
        body = self.heard[-1].body
        assert body is not None
        return dict(parse_qsl(body.decode(), strict_parsing=True))


def answer_to(attempt: CodeAttempt, **more: str) -> dict[str, str]:
    return {"code": "oac_code", "state": attempt.state.reveal(), "iss": URL, **more}


def test_code_is_exchanged_with_its_verifier() -> None:
    service = Service([(200, GIVEN)])
    client = service.client()
    attempt = client.begin_code(BACK, "linodes:read_only")
    query = parse_qs(urlsplit(attempt.url).query)
    assert attempt.url.startswith(f"{URL}/oauth/authorize?")
    assert (query["redirect_uri"], query["code_challenge_method"]) == ([BACK], ["S256"])
    token = client.finish_code(attempt, answer_to(attempt))
    assert (token.secret.reveal(), token.scopes) == (ACCESS, ("linodes:read_only",))
    sent = service.form()
    assert (sent["client_id"], sent["code"], sent["redirect_uri"]) == ("cli", "oac_code", BACK)
    assert sent["code_verifier"] == attempt.verifier.reveal()
    assert attempt.verifier.reveal() not in attempt.url
    assert not any(name == "Authorization" for name, _ in service.heard[-1].all_headers())


def test_each_attempt_has_its_own_state_and_verifier() -> None:
    client = Service([]).client()
    attempts = [client.begin_code(BACK, "*") for _ in range(2)]
    texts = {each.reveal() for attempt in attempts for each in (attempt.state, attempt.verifier)}
    assert len(texts) == 4
    assert all(len(text) == 43 for text in texts)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"state": "x"}, ValueError),
        ({"state": "é"}, ValueError),
        ({"iss": "https://evil.example"}, WrongIssuer),
        ({"iss": ""}, WrongIssuer),
        ({"iss": "https://evil.example", "error": "access_denied"}, WrongIssuer),
        ({"error": "access_denied", "error_description": "The user refused."}, OAuthError),
    ],
)
def test_code_of_somebody_else_is_sent_nowhere(answer: dict[str, str], error: type[Exception]) -> None:
    service = Service([])
    client = service.client()
    attempt = client.begin_code(BACK, "*")
    with pytest.raises(error):
        client.finish_code(attempt, answer_to(attempt, **answer))
    assert service.heard == []


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{URL}/"},
        {"authorization_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "https://tokens.example.com.evil.example/oauth/authorize"},
        {"authorization_endpoint": f"{URL}/oauth/authorize?x=y"},
        {"token_endpoint": "http://tokens.example.com/oauth/token"},
        {"token_endpoint": f"{URL}:444/oauth/token"},
        {"revocation_endpoint": None},
        {"device_authorization_endpoint": "https://evil.example/"},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": "S256"},
    ],
    ids=str,
)
def test_service_that_says_something_else_of_itself_is_believed_nothing(lie: dict[str, Any]) -> None:
    service = Service([], metadata={**METADATA, **lie})
    with pytest.raises((WrongIssuer, UnreadableAnswer)):
        service.client().begin_code(BACK, "*")
    assert service.heard == []


@pytest.mark.parametrize("url", ["http://tokens.example.com", "http://127.0.0.1.evil.example", "ftp://localhost", ""])
def test_people_sign_in_by_https_or_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        OAuthClient(url, "cli", transport=Service([]))


@pytest.mark.parametrize(
    "given",
    [
        {**GIVEN, "token_type": "DPoP"},
        {**GIVEN, "access_token": "a b"},
        {**GIVEN, "access_token": ""},
        {**GIVEN, "access_token": None},
        [GIVEN],
    ],
    ids=str,
)
def test_token_of_another_kind_is_unreadable(given: object) -> None:
    client = Service([(200, given)]).client()
    attempt = client.begin_code(BACK, "*")
    with pytest.raises(UnreadableAnswer) as told:
        client.finish_code(attempt, answer_to(attempt))
    assert ACCESS[16:] not in "".join(traceback.format_exception(told.value))


def test_device_waits_as_it_is_told_to() -> None:
    lost = ConnectionFailed("lost")
    service = Service([(200, DEVICE_GIVEN), PENDING, SLOW_DOWN, PENDING, lost, PENDING, (200, GIVEN)])
    client = service.client()
    attempt = client.begin_device("linodes:read_only")
    assert (attempt.user_code, attempt.verification_uri) == ("WDJB-MJHT", f"{URL}/device")
    assert client.finish_device(attempt).secret.reveal() == ACCESS
    assert service.waits == [5, 5, 10, 10, 20, 20]
    assert service.form() == {"client_id": "cli", "grant_type": DEVICE_CODE, "device_code": DEVICE}


def test_device_does_not_wait_for_ever() -> None:
    forever = {**DEVICE_GIVEN, "expires_in": 10**9, "interval": 10**6}
    service = Service([(200, forever), *[SLOW_DOWN] * 1000])
    client = service.client()
    attempt = client.begin_device("*")
    with pytest.raises(OAuthError, match="expired_token"):
        client.finish_device(attempt)
    assert max(service.waits) == INTERVAL_SECONDS_MAX
    assert sum(service.waits) <= DEVICE_SECONDS_MAX + INTERVAL_SECONDS_MAX


@pytest.mark.parametrize("interval", [0, -1])
def test_device_does_not_ask_without_a_pause(interval: int) -> None:
    service = Service([(200, {**DEVICE_GIVEN, "interval": interval}), PENDING, (200, GIVEN)])
    client = service.client()
    client.finish_device(client.begin_device("*"))
    assert service.waits == [1, 1]


@pytest.mark.parametrize("code", ["access_denied", "expired_token", "invalid_grant"])
def test_device_that_is_refused_asks_no_more(code: str) -> None:
    service = Service([(200, DEVICE_GIVEN), (400, {"error": code, "error_description": "no"})])
    client = service.client()
    attempt = client.begin_device("*")
    with pytest.raises(OAuthError, match=code):
        client.finish_device(attempt)
    assert service.said == []


@pytest.mark.parametrize(
    "lie",
    [
        {"verification_uri": "https://evil.example/device"},
        {"user_code": "\x1b[2J"},
        {"user_code": "x" * 65},
        {"device_code": 5},
        {"expires_in": "600"},
    ],
    ids=str,
)
def test_device_code_that_nobody_can_type_is_unreadable(lie: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer):
        Service([(200, {**DEVICE_GIVEN, **lie})]).client().begin_device("*")


def test_service_without_device_codes_says_so() -> None:
    without = {name: value for name, value in METADATA.items() if not name.startswith("device")}
    with pytest.raises(OAuthError, match="no device codes"):
        Service([], metadata=without).client().begin_device("*")


def test_token_is_given_back() -> None:
    service = Service([(200, {})])
    service.client().revoke(AccessToken(Secret(ACCESS), ("*",)))
    assert service.heard[-1].url == f"{URL}/oauth/revoke"
    assert service.form() == {"client_id": "cli", "token": ACCESS, "token_type_hint": "access_token"}


def _give_back(client: OAuthClient) -> None:
    client.revoke(AccessToken(Secret(ACCESS), ("*",)))


def _exchange(client: OAuthClient) -> None:
    attempt = client.begin_code(BACK, "*")
    client.finish_code(attempt, answer_to(attempt, code=ACCESS))


@pytest.mark.parametrize("ask", [_give_back, _exchange])
def test_no_secret_is_in_what_goes_wrong(ask: Callable[[OAuthClient], None]) -> None:
    """Not where the service repeats what it was sent, nor in the text of a traceback."""
    service = Service([(400, {"error": ACCESS, "error_description": f"\x1b[2J {ACCESS}"})])
    with pytest.raises(OAuthError) as told:
        ask(service.client())
    shown = "".join(traceback.TracebackException.from_exception(told.value, capture_locals=True).format())
    assert ACCESS[16:] not in shown
    assert "\x1b" not in str(told.value)


class Echo(Service):
    """Says what it hears."""

    def send(self, request: Request, timeout: float) -> Answer:
        if request.body is not None:
            self.said = [(400, {"error": "invalid_grant", "error_description": request.body.decode()})]
        return super().send(request, timeout)


def test_verifier_that_is_said_again_is_not_shown() -> None:
    client = Echo([]).client()
    attempt = client.begin_code(BACK, "*")
    with pytest.raises(OAuthError) as told:
        client.finish_code(attempt, answer_to(attempt))
    assert "code_verifier=…" in str(told.value)
    assert attempt.verifier.reveal() not in repr(told.value)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (http(404, {"errors": [{"reason": "Not found"}]}), UnreadableAnswer),
        (http(503, {"error": "temporarily_unavailable", "error_description": "no"}), OAuthError),
        (http(302, b"", "Location: https://evil.example/x?y"), Redirected),
        (http(200, b"<html>"), UnreadableAnswer),
        (http(200, b"{" * 100_000), UnreadableAnswer),
    ],
    ids=["absent", "unset", "elsewhere", "page", "deep"],
)
def test_service_that_cannot_sign_in_is_told_apart(said: Any, error: type[TokenryError]) -> None:
    with saying(said) as server, OAuthClient(server.url, "cli") as client, pytest.raises(error):
        client.discover()


def test_service_that_hangs_is_left() -> None:
    endless = [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 1000]
    with (
        saying(endless, pause=0.05) as server,
        OAuthClient(server.url, "cli", timeout=0.3) as client,
        pytest.raises(TimedOut),
    ):
        client.discover()
