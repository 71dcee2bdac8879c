"""Databases with many tokens, made quickly: rows go straight into the tables, with real digests and the real pepper."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, insert

from tokenry.domain.secrets import BASE62, PREFIX, PUBLIC_ID_LENGTH, SECRET_LENGTH, Peppers, Secret, checksum
from tokenry.service.accounts import new_euuid
from tokenry.settings import Settings
from tokenry.storage.schema import accounts, credentials, tokens, users
from tokenry.wiring import open_installation, prepare

TOKENS_PER_USER = 100
"""So that a list with page_size 100 is full, however many tokens are stored."""
KNOWN_MAX = 10_000
"""Secrets that the load presents. Each is used once before any is used again."""
SCOPES = (
    "account:read_write",
    "account:read_write linodes:read_only",
    "account:read_write linodes:read_write domains:read_write",
    "account:read_write object_storage:read_only volumes:read_only",
)
_ANY_BYTE_TO_BASE62 = bytes(ord(BASE62[byte % len(BASE62)]) for byte in range(256))
_DAY_SECONDS = 24 * 60 * 60
_ROWS_AT_ONCE = 20_000
_CACHE_KIBIBYTES = 1 << 20  # random keys touch every page: without room for them all, filling takes many times longer


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


def fill(data_dir: Path, stored: int, *, seed: int = 1) -> Stock:
    """Set up a data directory whose database holds `stored` tokens, in the order that a service would make them in.

    The same seed gives the same secrets; the pepper is new each time, so the digests are too.
    """
    prepare(Settings(data_dir=data_dir))
    installation = open_installation(Settings(data_dir=data_dir))
    chance = random.Random(seed)
    try:
        with installation.database.write() as connection:
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            names = _insert_users(connection, stored // TOKENS_PER_USER)
            known = _insert_tokens(connection, installation.peppers, chance, names, stored)
        with installation.database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")  # a checkpoint is refused inside a transaction
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        installation.database.close()
    chance.shuffle(known)
    return Stock(data_dir, stored, tuple(known))


def _insert_users(connection: Connection, number: int) -> list[str]:
    now = int(time.time())
    account = {"id": 1, "euuid": new_euuid(), "company": "benchmark", "created_at": now}
    connection.execute(insert(accounts), account)
    names = [f"user-{index:05}" for index in range(number)]
    rows = [
        {"id": index, "account_id": 1, "username": name, "email": "", "admin": False, "created_at": now}
        for index, name in enumerate(names, start=1)
    ]
    connection.execute(insert(users), rows)
    return names


def _insert_tokens(
    connection: Connection, peppers: Peppers, chance: random.Random, names: list[str], stored: int
) -> list[Known]:
    """Insert tokens 1 to `stored`, the users taking turns; the known ones, a sample of them all."""
    now = int(time.time())
    sample = set(chance.sample(range(1, stored + 1), min(stored, KNOWN_MAX)))
    known: list[Known] = []
    for first in range(1, stored + 1, _ROWS_AT_ONCE):
        token_rows = []
        credential_rows = []
        for token_id in range(first, min(first + _ROWS_AT_ONCE, stored + 1)):
            secret = _make_secret(chance)
            user = token_id % len(names)
            label = f"token-{token_id}"
            expires_at = now + (30 + token_id % 365) * _DAY_SECONDS
            token_rows.append(
                {
                    "id": token_id,
                    "user_id": user + 1,
                    "label": label,
                    "label_folded": label,
                    "scopes": SCOPES[token_id % len(SCOPES)],
                    "preview": secret.preview,
                    "created_at": now,
                    "expires_at": expires_at,
                }
            )
            credential_rows.append(
                {
                    "preview": secret.preview,
                    "token_id": token_id,
                    "digest": peppers.digest(secret),
                    "pepper_generation": peppers.generation,
                    "expires_at": expires_at,
                }
            )
            if token_id in sample:
                known.append(Known(token_id, names[user], secret.reveal()))
        connection.execute(insert(tokens), token_rows)
        connection.execute(insert(credentials), credential_rows)
    return known


def _make_secret(chance: random.Random) -> Secret:
    """Make a token of the shape that `Secret.generate` gives, from one draw: a million take seconds, not a minute."""
    body = PREFIX + chance.randbytes(PUBLIC_ID_LENGTH + SECRET_LENGTH).translate(_ANY_BYTE_TO_BASE62).decode("ascii")
    return Secret(body + checksum(body))
