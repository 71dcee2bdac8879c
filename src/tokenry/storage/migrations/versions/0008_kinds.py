"""Which kind of secret a credential is for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("kind", sa.String(8), nullable=False, server_default=sa.text("'pat'"))
    op.add_column("credentials", kind)
