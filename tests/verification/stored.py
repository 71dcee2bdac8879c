"""What databases hold in tests of look-ups: one user and tokens of his."""

from datetime import timedelta

from sqlalchemy import Connection

from tests.making import DIGEST, NOW, add_token
from tokenry.storage.accounts import create_account
from tokenry.storage.credentials import Credential
from tokenry.storage.database import Database, to_seconds
from tokenry.storage.users import create_user

EXPIRY = NOW + timedelta(days=1)
PREVIEW = "pat_0123456789ab"
STORED = Credential(
    preview=PREVIEW,
    digest=DIGEST,
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


def add_stored(connection: Connection, preview: str = PREVIEW) -> None:
    """Store a token of the only user, as `STORED` has it."""
    add_token(connection, STORED.user_id, preview, scopes=STORED.scopes, expiry=EXPIRY)


def path_of(database: Database) -> str:
    """Where its file is."""
    return str(database.url.database)
