"""Tokens that may rotate themselves, and manage nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("rotates_itself_only", sa.Boolean, nullable=False, server_default=sa.false()))
