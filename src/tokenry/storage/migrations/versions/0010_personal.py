"""Indexes by which lists of personal tokens pass over no access token, and access tokens can be deleted."""

from alembic import op

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = (
    NewIndex("ix_idempotency_keys_token_id", "idempotency_keys", ["token_id"]),
    NewIndex("ix_tokens_access_expires_at", "tokens", ["expires_at"], where="grant_id IS NOT NULL"),
    NewIndex(
        "ix_tokens_of_all",
        "tokens",
        ["user_id", "id", "revoked_at", "expires_at", "grant_id", "preview"],
    ),
    NewIndex(
        "ix_tokens_personal_revoked",
        "tokens",
        ["user_id", "id", "revoked_at", "grant_id"],
        where="grant_id IS NULL AND revoked_at IS NOT NULL",
    ),
    NewIndex(
        "ix_tokens_personal_live",
        "tokens",
        ["user_id", "id", "expires_at", "revoked_at", "grant_id"],
        where="grant_id IS NULL AND revoked_at IS NULL",
    ),
)


def upgrade() -> None:
    create_indexes(INDEXES)
    op.drop_index("ix_tokens_user_id_id_live", "tokens")
    op.drop_index("ix_tokens_user_id_id_revoked", "tokens")
    op.drop_index("ix_tokens_user_id_id_revoked_at_expires_at", "tokens")
