"""What users are told in time, and what they do not want to be told; networks that tokens were used from."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("thing", sa.String(255), nullable=False),
        sa.Column("token_id", Id, nullable=False),
        sa.Column("network", Words),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("mailed_at", sa.BigInteger),
        sa.Column("dismissed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("user_id", "kind", "thing", name="uq_notices_user_id_kind_thing"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notices_user_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_created_at", "notices", ["created_at"])
    op.create_index("ix_notices_user_id_id", "notices", ["user_id", "id"])
    op.create_table(
        "unwanted_notices",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", name="pk_unwanted_notices"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_unwanted_notices_user_id"),
    )
    op.create_table(
        "seen_networks",
        sa.Column("token_id", Id, nullable=False),
        sa.Column("network", Words, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_id", "network", name="pk_seen_networks"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_seen_networks_token_id"),
    )
    op.create_table(
        "digests",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("user_id", name="pk_digests"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_digests_user_id"),
    )
