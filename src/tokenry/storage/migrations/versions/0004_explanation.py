"""Indexes by which a token is found whose first characters open nothing any more."""

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = (
    NewIndex("ix_tokens_preview_revoked", "tokens", ["preview"], where="revoked_at IS NOT NULL"),
    NewIndex("ix_rotations_previous", "rotations", ["previous"]),
)


def upgrade() -> None:
    create_indexes(INDEXES)
