"""Indexes by which a token is found whose first characters open nothing any more."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    revoked = sa.text("revoked_at IS NOT NULL")
    op.create_index("ix_tokens_preview_revoked", "tokens", ["preview"], sqlite_where=revoked, postgresql_where=revoked)
    op.create_index("ix_rotations_previous", "rotations", ["previous"])
