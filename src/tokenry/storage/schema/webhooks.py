"""Webhooks, and what they are still to be told: written in the transaction of what happens, sent afterwards."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from tokenry.storage.schema.base import EMPTY, Id, Seconds, Words, metadata

# `sealed` is what messages are signed with, and `sealed_before` the secret before it, which signs as well until
# `before_until`: each sealed by a key that is outside the database (`domain/seals.py`).
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), index=True),  # NULL: the operator's, for the whole installation
    Column("url", Text, nullable=False),
    Column("actions", Text, nullable=False, server_default=EMPTY),  # each between two spaces; none: all there are
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_before", LargeBinary),
    Column("before_until", Seconds),
    Column("created_at", Seconds, nullable=False),
    Column("disabled_at", Seconds),
    # Until then nobody else sends to it: one worker does.
    Column("busy_until", Seconds, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),  # one after the other
    Column("disabled_for", String(16)),  # NULL also for one that somebody disabled
    # Until then it is sent nothing but what somebody sends by hand: it has failed, or was slow.
    Column("resting_until", Seconds, nullable=False, server_default=text("0")),
    sqlite_autoincrement=True,
)

# What a webhook is told; `webhook_id` is no key, so that nobody who changes something waits for who changes a webhook.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, nullable=False),
    Column("event_id", Id, ForeignKey("audit_events.id"), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    # Since then it is tried: it was put here, or is sent once more. When the event happened, the audit says.
    Column("created_at", Seconds, nullable=False, index=True),
    Column("due_at", Seconds, nullable=False),  # 0: sent by hand, it waits for nothing but what comes before it
    Column("state", String(16), nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("status", Integer),
    Column("error", Words),
    Column("ended_at", Seconds),
    sqlite_autoincrement=True,
)
_PENDING = text("state = 'pending'")
Index("ix_outbox_of_webhook", outbox.c.webhook_id, outbox.c.id, outbox.c.state)
# What is due, and what of the same subject comes before it.
Index(
    "ix_outbox_due",
    outbox.c.webhook_id,
    outbox.c.due_at,
    outbox.c.id,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
Index(
    "ix_outbox_subject",
    outbox.c.subject,
    outbox.c.id,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
_ENDED = text("state = 'done'")
Index("ix_outbox_ended_at", outbox.c.ended_at, sqlite_where=_ENDED, postgresql_where=_ENDED)
