"""What users are told in time, once for each thing; what they do not want to be told; where tokens were used from."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from tokenry.storage.schema.base import Id, Seconds, Words, metadata

# `thing` tells what is told of: there is one row for it, whichever host comes first. `token_id` is of a personal token,
# which is never deleted: no key, or it would be looked for.
notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("thing", String(255), nullable=False),
    Column("token_id", Id, nullable=False),
    Column("network", Words),
    Column("created_at", Seconds, nullable=False, index=True),
    Column("mailed_at", Seconds),
    Column("dismissed_at", Seconds),
    UniqueConstraint("user_id", "kind", "thing"),
    sqlite_autoincrement=True,
)
Index(None, notices.c.user_id, notices.c.id)


def _messages_table(name: str) -> Table:
    """Before `next_at` a user is sent no other such message: one was sent lately, or could not be."""
    return Table(
        name,
        metadata,
        Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
        Column("next_at", Seconds, nullable=False),
        Column("failures", Integer, nullable=False, server_default=text("0")),
    )


digests = _messages_table("digests")
alarms = _messages_table("alarms")

# What all users of an account were sent at an address, which is folded, or all there are where it is 0. Each message
# has an interval of its own, one after the other, and `next_at` is when the last of them ends. After that the row says
# nothing.
mailed_addresses = Table(
    "mailed_addresses",
    metadata,
    Column("address", Words, primary_key=True),
    Column("account_id", Id, primary_key=True, autoincrement=False),
    Column("next_at", Seconds, nullable=False, index=True),
)

unwanted_notices = Table(
    "unwanted_notices",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("kind", String(32), primary_key=True),
)

# Of personal tokens.
seen_networks = Table(
    "seen_networks",
    metadata,
    Column("token_id", Id, ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
    Column("network", Words, primary_key=True),
    Column("seen_at", Seconds, nullable=False),
)
