"""Indexes by which a list, its count and a piece of an export cost what they show, and not what there is."""

from alembic import op

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = (
    NewIndex(
        "ix_tokens_user_id_id_live",
        "tokens",
        ["user_id", "id", "expires_at", "revoked_at"],
        where="revoked_at IS NULL",
    ),
    NewIndex("ix_tokens_user_id_id_revoked", "tokens", ["user_id", "id", "revoked_at"], where="revoked_at IS NOT NULL"),
    NewIndex("ix_tokens_user_id_id_revoked_at_expires_at", "tokens", ["user_id", "id", "revoked_at", "expires_at"]),
    NewIndex("ix_users_account_id_id_deleted_at", "users", ["account_id", "id", "deleted_at"]),
    NewIndex("ix_accounts_parent_id_id", "accounts", ["parent_id", "id"]),
    NewIndex("ix_audit_events_subject_id", "audit_events", ["subject", "id"]),
)


def upgrade() -> None:
    create_indexes(INDEXES)
    op.drop_index("ix_tokens_user_id_revoked_at_id", "tokens")
    op.drop_index("ix_users_account_id", "users")
    op.drop_index("ix_accounts_parent_id", "accounts")
    op.drop_index("ix_audit_events_subject", "audit_events")
