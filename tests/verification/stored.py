"""What databases hold in tests of look-ups: one user and tokens of his."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from tokenry.domain.scopes import Scopes
from tokenry.storage.accounts import create_account
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.tokens import insert_credential, insert_token
from tokenry.storage.users import create_user

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


def add_user(connection: Connection) -> None:
    """Store the only user, with id 1, and his account."""
    account = create_account(connection, euuid="E", company="c", created=NOW)
    create_user(connection, account_id=account.id, username="ada", email="", admin=False, created=NOW)


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
