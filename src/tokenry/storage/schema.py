"""The tables. Times are integer seconds since 1970, UTC; a time that may be missing is NULL.

A token is a row of `tokens` for ever: revoking it sets `revoked_at`. What can be presented at the door is a row of
`credentials`, keyed by the token's first 16 characters; revoking deletes it, so a look-up is right by itself.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives out row ids for INTEGER only; AUTOINCREMENT keeps it from giving one out twice.
Id = BigInteger().with_variant(Integer, "sqlite")
Seconds = BigInteger()
# Ordered and compared byte by byte, so that both engines agree: SQLite does so by itself.
Words = Text().with_variant(Text(collation="C"), "postgresql")

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("euuid", String(36), nullable=False, unique=True),
    Column("company", Words, nullable=False),
    Column("created_at", Seconds, nullable=False),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("username", Words, nullable=False, unique=True),
    Column("email", Words, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("disabled_at", Seconds),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("label", Words, nullable=False),
    Column("label_folded", Words, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("preview", String(16), nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    Column("revoked_at", Seconds),
    sqlite_autoincrement=True,
)
# Lists are of one user's live tokens; revoked rows stay out of the index.
Index(
    "ix_tokens_user_id_live",
    tokens.c.user_id,
    tokens.c.id,
    sqlite_where=text("revoked_at IS NULL"),
    postgresql_where=text("revoked_at IS NULL"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("preview", String(16), primary_key=True),
    Column("token_id", Id, ForeignKey("tokens.id"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("pepper_generation", SmallInteger, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    sqlite_with_rowid=False,
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Seconds, nullable=False),
    Column("actor", Words, nullable=False),
    Column("actor_user_id", Id),
    Column("actor_token_id", Id),
    Column("address", Text),
    Column("action", String(64), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("details", Text, nullable=False),
    sqlite_autoincrement=True,
)

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("pepper_check", LargeBinary(32), nullable=False),
)
