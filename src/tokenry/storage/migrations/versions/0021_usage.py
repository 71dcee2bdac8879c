"""What tokens are used for, day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _count("token_counts", _token_id())
    _count("account_counts", sa.Column("account_id", Id, primary_key=True, autoincrement=False))
    op.create_table(
        "asked_scopes",
        _token_id(),
        sa.Column("scope", Words, primary_key=True),
        sa.Column("day", sa.Integer, nullable=False),
    )
    op.add_column("tokens", sa.Column("watched", Words))
    op.create_table(
        "watched_tokens",
        _token_id(),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("began_by", Words, nullable=False),
    )
    op.create_table(
        "watched_refusals",
        _token_id(),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("scope", Words, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text),
    )
    op.create_table(
        "revoked_uses",
        _token_id(),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text),
    )
    for table in ("asked_scopes", "watched_refusals", "revoked_uses"):
        op.create_index(f"ix_{table}_day", table, ["day"])


def _token_id() -> "sa.Column[int]":
    return sa.Column("token_id", Id, sa.ForeignKey("tokens.id"), primary_key=True, autoincrement=False)


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
