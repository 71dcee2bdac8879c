"""What tests of several places make in a database."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, func, select

from tests.conftest import START
from tokenry.domain.accounts import Origin
from tokenry.domain.scopes import Scopes
from tokenry.domain.secrets import Keyed
from tokenry.domain.tokens import NEVER, Token
from tokenry.storage import migration
from tokenry.storage.accounts import create_account
from tokenry.storage.database import Database
from tokenry.storage.schema import credentials
from tokenry.storage.tokens import insert_credential, insert_token
from tokenry.storage.users import create_user

OPERATOR = Origin("operator")
NOW = datetime.fromtimestamp(START, UTC)
DIGEST = bytes(32)
CRASH = """
import os, signal, sys
from pathlib import Path
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
with Epoch(Path(sys.argv[1]), TIMEOUT_SECONDS).change(**{sys.argv[2]: ["pat_0123456789ab"]}):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def new_user(database: Database, username: str = "ada") -> int:
    """Store a user of a new account; the user's id."""
    with database.write() as connection:
        account = create_account(connection, euuid=username, company="Analytical", created=NOW)
        user = create_user(connection, account_id=account.id, username=username, email="", admin=False, created=NOW)
    return user.id


def add_token(
    connection: Connection,
    user_id: int,
    preview: str | None = None,
    *,
    label: str | None = "laptop",
    scopes: str = "linodes:read_only account:read_write",
    expiry: datetime = NEVER,
) -> Token:
    """Store a token and what opens it. Without a preview, it gets one of its own."""
    if preview is None:
        preview = f"pat_{connection.execute(select(func.count()).select_from(credentials)).scalar_one():012}"
    token = insert_token(
        connection,
        user_id=user_id,
        label=label,
        scopes=Scopes.parse(scopes),
        preview=preview,
        created=NOW,
        expiry=expiry,
        created_by="ada",
    )
    insert_credential(connection, Keyed(preview, DIGEST, 1), token_id=token.id, expiry=expiry)
    return token


def crash(path: Path, journal: str = "changed") -> None:
    """A process that dies while it commits something to name in this journal."""
    process = subprocess.run([sys.executable, "-c", CRASH, str(path), journal], check=False)
    assert process.returncode == -signal.SIGKILL


def migrate_to(database: Database, revision: str) -> None:
    """Make the schema of an earlier program."""
    with database.write() as connection:
        config = migration._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
