"""Webhooks, and what they are to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PENDING = sa.text("state = 'pending'")
DONE = sa.text("state = 'done'")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("actions", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_before", sa.LargeBinary),
        sa.Column("before_until", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("busy_until", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_webhooks_account_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhooks_account_id", "webhooks", ["account_id"])
    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("webhook_id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, server_default=sa.text("'pending'")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("status", sa.Integer),
        sa.Column("error", Words),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["event_id"], ["audit_events.id"], name="fk_outbox_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])
    op.create_index("ix_outbox_of_webhook", "outbox", ["webhook_id", "id", "state"])
    for name, columns, where in (
        ("ix_outbox_due", ["webhook_id", "due_at", "id"], PENDING),
        ("ix_outbox_subject", ["subject", "id"], PENDING),
        ("ix_outbox_ended_at", ["ended_at"], DONE),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)
