"""Parent accounts, profiles, details of tokens, their uses and rotation, idempotency, policy."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CONTACT_FIELDS = "email first_name last_name address_1 address_2 city state zip country phone tax_id"


def upgrade() -> None:
    _tokens()
    _users()
    _accounts()
    _rotation()
    op.create_table(
        "policy",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("lifetime_seconds_max", sa.BigInteger),
        sa.Column("expiry_required", sa.Boolean, nullable=False),
        sa.Column("tokens_per_user_max", sa.Integer),
        sa.Column("scopes", sa.Text, nullable=False),
    )


def _tokens() -> None:
    op.add_column("credentials", sa.Column("networks", sa.Text, nullable=False, server_default=""))
    op.add_column("tokens", sa.Column("description", Words, nullable=False, server_default=""))
    op.add_column("tokens", sa.Column("created_by", Words, nullable=False, server_default=""))
    op.add_column("tokens", sa.Column("revoked_by", Words))
    _add_reference("tokens", "delegated_by", "users")
    live = sa.text("delegated_by IS NOT NULL AND revoked_at IS NULL")
    op.create_index("ix_tokens_delegated_by_live", "tokens", ["delegated_by"], sqlite_where=live, postgresql_where=live)
    op.create_table(
        "token_uses",
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("agent", sa.Text),
    )


def _users() -> None:
    for column in (
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("proxy", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("child_account_access", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("timezone", Words, nullable=False, server_default="UTC"),
        sa.Column("email_notifications", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("ip_whitelist_enabled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("lish_auth_method", Words, nullable=False, server_default="keys_only"),
        sa.Column("authorized_keys", sa.Text),
    ):
        op.add_column("users", column)


def _accounts() -> None:
    _add_reference("accounts", "parent_id", "accounts")
    op.create_index("ix_accounts_parent_id", "accounts", ["parent_id"])
    for name in CONTACT_FIELDS.split():
        op.add_column("accounts", sa.Column(name, Words, nullable=False, server_default=""))


def _rotation() -> None:
    op.create_table(
        "rotations",
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False),
        sa.Column("preview", sa.String(16), nullable=False),
        sa.Column("previous", sa.String(16), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("grace_seconds", sa.Integer, nullable=False),
        sa.Column("on_first_use", sa.Boolean, nullable=False),
        sa.Column("first_used_at", sa.BigInteger),
    )
    unused = sa.text("first_used_at IS NULL")
    op.create_index(
        "ix_rotations_preview_unused", "rotations", ["preview"], sqlite_where=unused, postgresql_where=unused
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("token_id", Id, sa.ForeignKey("tokens.id")),
        sa.Column("preview", sa.String(16)),
        sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
    )


def _add_reference(table: str, column: str, referred: str) -> None:
    """Add a nullable column and its foreign key, which SQLite takes in one statement that Alembic does not write."""
    kind = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    name = f"fk_{table}_{column}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {referred} (id)")
