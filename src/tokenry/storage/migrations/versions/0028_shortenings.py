"""Tokens that outlive the policy are shortened by a job, where an administrator asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "shortenings",
        sa.Column("id", Id, nullable=False, autoincrement=False),
        sa.Column("lifetime_seconds", sa.BigInteger, nullable=False),
        sa.Column("actor", Words, nullable=False),
        sa.Column("actor_user_id", Id),
        sa.Column("address", sa.Text),
        sa.Column("session_id", Id),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("last_token_id", Id, nullable=False),
        sa.Column("at_once", sa.Integer, nullable=False),
        sa.Column("sooner", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_shortenings"),
    )
