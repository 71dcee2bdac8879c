"""Why tokens were revoked; and those that are disabled, in a table of their own.

A column of an index of tokens could not be added without holding up who writes them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("tokens", sa.Column("revoked_reason", Words))
    op.create_table(
        "disabled_tokens",
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
        sa.Column("disabled_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_by", Words, nullable=False),
    )
