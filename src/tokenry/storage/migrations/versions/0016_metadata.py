"""What a product keeps with its users and with tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("tokens", "users"):
        op.add_column(table, sa.Column("metadata", sa.Text))
