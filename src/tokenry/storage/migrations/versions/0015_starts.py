"""Moments before which tokens are refused: with what opens them, and for lists in a table of their own.

A column of an index of tokens could not be added without holding up who writes them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("credentials", sa.Column("not_before", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "token_starts",
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
    )
