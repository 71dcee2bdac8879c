"""What tokens are used for, day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    token_id = sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False)
    _count("token_counts", token_id)
    _count("account_counts", sa.Column("account_id", Id, primary_key=True, autoincrement=False))


def _count(table: str, counted: "sa.Column[int]") -> None:
    """How often something became of what is counted, by day."""
    op.create_table(
        table,
        counted,
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("result", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_index(f"ix_{table}_day", table, ["day"])
