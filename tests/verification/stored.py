"""A database that holds one token, for tests of look-ups."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from tokenry.domain.scopes import Scopes
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.tokens import insert_credential, insert_token

NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
EXPIRY = NOW + timedelta(days=1)
PREVIEW = "pat_0123456789ab"
STORED = Credential(
    preview=PREVIEW,
    digest=b"d" * 32,
    pepper_generation=1,
    expires_at=to_seconds(EXPIRY),
    token_id=1,
    scopes="linodes:read_only",
    user_id=1,
    username="ada",
    disabled_at=None,
    account_id=1,
    account_euuid="E",
)


def add_token(connection: Connection, preview: str = PREVIEW) -> None:
    """Store a token of the only user."""
    token = insert_token(
        connection,
        user_id=1,
        label="laptop",
        scopes=Scopes.parse("linodes:read_only"),
        preview=preview,
        created=NOW,
        expiry=EXPIRY,
        created_by="ada",
    )
    insert_credential(
        connection, preview=preview, token_id=token.id, digest=b"d" * 32, pepper_generation=1, expiry=EXPIRY
    )


def path_of(database: Database) -> str:
    """Where its file is."""
    return str(database.url.database)
