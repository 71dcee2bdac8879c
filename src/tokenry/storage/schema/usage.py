"""What tokens are used for, day by day: kept for a time, written in batches, never by the request that used one.

A day is the number of days since 1970, UTC.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from tokenry.storage.schema.base import Id, Seconds, Words, metadata

# How often a personal token was presented on a day, and what became of it.
token_counts = Table(
    "token_counts",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False, index=True),
    Column("result", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# The same of all tokens of an account together, access tokens too; of account 0 what was no token of anybody's.
account_counts = Table(
    "account_counts",
    metadata,
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False, index=True),
    Column("result", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# On which day a scope was last asked for by whoever accepted a personal token.
asked_scopes = Table(
    "asked_scopes",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("scope", Words, primary_key=True),
    Column("day", Integer, nullable=False, index=True),
)

# How often a token that is watched would have been refused on a day for want of a scope, and when and from where last.
watched_refusals = Table(
    "watched_refusals",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False, index=True),
    Column("scope", Words, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("last_at", Seconds, nullable=False),
    Column("address", Text),
)

# Since when somebody watches whether a token could be kept to fewer scopes, which are with the token.
watched_tokens = Table(
    "watched_tokens",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("began_at", Seconds, nullable=False),
    Column("began_by", Words, nullable=False),
)

# The revoked personal tokens whose previews were presented again: since when, and when and from where last.
revoked_uses = Table(
    "revoked_uses",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False, index=True),
    Column("first_at", Seconds, nullable=False),
    Column("last_at", Seconds, nullable=False),
    Column("address", Text),
)
