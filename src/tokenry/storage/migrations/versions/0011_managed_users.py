"""Users of a product, by its names for them, and the service accounts that manage them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("users", sa.Column("service", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("external_id", Words))
    with_external_id = sa.text("external_id IS NOT NULL")
    op.create_index(
        "ix_users_account_id_external_id",
        "users",
        ["account_id", "external_id"],
        unique=True,
        sqlite_where=with_external_id,
        postgresql_where=with_external_id,
    )
    listed = ["account_id", "id", "deleted_at", "external_id", "admin", "service", "proxy"]
    op.create_index("ix_users_of_account", "users", listed)
    op.drop_index("ix_users_account_id_id_deleted_at", "users")
    # Those whom OAuth clients are when they act for themselves.
    acting = sa.text("SELECT service_user_id FROM oauth_clients WHERE service_user_id IS NOT NULL")
    op.execute(sa.text(f"UPDATE users SET service = true WHERE id IN ({acting.text})"))  # noqa: S608 - no input
