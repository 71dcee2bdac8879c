"""The one row of the policy, which limits nothing yet; an index that lists of ended tokens can use, too."""

import sqlalchemy as sa
from alembic import op

from tokenry.storage.indexes import NewIndex, create_indexes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (NewIndex("ix_tokens_user_id_revoked_at_id", "tokens", ["user_id", "revoked_at", "id"]),)


def upgrade() -> None:
    policy = sa.table("policy", sa.column("id"), sa.column("expiry_required", sa.Boolean), sa.column("scopes"))
    op.bulk_insert(policy, [{"id": 1, "expiry_required": False, "scopes": "{}"}])
    live = sa.text("revoked_at IS NULL")
    create_indexes(INDEXES)
    op.drop_index("ix_tokens_user_id_live", "tokens", sqlite_where=live, postgresql_where=live)
