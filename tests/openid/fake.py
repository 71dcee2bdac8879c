"""An OpenID provider on loopback that lies as a test wants it to. One that does not is npm's `oidc-provider`."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key

CLIENT_ID = "tokenry"
CODE = "the-code"


def new_key(kid: str) -> Key:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@dataclass
class FakeProvider:
    """What the provider says. `now` is its clock; `asked` is what it was asked for, paths in their order.

    `metadata`, `claims`, `tokens` and `header` replace what an honest one says there; None leaves that out.
    """

    url: str
    now: Callable[[], float]
    signing: Key = field(default_factory=lambda: new_key("first"))
    published: list[Key] = field(default_factory=list)
    nonce: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    user_info: dict[str, Any] = field(default_factory=lambda: {"sub": "ada"})
    token_status: int = 200
    answers: dict[str, tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    """By path, what is answered instead of a document."""
    drip_seconds: float = 0
    """How long each byte takes, headers and all."""
    asked: list[str] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)
    authorization: str | None = None

    def __post_init__(self) -> None:
        self.published = [self.signing]

    def rotate(self, kid: str = "second") -> None:
        """Sign with another key, and publish no other."""
        self.signing = new_key(kid)
        self.published = [self.signing]

    def document(self, path: str) -> dict[str, Any] | None:
        match path:
            case "/.well-known/openid-configuration":
                return _with(
                    {
                        "issuer": self.url,
                        "authorization_endpoint": f"{self.url}/authorize",
                        "token_endpoint": f"{self.url}/token",
                        "jwks_uri": f"{self.url}/keys",
                        "userinfo_endpoint": f"{self.url}/me",
                    },
                    self.metadata,
                )
            case "/keys":
                return {"keys": [key.as_dict(private=False) for key in self.published]}
            case "/token":
                return _with({"access_token": "at", "token_type": "Bearer", "id_token": self.id_token()}, self.tokens)
            case "/me":
                return self.user_info
        return None

    def id_token(self) -> str:
        now = int(self.now())
        honest = {
            "iss": self.url,
            "sub": "ada",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "preferred_username": "ada",
            "email": "ada@acme.example",
            "email_verified": True,
        }
        header = _with({"alg": "ES256", "kid": self.signing.kid}, self.header)
        return jwt.encode(header, _with(honest, self.claims), self.signing, [header["alg"]])

    def follow(self, address: str) -> dict[str, str]:
        """Let somebody in who was sent to an address; what is brought back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        self.nonce = asked["nonce"]
        return {"code": CODE, "state": asked["state"]}


@contextmanager
def fake_provider(now: Callable[[], float]) -> Iterator[FakeProvider]:
    """Run one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.provider = provider = FakeProvider(f"http://127.0.0.1:{server.server_port}", now)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"])).decode()
        self._provider.form = {name: values[0] for name, values in parse_qs(raw).items()}
        self._provider.authorization = self.headers["authorization"]
        self._answer()

    @property
    def _provider(self) -> FakeProvider:
        return self.server.provider  # type: ignore[attr-defined,no-any-return]

    def _answer(self) -> None:
        provider, path = self._provider, urlsplit(self.path).path
        provider.asked.append(path)
        status, headers, body = provider.answers.get(path) or self._honest(path)
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        whole = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
        self.close_connection = True
        try:
            if not provider.drip_seconds:
                self.wfile.write(whole)
                return
            for byte in whole:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(provider.drip_seconds)
        except OSError:  # who asked has gone, as it should
            pass

    def _honest(self, path: str) -> tuple[int, list[tuple[str, str]], bytes]:
        document = self._provider.document(path)
        status = self._provider.token_status if path == "/token" else 200
        if document is None:
            return 404, [], b""
        return status, [("Content-Type", "application/json")], json.dumps(document).encode()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def _with(honest: dict[str, Any], lies: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**honest, **lies}.items() if value is not None}
