"""How people sign in, and their sessions."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tokenry.storage.schema.base import EMPTY, Id, Seconds, Words, metadata

# Argon2id as its own text has it, with salt and parameters. Who has none cannot sign in by one.
passwords = Table(
    "passwords",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("changed_at", Seconds, nullable=False),
)

# Links that let a person choose a password, once.
links = Table(
    "links",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
)

# Of a person's browser: found by what its cookie begins with. `authenticated_at` is the last proof of who it is.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("preview", String(16), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("method", String(64), nullable=False),
    Column("address", Words),
    Column("agent", Words),
    Column("created_at", Seconds, nullable=False),
    Column("authenticated_at", Seconds, nullable=False),
    Column("seen_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
    sqlite_autoincrement=True,
)
Index(None, sessions.c.user_id, sessions.c.id, sessions.c.expires_at)

logins = Table(
    "logins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("at", Seconds, nullable=False, index=True),
    Column("address", Words),
    Column("succeeded", Boolean, nullable=False),
    Column("method", String(64), nullable=False),
    sqlite_autoincrement=True,
)
Index(None, logins.c.user_id, logins.c.id)
Index(None, logins.c.user_id, logins.c.succeeded, logins.c.at)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("credential_id", LargeBinary(1023), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Id, nullable=False),
    Column("label", Words, nullable=False, server_default=EMPTY),
    Column("created_at", Seconds, nullable=False),
    Column("used_at", Seconds),
    sqlite_autoincrement=True,
)

# Time-based one-time passwords (RFC 6238): the key, sealed by one that is outside the database (`domain/seals.py`).
# `used_step` is the last step whose code was taken, since each is taken once.
authenticators = Table(
    "authenticators",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("used_step", Id, nullable=False),
)

# Each opens once, instead of a second factor, and is gone then.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("pepper_generation", SmallInteger, nullable=False),
)

# Who a user is to an OpenID provider.
identities = Table(
    "identities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("issuer", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Seconds, nullable=False),
    UniqueConstraint("issuer", "subject"),
    sqlite_autoincrement=True,
)
