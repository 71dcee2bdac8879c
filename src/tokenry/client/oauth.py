"""Signing a person in by OAuth, for programs of the person's machine, which can keep no secret of their own.

The authorization code with PKCE, by a browser (RFC 6749, 7636, 8252, 9207), and the device code, without one (RFC
8628). Everything that is sent goes below the one address: what a service says of itself is compared with that.
"""

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

from tokenry.addresses import read_base_url
from tokenry.client.answers import read_redirect
from tokenry.client.errors import ConnectionFailed, OAuthError, UnreadableAnswer, WrongIssuer
from tokenry.client.rows import Row, read_scopes
from tokenry.client.secrets import Secret, TokenText, masked
from tokenry.client.session import TIMEOUT_SECONDS
from tokenry.client.times import check_seconds
from tokenry.client.transport import Answer, Request, Transport

METADATA_PATH = "/.well-known/oauth-authorization-server"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
RANDOM_BYTES = 32
DEVICE_SECONDS_MAX = 15 * 60
INTERVAL_SECONDS_DEFAULT = 5
INTERVAL_SECONDS_MAX = 60
SLOWER_SECONDS = 5
"""How much longer to wait when that is asked for (RFC 8628 section 3.5)."""
USER_CODE_LENGTH_MAX = 64
PENDING = "authorization_pending"
SLOW_DOWN = {"slow_down", "temporarily_unavailable"}


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """What a service says of itself (RFC 8414), as far as it matters here; all of it is below its issuer."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    device_authorization_endpoint: str | None


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """Somebody who is to sign in by a browser: `url` is to be opened there, and sends it to `redirect_uri` after."""

    url: str
    redirect_uri: str
    state: Secret
    verifier: Secret

    def is_answer(self, parameters: Mapping[str, str]) -> bool:
        """Whether the query of the address that a browser came back to answers this, and no other attempt."""
        return compare_digest(parameters.get("state", "").encode(), self.state.reveal().encode())


@dataclass(frozen=True, slots=True)
class DeviceAttempt:
    """Somebody who is to type `user_code` at `verification_uri`, within so many seconds."""

    user_code: str
    verification_uri: str
    expires_in: int
    interval: int
    code: Secret


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token for a short while, and what it may do."""

    secret: Secret
    scopes: tuple[str, ...]


class OAuthClient:
    """Signs people in at a service, for a public client of it. Connections are kept, until `close` or a block's end.

    `timeout` is in seconds, for each request as a whole; `sleep` and `monotonic` are the clock. Raises ValueError for
    an address that is neither of https nor of this machine.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = read_base_url(url)
        parts = urlsplit(self._url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("People can sign in at https:// addresses, and at those of this machine")
        self._client_id = client_id
        self._timeout = check_seconds(timeout, "timeout")
        self._transport = _default_transport() if transport is None else transport
        self._sleep = sleep
        self._monotonic = monotonic
        self._server: AuthorizationServer | None = None

    def discover(self) -> AuthorizationServer:
        """What the service says of itself, which is asked for once. Raises WrongIssuer, OAuthError, TokenryError."""
        if self._server is None:
            row = self._ask("GET", f"{self._url}{METADATA_PATH}")
            self._server = _read_server(row, self._url)
        return self._server

    def begin_code(self, redirect_uri: str, scopes: str) -> CodeAttempt:
        """Begin to sign somebody in by a browser. Raises TokenryError."""
        state, verifier = _random(), _random()
        challenge = urlsafe_b64encode(sha256(verifier.reveal().encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": state.reveal(),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = f"{self.discover().authorization_endpoint}?{urlencode(query)}"
        return CodeAttempt(url, redirect_uri, state, verifier)

    def finish_code(self, attempt: CodeAttempt, parameters: Mapping[str, str]) -> AccessToken:
        """Exchange what a browser came back with for a token.

        Raises ValueError for what answers another attempt; WrongIssuer, OAuthError if that was refused, TokenryError.
        """
        parameters = {name: TokenText(value) for name, value in parameters.items()}  # a traceback shows them
        server = self.discover()
        if not attempt.is_answer(parameters):
            raise ValueError("The answer is that of another attempt")
        if parameters.get("iss") != server.issuer:
            raise WrongIssuer(server.issuer, masked(parameters.get("iss", "")))
        if "error" in parameters:
            raise OAuthError(masked(parameters["error"]), masked(parameters.get("error_description", "")))
        return self._get_token(
            {
                "grant_type": "authorization_code",
                "code": Secret(parameters.get("code", "")),
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
            }
        )

    def begin_device(self, scopes: str) -> DeviceAttempt:
        """Begin to sign somebody in by a code. Raises OAuthError where the service has none, TokenryError."""
        endpoint = self.discover().device_authorization_endpoint
        if endpoint is None:
            raise OAuthError("unsupported_grant_type", "The service has no device codes")
        return _read_device(self._ask("POST", endpoint, {"scope": scopes}), self._url)

    def finish_device(self, attempt: DeviceAttempt) -> AccessToken:
        """Wait until somebody has typed the code. Raises OAuthError if that is refused or too late, TokenryError."""
        deadline, interval = self._monotonic() + attempt.expires_in, attempt.interval
        while True:
            self._sleep(interval)
            if self._monotonic() >= deadline:
                raise OAuthError("expired_token", "Nobody has typed the code in time")
            try:
                return self._get_token({"grant_type": DEVICE_CODE, "device_code": attempt.code})
            except OAuthError as refusal:
                if refusal.code in SLOW_DOWN:
                    interval = min(interval + SLOWER_SECONDS, INTERVAL_SECONDS_MAX)
                elif refusal.code != PENDING:
                    raise
            except ConnectionFailed:
                interval = min(2 * interval, INTERVAL_SECONDS_MAX)

    def revoke(self, token: AccessToken) -> None:
        """Give a token back, at once and for good. Raises TokenryError."""
        form: dict[str, str | Secret] = {"token": token.secret, "token_type_hint": "access_token"}
        self._send("POST", self.discover().revocation_endpoint, form)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _get_token(self, form: Mapping[str, str | Secret]) -> AccessToken:
        row = self._ask("POST", self.discover().token_endpoint, form)
        if row.text("token_type").lower() != "bearer":
            raise row.unreadable("token_type", "bearer")
        secret = row.secret("access_token")
        if not secret.is_sendable:
            raise row.unreadable("access_token", "visible ASCII characters without a space")
        return AccessToken(secret, read_scopes(row.text("scope")))

    def _ask(self, method: str, url: str, form: Mapping[str, str | Secret] | None = None) -> Row:
        return Row.of(_name(method, url), self._send(method, url, form))

    def _send(self, method: str, url: str, form: Mapping[str, str | Secret] | None = None) -> Answer:
        """Send something and return what was answered 200. Raises OAuthError, TokenryError."""
        request, name = self._request(method, url, form), _name(method, url)
        answer = self._transport.send(request, self._timeout)
        if answer.status == 200:
            return answer
        if 300 <= answer.status < 400:
            raise read_redirect(name, answer, None)
        secrets = [value for value in (form or {}).values() if isinstance(value, Secret)]
        raise _read_refusal(name, answer, secrets)

    def _request(self, method: str, url: str, form: Mapping[str, str | Secret] | None) -> Request:
        headers = [("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "tokenry-client")]
        if form is None:
            return Request(method, url, None, tuple(headers))
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        sent = {"client_id": self._client_id, **form}
        body = urlencode({key: value.reveal() if isinstance(value, Secret) else value for key, value in sent.items()})
        return Request(method, url, None, tuple(headers), body.encode("ascii"))


def _read_server(row: Row, url: str) -> AuthorizationServer:
    if row.text("issuer") != url:
        raise WrongIssuer(url, masked(row.text("issuer")))
    methods = row.everything().get("code_challenge_methods_supported")
    if not isinstance(methods, list) or "S256" not in methods:
        raise row.unreadable("code_challenge_methods_supported", "a list with S256")
    device = "device_authorization_endpoint"
    return AuthorizationServer(
        issuer=url,
        authorization_endpoint=_read_below(row, "authorization_endpoint", url),
        token_endpoint=_read_below(row, "token_endpoint", url),
        revocation_endpoint=_read_below(row, "revocation_endpoint", url),
        device_authorization_endpoint=row.if_any(device, lambda key: _read_below(row, key, url)),
    )


def _read_device(row: Row, url: str) -> DeviceAttempt:
    user_code, interval = row.text("user_code"), row.if_any("interval", row.number)
    if not user_code.isprintable() or len(user_code) > USER_CODE_LENGTH_MAX:
        raise row.unreadable("user_code", "a code that people type")
    return DeviceAttempt(
        user_code=user_code,
        verification_uri=_read_below(row, "verification_uri", url),
        expires_in=min(row.number("expires_in"), DEVICE_SECONDS_MAX),
        interval=min(max(INTERVAL_SECONDS_DEFAULT if interval is None else interval, 1), INTERVAL_SECONDS_MAX),
        code=row.secret("device_code"),
    )


def _read_below(row: Row, key: str, url: str) -> str:
    """An address of the service's own: nothing is sent, and nobody sent, anywhere else."""
    address = row.text(key)
    try:
        is_own = address.startswith(f"{url}/") and read_base_url(address) == address
    except ValueError:
        is_own = False
    if not is_own:
        raise row.unreadable(key, f"an address below {url}")
    return address


def _read_refusal(request: str, answer: Answer, secrets: list[Secret]) -> OAuthError | UnreadableAnswer:
    try:
        row = Row.of(request, answer)
        code, description = row.text("error"), row.if_any("error_description", row.text) or ""
    except UnreadableAnswer as error:
        return error
    for secret in secrets:
        code, description = (text.replace(secret.reveal(), "…") for text in (code, description))
    return OAuthError(masked(code), masked(description))


def _random() -> Secret:
    """A text of 43 characters that nobody guesses."""
    return Secret(urlsafe_b64encode(os.urandom(RANDOM_BYTES)).decode().rstrip("="))


def _name(method: str, url: str) -> str:
    return f"{method} {urlsplit(url)._replace(query='').geturl()}"


def _default_transport() -> Transport:
    from tokenry.client.connections import HttpTransport  # noqa: PLC0415 - it is not needed with another one

    return HttpTransport()
