"""What a product's backend gives to a user's own browser."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "page_tokens",
        sa.Column("preview", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("pepper_generation", sa.SmallInteger, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("token_id", Id, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("preview", name="pk_page_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_page_tokens_user_id"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_page_tokens_token_id"),
    )
    for column in ("user_id", "token_id", "expires_at"):
        op.create_index(f"ix_page_tokens_{column}", "page_tokens", [column])
