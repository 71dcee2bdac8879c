"""Databases with many tokens, made quickly: rows go straight into the tables.

Those that the load presents are real: their digests are made with the real pepper.
"""

import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tokenry.domain.secrets import BASE62, PERSONAL, PUBLIC_ID_LENGTH, SECRET_LENGTH, Peppers, Secret, checksum
from tokenry.service.accounts import new_euuid
from tokenry.settings import Settings
from tokenry.storage.files import find_peppers
from tokenry.wiring import prepare

TOKENS_PER_USER = 100
"""So that a list with page_size 100 is full, however many tokens are stored."""
KNOWN_MAX = 10_000
"""Secrets that the load presents. Each is used once before any is used again."""
LIMIT = 10_000
"""Requests a minute with each: as a product may set it, and more than the load makes."""
SCOPES = (
    "account:read_write",
    "account:read_write linodes:read_only",
    "account:read_write linodes:read_write domains:read_write",
    "account:read_write object_storage:read_only volumes:read_only",
)
_ANY_BYTE_TO_BASE62 = bytes(ord(BASE62[byte % len(BASE62)]) for byte in range(256))
_DAY_SECONDS = 24 * 60 * 60
_ROWS_AT_ONCE = 20_000
_CACHE_KIBIBYTES = 4 << 20  # random keys touch every page: without room for them all, filling takes many times longer
_INSERT_TOKEN = """
    INSERT INTO tokens (id, user_id, label, label_folded, scopes, preview, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_CREDENTIAL = """
    INSERT INTO credentials (preview, token_id, digest, pepper_generation, expires_at, requests_per_minute)
    VALUES (?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored token whose secret the load knows."""

    token_id: int
    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stock:
    """A data directory with tokens in its database, ready to be served."""

    data_dir: Path
    stored: int
    known: tuple[Known, ...]


def fill(data_dir: Path, stored: int, *, seed: int = 1, tokens_per_user: int = TOKENS_PER_USER) -> Stock:
    """Set up a data directory whose database holds `stored` tokens, in the order that a service would make them in.

    The same seed gives the same secrets; the pepper is new each time, so the digests are too.
    """
    prepare(Settings(data_dir=data_dir))
    peppers = find_peppers(data_dir)
    assert peppers is not None
    chance = random.Random(seed)
    with closing(sqlite3.connect(data_dir / "tokenry.db", isolation_level=None)) as connection:
        # Nothing here need survive a crash, and without a log the pages are written once.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIBIBYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        names = _insert_users(connection, stored // tokens_per_user)
        known = _insert_tokens(connection, peppers, chance, names, stored)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    chance.shuffle(known)
    return Stock(data_dir, stored, tuple(known))


def _insert_users(connection: sqlite3.Connection, number: int) -> list[str]:
    now = int(time.time())
    account = "INSERT INTO accounts (id, euuid, company, created_at) VALUES (1, ?, 'benchmark', ?)"
    connection.execute(account, (new_euuid(), now))
    names = [f"user-{index:05}" for index in range(number)]
    connection.executemany(
        "INSERT INTO users (id, account_id, username, email, admin, created_at) VALUES (?, 1, ?, '', 0, ?)",
        [(index, name, now) for index, name in enumerate(names, start=1)],
    )
    return names


def _insert_tokens(
    connection: sqlite3.Connection, peppers: Peppers, chance: random.Random, names: list[str], stored: int
) -> list[Known]:
    """Insert tokens 1 to `stored`, the users taking turns; the known ones, a sample of them all."""
    now = int(time.time())
    sample = set(chance.sample(range(1, stored + 1), min(stored, KNOWN_MAX)))
    known: list[Known] = []
    for first in range(1, stored + 1, _ROWS_AT_ONCE):
        token_rows = []
        credential_rows = []
        for token_id in range(first, min(first + _ROWS_AT_ONCE, stored + 1)):
            user = token_id % len(names)
            label = f"token-{token_id}"
            expires_at = now + (30 + token_id % 365) * _DAY_SECONDS
            scopes = SCOPES[token_id % len(SCOPES)]
            if token_id in sample:
                secret = _make_secret(chance)
                preview, digest = secret.preview, peppers.digest(secret)
                known.append(Known(token_id, names[user], secret.reveal()))
            else:  # nobody presents it, so nothing need open it
                preview, digest = _make_preview(chance), chance.randbytes(32)
            token_rows.append((token_id, user + 1, label, label, scopes, preview, now, expires_at))
            credential_rows.append((preview, token_id, digest, peppers.generation, expires_at, LIMIT))
        connection.executemany(_INSERT_TOKEN, token_rows)
        connection.executemany(_INSERT_CREDENTIAL, credential_rows)
    return known


def _make_secret(chance: random.Random) -> Secret:
    """Make a token of the shape that `Secret.generate` gives."""
    body = _make_preview(chance) + _make_text(chance, SECRET_LENGTH)
    return Secret(body + checksum(body))


def _make_preview(chance: random.Random) -> str:
    return PERSONAL.prefix + _make_text(chance, PUBLIC_ID_LENGTH)


def _make_text(chance: random.Random, length: int) -> str:
    """Make characters from one draw: a million take seconds, not a minute."""
    return chance.randbytes(length).translate(_ANY_BYTE_TO_BASE62).decode("ascii")
