"""What tokens are used for, day by day: kept for a time, written in batches, never by the request that used one.

A day is the number of days since 1970, UTC.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table

from tokenry.storage.schema.base import Id, metadata

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
