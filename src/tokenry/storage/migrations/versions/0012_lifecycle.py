"""Tokens that are disabled, in a table of their own: adding a column to an index would lock the tokens meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "disabled_tokens",
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
        sa.Column("disabled_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_by", Words, nullable=False),
    )
