"""What is mailed to an address is bounded, whichever users have it; a webhook that rests is not one that is busy."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "mailed_addresses",
        sa.Column("address", Words, nullable=False),
        sa.Column("account_id", Id, nullable=False, autoincrement=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("address", "account_id", name="pk_mailed_addresses"),
    )
    op.create_index("ix_mailed_addresses_next_at", "mailed_addresses", ["next_at"])
    op.add_column("webhooks", sa.Column("resting_until", sa.BigInteger, nullable=False, server_default=sa.text("0")))
