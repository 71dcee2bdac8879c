"""What OAuth is measured with, beside the personal tokens of a stock: clients, access tokens and codes.

Rows go straight into the tables, like those of personal tokens; each access token has a grant of its own.
"""

import random
import sqlite3
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from bench.stock import SCOPES, Known, Stock
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import ClientChange
from tokenry.domain.oauth import GrantType
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import ACCESS, CODE, Kind, Peppers, Secret
from tokenry.settings import Settings
from tokenry.storage.files import find_peppers
from tokenry.wiring import open_installation

TOKENS = 1000
"""Access tokens that the load presents, of as many users as there are."""
_LIFETIME_SECONDS = 7200
_REDIRECT = "https://app.example/callback"
_SCOPE = "account:read_only"
_VERIFIER = "verifier-of-the-benchmark-" * 2
_CHALLENGE = urlsafe_b64encode(sha256(_VERIFIER.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
_INSERT_APP = "INSERT INTO apps (user_id, oauth_client_id, scopes, created_at) VALUES (?, ?, '*', ?)"
_INSERT_GRANT = """
    INSERT INTO oauth_grants (app_id, grant_type, scopes, created_at, expires_at)
    VALUES (?, 'authorization_code', ?, ?, ?)
"""
_INSERT_TOKEN = """
    INSERT INTO tokens (user_id, label, label_folded, scopes, preview, created_at, expires_at, grant_id)
    VALUES (?, 'app', 'app', ?, ?, ?, ?, ?)
"""
_INSERT_CREDENTIAL = """
    INSERT INTO credentials (preview, digest, pepper_generation, token_id, expires_at, kind, client_id)
    VALUES (?, ?, ?, ?, ?, 'access', ?)
"""
_INSERT_CODE = """
    INSERT INTO authorization_codes
    (preview, digest, pepper_generation, app_id, redirect_uri, scopes, code_challenge, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Applications:
    """What applications present: access tokens, and at the token endpoint lines as `load.lua` reads them."""

    tokens: tuple[Known, ...]
    itself: str = field(repr=False)
    """Of a client that acts for itself."""
    codes: tuple[str, ...] = field(repr=False)


def let_in(stock: Stock, *, codes: int) -> Applications:
    """Let a client in for every user of a stock, with access tokens and as many codes, which live for hours here."""
    installation = open_installation(Settings(data_dir=stock.data_dir))
    try:
        common = {"label": "app", "scopes": Scopes.parse("*"), "public": False}
        itself, itself_secret = installation.clients.create_client(
            Origin("benchmark"),
            ClientChange({**common, "grant_types": frozenset({GrantType.CLIENT_CREDENTIALS})}),
            account="benchmark",
        )
        sent, sent_secret = installation.clients.create_client(
            Origin("benchmark"),
            ClientChange(
                {
                    **common,
                    "grant_types": frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
                    "redirect_uris": (_REDIRECT,),
                }
            ),
            account="benchmark",
        )
    finally:
        installation.database.close()
    assert itself_secret is not None
    assert sent_secret is not None
    maker = _Maker(stock.data_dir, sent.id, sent.client_id)
    tokens, made = maker.make(codes)
    basic = _basic(sent.client_id, sent_secret)
    form = {"grant_type": "authorization_code", "redirect_uri": _REDIRECT, "code_verifier": _VERIFIER}
    return Applications(
        tokens,
        _line(_basic(itself.client_id, itself_secret), {"grant_type": "client_credentials", "scope": _SCOPE}),
        tuple(_line(basic, {**form, "code": code.reveal()}) for code in made),
    )


class _Maker:
    """Makes what one client has, in one transaction."""

    def __init__(self, data_dir: Path, oauth_client_id: int, client_id: str) -> None:
        peppers = find_peppers(data_dir)
        assert peppers is not None
        self._peppers: Peppers = peppers
        self._database = data_dir / "tokenry.db"
        self._client = (oauth_client_id, client_id)
        self._chance = random.Random("oauth")
        self._now = int(time.time())

    def make(self, codes: int) -> tuple[tuple[Known, ...], list[Secret]]:
        """Make apps of all users, then tokens and codes, the users taking turns."""
        with closing(sqlite3.connect(self._database, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            users = connection.execute("SELECT id, username FROM users WHERE username LIKE 'user-%'").fetchall()
            apps = [self._insert(connection, _INSERT_APP, user_id, self._client[0], self._now) for user_id, _ in users]
            tokens = tuple(
                self._make_token(
                    connection, users[number % len(users)], apps[number % len(apps)], SCOPES[number % len(SCOPES)]
                )
                for number in range(TOKENS)
            )
            made = [self._generate(CODE) for _ in range(codes)]
            expiry = self._now + _LIFETIME_SECONDS
            connection.executemany(
                _INSERT_CODE,
                [
                    (*self._opener(code), apps[number % len(apps)], _REDIRECT, _SCOPE, _CHALLENGE, self._now, expiry)
                    for number, code in enumerate(made)
                ],
            )
            connection.execute("COMMIT")
        return tokens, made

    def _make_token(self, connection: sqlite3.Connection, user: tuple[int, str], app_id: int, scopes: str) -> Known:
        secret, (user_id, username) = self._generate(ACCESS), user
        now, expiry = self._now, self._now + _LIFETIME_SECONDS
        grant_id = self._insert(connection, _INSERT_GRANT, app_id, scopes, now, expiry)
        token_id = self._insert(connection, _INSERT_TOKEN, user_id, scopes, secret.preview, now, expiry, grant_id)
        self._insert(connection, _INSERT_CREDENTIAL, *self._opener(secret), token_id, expiry, self._client[1])
        return Known(token_id, username, secret.reveal())

    def _opener(self, secret: Secret) -> tuple[str, bytes, int]:
        return secret.preview, self._peppers.digest(secret), self._peppers.generation

    def _generate(self, kind: Kind) -> Secret:
        return Secret.generate(self._chance.randbytes, kind)

    @staticmethod
    def _insert(connection: sqlite3.Connection, statement: str, *values: object) -> int:
        row = connection.execute(statement, values).lastrowid
        assert row is not None
        return row


def _basic(client_id: str, secret: Secret) -> str:
    return b64encode(f"{client_id}:{secret.reveal()}".encode("ascii")).decode("ascii")


def _line(basic: str, form: Mapping[str, str]) -> str:
    headers = f"Authorization: Basic {basic}\tContent-Type: application/x-www-form-urlencoded"
    return f"none /oauth/token\t{headers}\tbody={urlencode(form)}\n"
